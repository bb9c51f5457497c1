//! The platform's own entries: beside those of a component, in the same commit, and out of its sight.

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::names::Key;
use crate::store::{Event, StoreError};

fn own(rest: &str) -> Key {
    Key::platform('m', rest)
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

fn functions(store: &Store, after: Option<(CommitSeq, u32)>) -> Vec<String> {
    store.emitted(after, 100).unwrap().into_iter().map(|emitted| emitted.event.function.to_string()).collect()
}

#[tokio::test]
async fn a_component_neither_sees_nor_names_them() {
    let data = tempfile::tempdir().unwrap();
    let stores = open(data.path());
    let cart = stores.service(&name("cart")).unwrap();
    let mut transaction = cart.begin();
    transaction.set_platform(own("1"), Some("kept".into()));
    transaction.set("a", "seen").unwrap();
    commit(transaction).await.unwrap();
    let mut transaction = cart.begin();
    for key in ["\0m1", "\0"] {
        assert!(matches!(transaction.get(key), Err(StoreError::Key(_))), "{key:?}");
        assert!(matches!(transaction.set(key, "x"), Err(StoreError::Key(_))), "{key:?}");
        assert!(matches!(transaction.delete(key), Err(StoreError::Key(_))), "{key:?}");
        let scan = Scan { prefix: key, after: None, direction: Direction::Ascending, limit: 1 };
        assert!(matches!(transaction.scan(&scan), Err(StoreError::Key(_))), "{key:?}");
        let scan = Scan { prefix: "", after: Some(key), direction: Direction::Descending, limit: 1 };
        assert!(matches!(transaction.scan(&scan), Err(StoreError::Key(_))), "{key:?}");
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        let page = scan("", None, direction, 10)(&mut transaction);
        assert_eq!(page.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["a"]);
    }
    assert_eq!(transaction.get_platform(&own("1")).unwrap().as_deref(), Some(b"kept".as_slice()));
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
        transaction.set_platform(own(&round.to_string()), Some(vec![1; 100].into()));
        commit(transaction).await.unwrap();
        expected += 103;
        assert_eq!((cart.bytes(), cart.platform_bytes()), (6, expected));
        stores.close().unwrap();
    }
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &quota, None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    let mut transaction = cart.begin();
    transaction.set_platform(own("0"), None);
    commit(transaction).await.unwrap();
    assert_eq!(cart.platform_bytes(), expected - 103);
    assert!(cart.begin().get_platform(&own("0")).unwrap().is_none());
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
    assert_eq!(functions(&cart, Some((first, 0))), ["b", "c"]);
    assert_eq!(functions(&cart, Some((first, 1))), ["c"]);
    assert_eq!(functions(&cart, Some((second, 0))), [""; 0]);
    assert_eq!(functions(&stores.service(&name("stock")).unwrap(), None), [""; 0]);
}
