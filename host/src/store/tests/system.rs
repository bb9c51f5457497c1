//! Rows of system tables: beside a component's data, in the same commit, and invisible to the component.

use proptest::prelude::*;

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::names::Digest;
use crate::store::Event;
use crate::store::system::{ANSWERS, CURSORS, EventSeq, MEMOS, MemoKey, RowWrite, SCHEDULE_SLOTS, Usage};

fn id(number: u8) -> CallId {
    CallId([number; 16])
}

fn event(function: &str) -> Event {
    Event { interface: "test:shop/events@1.0.0".into(), function: function.into(), payload: "{}".into() }
}

async fn emit(store: &Store, functions: &[&str]) -> CommitSeq {
    let mut transaction = store.begin();
    for function in functions {
        transaction.emit(event(function)).unwrap();
    }
    commit(transaction).await.unwrap()
}

fn functions(store: &Store, after: Option<EventSeq>) -> Vec<String> {
    store.emitted(after, 100).unwrap().into_iter().map(|emitted| emitted.event.function.to_string()).collect()
}

/// One row in each of several tables.
fn rows() -> Vec<RowWrite> {
    vec![
        ANSWERS.put(&id(1), "answer"),
        MEMOS.put(&MemoKey { began_at: 0, root: id(0), call: id(0) }, "memo"),
        CURSORS.put(&name("a"), "cursor"),
        SCHEDULE_SLOTS.put(&Digest::of(b"slot"), "slot"),
    ]
}

/// Texts with every kind of edge: empty, U+0000, the letters of key spaces and tables, the last character.
fn edges() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec!['\0', '\u{1}', 'a', 'c', 'm', 's', '\u{7f}', char::MAX]);
    proptest::collection::vec(letters, 0..4).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_scan_whatsoever_shows_a_component_a_row_or_ends_the_host(
        keys in proptest::collection::btree_set(edges(), 0..8),
        scans in proptest::collection::vec((edges(), proptest::option::of(edges()), any::<bool>(), 1_u32..4), 1..20),
        committed: bool, in_index: bool,
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let settings = StoreSettings { checkpoint_ms_max: if in_index { 0 } else { 3_600_000 }, ..SETTINGS };
            let stores = Stores::open_on(&SimulatedDisk::new(1).as_disk(), &settings, &services(), None).unwrap();
            let cart = stores.service(&name("cart")).unwrap();
            let mut transaction = cart.begin();
            transaction.emit(event("a")).unwrap();
            rows().into_iter().for_each(|row| transaction.write_row(row));
            let keys: Vec<_> = keys.into_iter().filter(|key| !key.is_empty()).collect();
            for key in &keys {
                transaction.set(key, "seen").unwrap();
            }
            if committed {
                commit(transaction).await.unwrap();
                while in_index && !cart.is_applied() {
                    std::thread::yield_now();
                }
                transaction = cart.begin();
            }
            for (prefix, rest, ascending, limit) in scans {
                let direction = if ascending { Direction::Ascending } else { Direction::Descending };
                let after = rest.map(|rest| format!("{prefix}{rest}"));
                let page = scan(&prefix, after.as_deref(), direction, limit)(&mut transaction);
                let mut expected: Vec<_> = keys.iter().filter(|key| key.starts_with(&prefix)).cloned().collect();
                if !ascending {
                    expected.reverse();
                }
                expected.retain(|key| after.as_ref().is_none_or(|after| if ascending { key > after } else { key < after }));
                assert_eq!(page.more, expected.len() > limit as usize);
                expected.truncate(limit as usize);
                assert_eq!(page.entries.into_iter().map(|entry| entry.key).collect::<Vec<_>>(), expected);
            }
            // A scan that found nothing because of wrong bounds does not prevent a commit.
            transaction.set("more", "1").unwrap();
            commit(transaction).await.unwrap();
            stores.close().unwrap();
        });
    }
}

