//! An index that is slow to write or to read holds up no other commits.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn one_index_that_is_slow_holds_up_no_other() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    let stock = stores.service(&name("stock")).unwrap();
    put(&cart, "before", "1").await;
    put(&stock, "before", "1").await;
    while !(cart.is_applied() && stock.is_applied()) {
        std::thread::yield_now();
    }
    disk.hold_syncs_of("services/cart.redb");
    put(&cart, "a", "1").await;
    for round in 0..5 {
        put(&stock, "a", &round.to_string()).await;
        while !stock.is_applied() {
            std::thread::yield_now();
        }
    }
    assert!(!cart.is_applied());
    disk.let_syncs_go();
    stores.close().unwrap();
}

#[tokio::test]
async fn a_commit_that_reads_the_disk_holds_up_no_other() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, index_cache_bytes: 0, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    let stock = stores.service(&name("stock")).unwrap();
    // So many that a read needs more than the first page of the index, which redb keeps in memory.
    put_many(&cart, (0..2_000).map(|key| format!("key-{key:04}"))).await;
    while !cart.is_applied() {
        std::thread::yield_now();
    }
    let mut old = cart.begin();
    old.set("key-1000", "2").unwrap();
    // After some checkpoints, only the index has the sizes of the old call's keys.
    for round in 0..3 {
        put(&cart, "other", &round.to_string()).await;
        while !cart.is_applied() {
            std::thread::yield_now();
        }
    }
    disk.hold_reads_of("services/cart.redb");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| futures::executor::block_on(commit(old)));
        let (done, others) = std::sync::mpsc::channel();
        scope.spawn(move || {
            for round in 0..100 {
                futures::executor::block_on(put(&stock, "a", &round.to_string()));
            }
            done.send(()).unwrap();
        });
        let others = others.recv_timeout(Duration::from_secs(20));
        let reads = !waits.is_finished();
        disk.let_syncs_go();
        others.expect("they wait for a read of another store");
        assert!(reads, "it reads the index");
        waits.join().unwrap().unwrap();
    });
    stores.close().unwrap();
}

/// What its snapshot has in memory needs no look into the index, neither before the lock nor under it.
#[tokio::test]
async fn a_commit_that_knows_what_it_replaces_reads_no_disk() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, index_cache_bytes: 0, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    let is_applied = |store: &Store| {
        while !store.is_applied() {
            std::thread::yield_now();
        }
    };
    put_many(&cart, (0..2_000).map(|key| format!("key-{key:04}"))).await;
    is_applied(&cart);
    disk.hold_syncs();
    put(&cart, "key-1000", "22").await;
    let mut old = cart.begin();
    old.set("key-1000", "333").unwrap();
    disk.let_syncs_go();
    for round in 0..3 {
        put(&cart, "other", &round.to_string()).await;
        is_applied(&cart);
    }
    let before = cart.bytes();
    disk.hold_reads_of("services/cart.redb");
    std::thread::scope(|scope| {
        let (done, committed) = std::sync::mpsc::channel();
        scope.spawn(move || done.send(futures::executor::block_on(commit(old)).is_ok()));
        let committed = committed.recv_timeout(Duration::from_secs(20));
        disk.let_syncs_go();
        assert_eq!(committed, Ok(true), "it waits for the disk");
    });
    assert_eq!(cart.bytes(), before + 1);
    stores.close().unwrap();
}
