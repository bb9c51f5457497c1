//! Damage of an index on the disk: it is never returned to a reader, it is found, and it is rebuilt if the journal has
//! the data.

use std::sync::Arc;

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::store::scrub::Scrubber;
use crate::store::{Event, Health, IndexError, StoreError};

const CART: &str = "services/cart.redb";
/// No cache: every read goes to the disk.
const BARE: StoreSettings = StoreSettings { checkpoint_ms_max: 0, index_cache_bytes: 0, ..SETTINGS };

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> (Stores, Store) {
    let stores = Stores::open_on(&disk.as_disk(), settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

/// Flips a bit wherever the file has `text`.
fn flip(disk: &SimulatedDisk, path: &str, text: &str) {
    disk.damage(path, |bytes| {
        let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(text.as_bytes())).collect();
        assert!(!places.is_empty(), "{text}");
        places.into_iter().for_each(|at| bytes[at] ^= 4);
    });
}

/// Makes the index so large that a read needs more than its first page, which redb keeps in memory.
async fn fill(store: &Store) {
    let mut transaction = store.begin();
    for key in 0..200 {
        transaction.set(&format!("filler-{key:03}"), "x".repeat(100)).unwrap();
    }
    commit(transaction).await.unwrap();
}

fn settle(store: &Store) {
    while !store.is_applied() {
        std::thread::yield_now();
    }
}

fn scrub(stores: &Stores) -> Scrubber {
    let mut scrubber = Scrubber::new(Arc::clone(&stores.inner.services));
    again(&mut scrubber);
    scrubber
}

/// Takes more steps than there are stores.
fn again(scrubber: &mut Scrubber) {
    (0..8).for_each(|_| scrubber.step(usize::MAX));
}

#[track_caller]
fn assert_damaged<T>(read: Result<T, StoreError>, key: &str) {
    let Err(StoreError::Index(error @ IndexError::Damaged { .. })) = read else {
        panic!("{key} is not refused as damaged")
    };
    let text = error.to_string();
    assert!(text.contains(key) && text.contains("data/services/cart.redb"), "{text}");
}

#[tokio::test]
async fn a_damaged_value_or_key_is_refused_by_key_and_file() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &BARE);
    fill(&cart).await;
    for key in 0..50 {
        put(&cart, &format!("key-{key:02}"), &format!("value-{key:02}")).await;
    }
    settle(&cart);
    flip(&disk, CART, "value-07");
    assert_damaged(cart.begin().get("key-07"), "key-07");
    let all = Scan { prefix: "key-", after: None, direction: Direction::Ascending, limit: 100 };
    assert_damaged(cart.begin().scan(&all), "key-07");
    assert_damaged(cart.begin().scan(&Scan { direction: Direction::Descending, ..all }), "key-07");
    assert_eq!(now(&cart, "key-08"), Some("value-08".into()), "the others are there");
    stores.close().unwrap();
}

#[tokio::test]
async fn a_value_under_another_key_than_its_own_is_damaged() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &BARE);
    put(&cart, "key", "value").await;
    settle(&cart);
    flip(&disk, CART, "ckey");
    let everything = Scan { prefix: "", after: None, direction: Direction::Ascending, limit: 100 };
    // A `c` became a `g`, which is not a key space; then a `k` becomes an `o`.
    assert!(cart.begin().scan(&everything).unwrap().entries.is_empty());
    flip(&disk, CART, "gkey");
    flip(&disk, CART, "key");
    assert_damaged(cart.begin().scan(&everything), "oey");
    stores.close().unwrap();
}

#[tokio::test]
async fn a_damaged_entry_is_rebuilt_from_the_journal() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &BARE);
    fill(&cart).await;
    let mut transaction = cart.begin();
    let event = Event { interface: "i".into(), function: "f".into(), payload: "the payload".into() };
    transaction.emit(event.clone()).unwrap();
    for key in ["read", "scrubbed", "other"] {
        transaction.set(key, format!("value of {key}")).unwrap();
    }
    commit(transaction).await.unwrap();
    settle(&cart);
    for text in ["value of read", "value of scrubbed", "the payload"] {
        flip(&disk, CART, text);
    }
    assert_damaged(cart.begin().get("read"), "read");
    scrub(&stores);
    for key in ["read", "scrubbed", "other"] {
        assert_eq!(now(&cart, key), Some(format!("value of {key}")));
    }
    assert_eq!(cart.emitted(None, 10).unwrap()[0].event, event);
    stores.close().unwrap();
    let (stores, cart) = on(&disk, &BARE);
    assert_eq!(now(&cart, "read"), Some("value of read".into()), "it is rebuilt on the disk");
    stores.close().unwrap();
}

#[tokio::test]
async fn a_damaged_entry_that_the_journal_has_no_more_stays_refused_until_it_is_written_again() {
    let settings = StoreSettings { segment_bytes: 64 * 1024, ..BARE };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    fill(&cart).await;
    put(&cart, "old", "value of old").await;
    settle(&cart);
    let stock = stores.service(&name("stock")).unwrap();
    while disk.paths().iter().any(|path| path == FIRST_SEGMENT) {
        for store in [&cart, &stock] {
            put(store, "other", &"x".repeat(10_000)).await;
            settle(store);
        }
    }
    flip(&disk, CART, "value of old");
    let mut scrubber = scrub(&stores);
    assert_damaged(cart.begin().get("old"), "old");
    put(&cart, "old", "a new value").await;
    settle(&cart);
    again(&mut scrubber);
    assert_eq!(now(&cart, "old"), Some("a new value".into()));
    stores.close().unwrap();
}

#[tokio::test]
async fn a_panic_of_redb_is_an_error_of_one_store_and_stops_the_commits() {
    let mut panicked = false;
    for byte in [0, 1, 2, 3, 0xff] {
        let disk = SimulatedDisk::new(1);
        let (stores, cart) = on(&disk, &BARE);
        put(&stores.service(&name("stock")).unwrap(), "a", "1").await;
        for key in 0..2_000 {
            put(&cart, &format!("key-{key}"), &"x".repeat(100)).await;
        }
        settle(&cart);
        settle(&stores.service(&name("stock")).unwrap());
        // The first page is the header, which is not read again.
        disk.damage(CART, |bytes| bytes[4096..].fill(byte));
        let read = || cart.begin().get("key-1");
        for _ in 0..3 {
            if let Err(StoreError::Index(IndexError::Panicked { .. })) = read() {
                panicked = true;
                scrub(&stores);
                assert!(matches!(stores.health(), Health::Stopped { .. }));
            }
        }
        assert_eq!(now(&stores.service(&name("stock")).unwrap(), "a"), Some("1".into()));
        let _failed = stores.close();
    }
    assert!(panicked, "no damage made redb panic");
}
