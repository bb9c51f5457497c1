//! Commits that wait for memory or for the journal's queue, and a disk without room.

use std::sync::{Arc, Mutex};

use super::*;
use crate::limits::JOURNAL_QUEUE_BYTES_MAX;
use crate::names::Key;
use crate::store::Health;

#[tokio::test]
async fn those_who_wait_commit_in_the_order_in_which_they_came() {
    let settings = StoreSettings { overlay_bytes_max: 8192, ..QUIET };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    let first = put(&cart, "first", "1").await;
    stores.wait_durable(first).await.unwrap();
    // No index is written while syncs are blocked, so the store fills its part.
    disk.hold_syncs();
    let mut filled = 0;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = Vec::new();
    for task in 0..60 {
        let (cart, order) = (cart.clone(), Arc::clone(&order));
        let mut task = Box::pin(async move {
            put(&cart, &format!("key-{task:03}"), &"x".repeat(200)).await;
            order.lock().unwrap().push(task);
        });
        // Each commit arrives, and waits or not, before the next one arrives.
        if futures::poll!(task.as_mut()).is_ready() {
            filled += 1;
        } else {
            tasks.push(task);
        }
    }
    let full = cart.snapshot().memory_bytes();
    let is_full = full >= 2048 && filled < 60 && tasks.len() > 10;
    disk.let_syncs_go();
    assert!(is_full, "{filled}");
    // Half of it at least: how much is written at once depends on when the index writer began.
    while cart.snapshot().memory_bytes() == full {
        std::thread::yield_now();
    }
    // There is room now, but those who came before have not noticed it yet.
    let mut late = Box::pin(put(&cart, "late", "1"));
    assert!(futures::poll!(late.as_mut()).is_pending(), "it commits before those who wait");
    tasks.reverse();
    futures::future::join_all(tasks).await;
    late.await;
    let order = order.lock().unwrap();
    assert!(order.is_sorted(), "{order:?}");
    drop(order);
    stores.close().unwrap();
}

/// How many of `count` commits in `store` need not wait.
async fn commits_at_once(store: &Store, count: usize) -> usize {
    let mut ready = 0;
    for _ in 0..count {
        let mut commit = Box::pin(put(store, "a", "1"));
        ready += usize::from(futures::poll!(commit.as_mut()).is_ready());
    }
    ready
}

#[tokio::test]
async fn a_service_that_fills_the_overlay_leaves_the_others_their_share() {
    let settings = StoreSettings { overlay_bytes_max: 64 * 1024, ..QUIET };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    let stock = stores.service(&name("stock")).unwrap();
    let first = put(&cart, "first", "1").await;
    stores.wait_durable(first).await.unwrap();
    disk.hold_syncs();
    let mut waiting = Vec::new();
    for key in 0..200 {
        let cart = cart.clone();
        let mut task = Box::pin(async move { put(&cart, &format!("key-{key}"), &"x".repeat(1000)).await });
        if futures::poll!(task.as_mut()).is_pending() {
            waiting.push(task);
        }
    }
    let (others, unwritten) = (commits_at_once(&stock, 10).await, stores.inner.services.unwritten_bytes());
    disk.let_syncs_go();
    assert!(waiting.len() > 50, "the overlay is full of one service");
    assert_eq!(others, 10, "the other waits");
    assert!(unwritten < 64 * 1024 + 4096, "{unwritten}");
    futures::future::join_all(waiting).await;
    stores.close().unwrap();
}

#[tokio::test]
async fn a_service_has_only_so_much_in_the_journal_s_queue_and_others_do_not_wait_behind_it() {
    let settings = StoreSettings { overlay_bytes_max: 64 << 20, segment_bytes: 64 << 20, ..QUIET };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    let stock = stores.service(&name("stock")).unwrap();
    let first = put(&cart, "first", "1").await;
    stores.wait_durable(first).await.unwrap();
    disk.hold_syncs();
    let (bytes, mut queued, mut waiting) = (100_000, 0, Vec::new());
    for key in 0..40 {
        let cart = cart.clone();
        let mut task = Box::pin(async move { put(&cart, &format!("key-{key}"), &"x".repeat(bytes)).await });
        match futures::poll!(task.as_mut()).is_pending() {
            true => waiting.push(task),
            false => queued += bytes,
        }
    }
    let others = commits_at_once(&stock, 10).await;
    disk.let_syncs_go();
    assert!(queued.abs_diff(JOURNAL_QUEUE_BYTES_MAX) <= bytes, "{queued} bytes are in the queue");
    assert_eq!(others, 10, "the other waits");
    futures::future::join_all(waiting).await;
    stores.close().unwrap();
}

#[tokio::test]
async fn tiny_entries_count_with_what_they_take_in_memory() {
    let (stores, cart) = on(&SimulatedDisk::new(1), &QUIET);
    put_many(&cart, (0..400).map(|key| format!("{key:03}"))).await;
    let snapshot = cart.snapshot();
    // A key of three bytes and a value of one use twelve bytes of the journal each.
    let tree_and_allocations = 2 * (size_of::<Key>() + 8) + 2 * 16 + 8 + size_of::<Option<bytes::Bytes>>() + 4 + 64;
    assert!(snapshot.memtable_bytes >= 400 * tree_and_allocations, "{}", snapshot.memtable_bytes);
    stores.close().unwrap();
}

#[tokio::test]
async fn health_tells_when_there_is_no_room_and_when_there_is_again() {
    let disk = SimulatedDisk::new(1);
    let settings =
        StoreSettings { segment_bytes: 4096, checkpoint_ms_max: 0, overlay_bytes_max: 64 * 1024, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    put(&cart, "before", "1").await;
    assert_eq!(stores.health(), Health::Running);
    disk.set_bytes_max(disk.bytes());
    let mut refused = false;
    for key in 0..1_000 {
        let mut transaction = cart.begin();
        transaction.set(&format!("key-{key}"), vec![b'x'; 500]).unwrap();
        if matches!(commit(transaction).await, Err(CommitError::NoRoom { .. })) {
            refused = true;
            break;
        }
    }
    assert!(refused && matches!(stores.health(), Health::NoRoom { .. }), "{:?}", stores.health());
    disk.set_bytes_max(u64::MAX);
    while stores.health() != Health::Running {
        std::thread::yield_now();
    }
    put(&cart, "after", "1").await;
    stores.close().unwrap();
}
