//! Running a call again on the snapshot that it read, with effects that can be compared but never committed.

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::limits::SNAPSHOTS_MAX;
use crate::names::{Generation, Key};
use crate::store::{Effects, Event, PinnedSnapshot};

fn on(settings: &StoreSettings) -> (Stores, Store) {
    let stores = Stores::open_on(&SimulatedDisk::new(1).as_disk(), settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

fn event(payload: &'static str) -> Event {
    Event { interface: "a:b/c".into(), function: "e".into(), payload: payload.into() }
}

/// A call that adds one to `count`.
fn count(transaction: &mut Transaction) {
    let count: u64 = text(transaction, "count").map_or(0, |count| count.parse().unwrap());
    transaction.set("count", (count + 1).to_string()).unwrap();
    transaction.delete("old").unwrap();
    transaction.emit(event("{}")).unwrap();
}

#[tokio::test]
async fn a_call_runs_again_on_what_it_read_and_does_the_same() {
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let (stores, cart) = on(&settings);
    for live in 1..4_u64 {
        let mut call = cart.begin();
        let snapshot = call.snapshot().unwrap();
        count(&mut call);
        let effects = call.effects();
        commit(call).await.unwrap();
        put(&cart, "count", &live.to_string()).await;
        while !cart.is_applied() {
            std::thread::yield_now();
        }
        for _ in 0..2 {
            let mut again = snapshot.rehearse().unwrap();
            count(&mut again);
            assert_eq!(text(&mut again, "count"), Some(live.to_string()), "it reads its own writes");
            assert_eq!(again.into_effects(), effects);
        }
        let key = |text| Key::parse(Generation::First, text).unwrap();
        let writes = vec![(key("count"), Some(live.to_string().into())), (key("old"), None)];
        assert_eq!(effects, Effects { writes, events: vec![event("{}")] });
        let mut other = snapshot.rehearse().unwrap();
        other.emit(event("[]")).unwrap();
        assert_ne!(other.into_effects(), effects);
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn a_rehearsal_is_never_committed() {
    let (stores, cart) = on(&SETTINGS);
    put(&cart, "count", "1").await;
    let on_snapshot = || cart.begin().snapshot().unwrap().rehearse().unwrap();
    for (mut rehearsal, found) in [(on_snapshot(), Some("1".into())), (Transaction::scratch(), None)] {
        assert_eq!(text(&mut rehearsal, "count"), found);
        assert!(rehearsal.store().is_none() && rehearsal.snapshot().is_none());
        rehearsal.set("count", "2").unwrap();
        assert_eq!(scan("", None, Direction::Ascending, 9)(&mut rehearsal).entries.len(), 1);
        assert_eq!(rehearsal.saw(), CommitSeq(0), "nothing of it is let out");
        assert!(matches!(commit(rehearsal).await, Err(CommitError::Rehearsal)));
    }
    assert!(matches!(commit(on_snapshot()).await, Err(CommitError::Rehearsal)), "without effects neither");
    assert_eq!(now(&cart, "count"), Some("1".into()));
    assert_eq!(stores.inner.services.pipeline.journal.last(), CommitSeq(1), "no record was made");
    stores.close().unwrap();
}

/// Whether the store still has the data that the snapshot needs.
fn is_held(snapshot: &PinnedSnapshot) -> bool {
    snapshot.rehearse().is_some()
}

#[tokio::test]
async fn a_store_lets_go_of_a_snapshot_when_it_has_moved_on_far_enough() {
    let settings = StoreSettings { checkpoint_ms_max: 0, overlay_bytes_max: 16 * 1024, ..SETTINGS };
    let (stores, cart) = on(&settings);
    put(&cart, "a", "1").await;
    let snapshot = cart.begin().snapshot().unwrap();
    let other = stores.service(&name("stock")).unwrap().begin().snapshot().unwrap();
    let write = async |bytes: usize| {
        for written in 0..bytes.div_ceil(1024) {
            put(&cart, &format!("key-{}", written % 7), &"x".repeat(1024)).await;
            while !cart.is_applied() {
                std::thread::yield_now();
            }
        }
    };
    write(settings.overlay_bytes_max / 2).await;
    assert_eq!(text(&mut snapshot.rehearse().unwrap(), "a"), Some("1".into()));
    write(settings.overlay_bytes_max * 2).await;
    assert!(!is_held(&snapshot));
    assert!(is_held(&other), "what other services commit takes nothing away");
    stores.close().unwrap();
}

#[test]
fn a_store_holds_so_many_snapshots_and_the_newest_of_them() {
    let (_stores, cart) = on(&SETTINGS);
    let take = || cart.begin().snapshot().unwrap();
    let first = take();
    for _ in 0..SNAPSHOTS_MAX * 2 {
        drop(take());
    }
    assert!(is_held(&first), "those that nobody has any more do not count");
    let later: Vec<_> = (0..SNAPSHOTS_MAX).map(|_| take()).collect();
    assert!(!is_held(&first) && later.iter().all(is_held));
}

#[test]
fn a_snapshot_of_what_was_dropped_is_gone() {
    let (stores, cart) = on(&SETTINGS);
    let snapshot = cart.begin().snapshot().unwrap();
    stores.detach(&name("cart"));
    assert!(is_held(&snapshot));
    stores.drop_store(&name("cart")).unwrap();
    assert!(!is_held(&snapshot));
    stores.close().unwrap();
}
