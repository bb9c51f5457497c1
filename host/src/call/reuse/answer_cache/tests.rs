use wasmtime::component::Val;

use super::*;
use crate::call::reuse::Provenance;
use crate::contract::{Function, Name, Reach};

const SHARE: usize = 64 * 1024;

fn cache() -> Arc<AnswerCache> {
    let cache = AnswerCache::new(&ServiceName::parse("cart").expect("a name"));
    cache.set_bounds(&ReuseBounds { bytes_max: 2 * SHARE, authentication_ms_max: 0 }, 2);
    cache
}

fn key(number: u32) -> AnswerKey {
    let function = Function {
        interface: "t:t/t".into(),
        name: Name::new("read"),
        docs: "".into(),
        parameters: vec![],
        ok: None,
        err: None,
        fallible: false,
        reach: Reach::Read,
        roles: vec![],
        calls_in_flight_max: None,
    };
    AnswerKey::new(&function, &[Val::U32(number)])
}

fn answer(bytes: usize) -> Arc<CachedAnswer> {
    Arc::new(CachedAnswer::new(vec![0; bytes], Provenance::default(), 1, None, 0))
}

fn bytes_of(cache: &AnswerCache) -> (usize, usize) {
    let answers = cache.lock();
    (answers.bytes, answers.by_key.iter().map(|(_, answer)| answer.bytes()).sum())
}

#[test]
fn answers_take_no_more_than_the_share_and_the_one_that_was_not_used_goes_first() {
    let cache = cache();
    let kept = answer(100);
    assert!(cache.insert(key(0), &kept));
    for number in 1..1_000 {
        assert!(cache.get(&key(0)).is_some(), "it was used since");
        assert!(cache.insert(key(number % 200), &answer(1_000)) || number % 200 == 0);
        if number % 200 == 0 {
            assert!(cache.insert(key(0), &kept));
        }
        let (counted, taken) = bytes_of(&cache);
        assert!(counted == taken && counted <= SHARE, "{counted} bytes are counted, {taken} taken");
    }
    assert!(cache.get(&key(199)).is_some() && cache.get(&key(100)).is_none());
    assert!(!cache.insert(key(7), &answer(SHARE / 4)), "one answer takes no large part of the share");
    cache.set_bounds(&ReuseBounds { bytes_max: 0, authentication_ms_max: 0 }, 2);
    assert_eq!(bytes_of(&cache), (0, 0));
    assert!(!cache.insert(key(7), &kept), "reuse is off");
}

#[test]
fn only_the_answer_that_was_found_is_removed() {
    let cache = cache();
    let (old, new) = (answer(1), answer(2));
    cache.insert(key(1), &old);
    cache.insert(key(1), &new);
    cache.remove(&key(1), &old);
    assert!(cache.get(&key(1)).is_some_and(|found| Arc::ptr_eq(&found, &new)));
    cache.remove(&key(1), &new);
    assert_eq!(bytes_of(&cache), (0, 0));
}
