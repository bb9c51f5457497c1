//! Two generations of a component's data in one store.

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::names::Generation::{First, Second};

fn in_second(store: &Store) -> Transaction {
    store.begin().in_generation(Second)
}

fn keys(mut transaction: Transaction) -> Vec<String> {
    let scan = Scan { prefix: "", after: None, direction: Direction::Ascending, limit: 100 };
    transaction.scan(&scan).unwrap().entries.into_iter().map(|entry| entry.key).collect()
}

#[tokio::test]
async fn a_generation_sees_its_own_entries_alone_also_after_a_checkpoint_and_a_kill() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    put(&cart, "a", "first").await;
    let mut second = in_second(&cart);
    assert_eq!(text(&mut second, "a"), None);
    second.set("a", "second").unwrap();
    second.set("b", "xy").unwrap();
    let number = commit(second).await.unwrap();
    stores.wait_durable(number).await.unwrap();
    let check = |cart: &Store| {
        assert_eq!(text(&mut cart.begin(), "a").as_deref(), Some("first"));
        assert_eq!(text(&mut in_second(cart), "a").as_deref(), Some("second"));
        assert_eq!((keys(cart.begin()), keys(in_second(cart))), (vec!["a".into()], vec!["a".into(), "b".into()]));
        assert_eq!((cart.bytes_of(First), cart.bytes_of(Second), cart.bytes()), (6, 10, 16));
    };
    check(&cart);
    while !cart.is_applied() {
        tokio::task::yield_now().await;
    }
    check(&cart);
    let killed = disk.after_kill();
    let stores = Stores::open_on(&killed.as_disk(), &settings, &services(), None).unwrap();
    check(&stores.service(&name("cart")).unwrap());
    stores.close().unwrap();
}

#[tokio::test]
async fn commits_of_one_generation_conflict_with_none_of_the_other_and_are_told_apart() {
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    let before = put(&cart, "a", "1").await;
    let mut first = cart.begin();
    let _read = (text(&mut first, "a"), keys(cart.begin()));
    first.set("a", "2").unwrap();
    let mut second = in_second(&cart);
    second.set("a", "other").unwrap();
    commit(second).await.unwrap();
    assert_eq!(cart.writes_after(before, First).unwrap().commits(), 0);
    assert_eq!(cart.writes_after(before, Second).unwrap().commits(), 1);
    commit(first).await.unwrap();
    let mut reader = cart.begin_read();
    let _read = text(&mut reader, "a");
    let (reads, seen) = (reader.into_reads(), cart.last_commit());
    put(&cart, "b", "x").await;
    assert!(!cart.writes_after(seen, First).unwrap().touch(&reads));
    put(&cart, "a", "3").await;
    assert!(cart.writes_after(seen, First).unwrap().touch(&reads));
    assert!(!cart.writes_after(seen, Second).unwrap().touch(&reads));
}

#[tokio::test]
async fn each_generation_has_the_quota_for_itself_and_one_can_be_cleared() {
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &[(name("cart"), 10)], None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    put(&cart, "a", "12345678").await;
    let mut second = in_second(&cart);
    second.set("a", "12345678").unwrap();
    commit(second).await.unwrap();
    let mut second = in_second(&cart);
    second.set("b", "12345678").unwrap();
    assert!(matches!(commit(second).await, Err(CommitError::Quota { .. })));
    let mut clearing = in_second(&cart);
    assert!(!clearing.clear(10).unwrap());
    commit(clearing).await.unwrap();
    assert_eq!((cart.bytes_of(First), cart.bytes_of(Second)), (9, 0));
    assert_eq!(text(&mut cart.begin(), "a").as_deref(), Some("12345678"));
}