#[tokio::test]
async fn a_component_has_every_key_for_itself() {
    let data = tempfile::tempdir().unwrap();
    let stores = open(data.path());
    let cart = stores.service(&name("cart")).unwrap();
    let mut transaction = cart.begin();
    rows().into_iter().for_each(|row| transaction.write_row(row));
    let row = String::from_utf8(ANSWERS.key(&id(1)).as_bytes().to_vec()).unwrap();
    for key in ["\0", "\0m1", row.as_str()] {
        transaction.set(key, "own").unwrap();
    }
    commit(transaction).await.unwrap();
    let mut transaction = cart.begin();
    assert_eq!(transaction.get(&row).unwrap().as_deref(), Some(b"own".as_slice()));
    assert_eq!(transaction.get_row(&ANSWERS, &id(1)).unwrap().as_deref(), Some(b"answer".as_slice()));
    transaction.delete(&row).unwrap();
    commit(transaction).await.unwrap();
    assert_eq!(cart.get_row(&ANSWERS, &id(1)).unwrap().as_deref(), Some(b"answer".as_slice()));
    stores.close().unwrap();
}

#[tokio::test]
async fn of_several_changes_of_one_row_the_last_one_counts() {
    let disk = SimulatedDisk::new(3);
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    let mut transaction = cart.begin();
    for write in [ANSWERS.put(&id(1), "1"), ANSWERS.put(&id(2), "2"), ANSWERS.delete(&id(1)), ANSWERS.put(&id(2), "22")]
    {
        transaction.write_row(write);
    }
    commit(transaction).await.unwrap();
    let check = |cart: &Store| {
        assert_eq!(cart.usage(&ANSWERS), Usage { rows: 1, bytes: 17 + 2 });
        assert_eq!(cart.get_row(&ANSWERS, &id(1)).unwrap(), None);
        assert_eq!(cart.get_row(&ANSWERS, &id(2)).unwrap().as_deref(), Some(b"22".as_slice()));
    };
    check(&cart);
    stores.close().unwrap();
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None).unwrap();
    check(&stores.service(&name("cart")).unwrap());
    stores.close().unwrap();
}

#[tokio::test]
async fn they_count_for_no_quota_and_are_counted_apart_over_restarts() {
    let disk = SimulatedDisk::new(3);
    let quota = vec![(name("cart"), 10)];
    let mut expected = 0;
    for round in 0..3 {
        let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &quota, None).unwrap();
        let cart = stores.service(&name("cart")).unwrap();
        assert_eq!((cart.bytes(), cart.platform_bytes()), (if round == 0 { 0 } else { 6 }, expected));
        let mut transaction = cart.begin();
        transaction.set("key", "abc").unwrap();
        transaction.write_row(ANSWERS.put(&id(round), vec![1; 100]));
        commit(transaction).await.unwrap();
        expected += 117;
        assert_eq!((cart.bytes(), cart.platform_bytes()), (6, expected));
        stores.close().unwrap();
    }
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &quota, None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    let mut transaction = cart.begin();
    transaction.write_row(ANSWERS.delete(&id(0)));
    commit(transaction).await.unwrap();
    assert_eq!(cart.platform_bytes(), expected - 117);
    assert!(cart.get_row(&ANSWERS, &id(0)).unwrap().is_none());
    assert_eq!(cart.usage(&ANSWERS), Usage { rows: 2, bytes: 2 * 117 });
    stores.close().unwrap();
}

#[tokio::test]
async fn events_wait_in_the_order_of_their_commits_also_after_a_crash() {
    let disk = SimulatedDisk::new(4);
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    let first = emit(&cart, &["a", "b"]).await;
    let second = emit(&cart, &["c"]).await;
    stores.wait_durable(second).await.unwrap();
    let before = cart.emitted(None, 100).unwrap();
    let crashed = disk.after_kill();
    let stores = Stores::open_on(&crashed.as_disk(), &SETTINGS, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    assert_eq!(cart.emitted(None, 100).unwrap(), before);
    assert_eq!(functions(&cart, None), ["a", "b", "c"]);
    assert_eq!(functions(&cart, Some(EventSeq(first, 0))), ["b", "c"]);
    assert_eq!(functions(&cart, Some(EventSeq(first, 1))), ["c"]);
    assert_eq!(functions(&cart, Some(EventSeq(second, 0))), [""; 0]);
    assert_eq!(functions(&stores.service(&name("stock")).unwrap(), None), [""; 0]);
}
