//! The commit pipeline: the cost of validation, who waits for what and in which order, and the clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::limits::{COMMIT_LOG_BYTES_MAX, JOURNAL_QUEUE_BYTES_MAX, READ_SET_BYTES_MAX};
use crate::names::{Generation, Key};
use crate::store::commit::logged_commit::{LoggedCommit, LoggedWrite, SEARCHES};
use crate::store::commit::read_set::ReadSet;
use crate::store::{Health, HostCommit};

const QUIET: StoreSettings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> (Stores, Store) {
    let stores = Stores::open_on(&disk.as_disk(), settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

async fn put_many(store: &Store, keys: impl Iterator<Item = String>) {
    let keys: Vec<_> = keys.collect();
    for keys in keys.chunks(400) {
        let mut transaction = store.begin();
        for key in keys {
            transaction.set(key, "1").unwrap();
        }
        commit(transaction).await.unwrap();
    }
}

/// The number of searches that committing `transaction` took.
async fn cost(transaction: Transaction) -> (u64, bool) {
    let before = SEARCHES.with(std::cell::Cell::get);
    let committed = commit(transaction).await.is_ok();
    (SEARCHES.with(std::cell::Cell::get) - before, committed)
}

#[tokio::test]
async fn validation_costs_what_was_committed_since_and_not_what_the_store_holds() {
    let settings = StoreSettings { overlay_bytes_max: 256 << 20, ..QUIET };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    put_many(&cart, (0..20_000).map(|key| format!("item/{key:06}"))).await;
    let scan_all = |transaction: &mut Transaction| {
        // The range is large and full, and none of its entries is in an index yet.
        scan("item/", None, Direction::Ascending, 1000)(transaction);
        scan("item/", Some("item/000900"), Direction::Ascending, 1000)(transaction);
        transaction.set("mine", "1").unwrap();
    };
    let mut alone = cart.begin();
    scan_all(&mut alone);
    assert_eq!(cost(alone).await, (0, true), "nothing was committed since");
    let mut transaction = cart.begin();
    scan_all(&mut transaction);
    for other in 0..10 {
        put(&cart, &format!("other/{other}"), "1").await;
    }
    let (searches, committed) = cost(transaction).await;
    assert!(committed && searches <= 10 * 4, "{searches}");
    let mut transaction = cart.begin();
    scan_all(&mut transaction);
    put(&cart, "item/000500x", "1").await;
    assert!(!cost(transaction).await.1, "a key in the range is a conflict");
    stores.close().unwrap();
}

#[tokio::test]
async fn thousands_of_scans_conflict_only_where_they_looked() {
    let (stores, cart) = on(&SimulatedDisk::new(1), &QUIET);
    put_many(&cart, (0..2_000).map(|key| format!("order/{key:06}/line"))).await;
    for (written, conflicts) in [("user/1", false), ("order/000100/more", true), ("a", false), ("order/001999/z", true)]
    {
        let mut transaction = cart.begin();
        for order in 0..2_000 {
            scan(&format!("order/{order:06}/"), None, Direction::Ascending, 10)(&mut transaction);
        }
        transaction.set("mine", "1").unwrap();
        put(&cart, written, "2").await;
        let result = commit(transaction).await;
        assert_eq!(matches!(result, Err(CommitError::Conflict)), conflicts, "{written}: {result:?}");
    }
    stores.close().unwrap();
}

#[test]
fn a_read_set_is_bounded_covers_all_and_joins_only_neighbours() {
    let number = |key: &str| {
        LoggedCommit::new(
            CommitSeq(1),
            [LoggedWrite { key: Key::parse(Generation::First, key).unwrap(), bytes: 1 }].into(),
        )
    };
    let mut reads = ReadSet::new(CommitSeq(0));
    let keys = READ_SET_BYTES_MAX / 10;
    for key in 0..keys {
        reads.add_key(Key::parse(Generation::First, &format!("order/{key:07}")).unwrap());
        if key % 3 == 0 {
            reads.add_key(Key::parse(Generation::First, &format!("user/{key:07}")).unwrap());
        }
    }
    let reads = reads.finish();
    assert!(reads.parts() * 40 < READ_SET_BYTES_MAX, "{}", reads.parts());
    for key in (0..keys).step_by(997) {
        assert!(reads.is_changed_by(&number(&format!("order/{key:07}"))), "{key}");
    }
    for apart in ["a", "item/1", "order", "order/9999999x", "p", "user/9999999", "z"] {
        assert!(!reads.is_changed_by(&number(apart)), "{apart}");
    }
}

#[tokio::test]
async fn a_call_that_is_older_than_the_log_runs_again_and_one_that_is_not_is_compared() {
    let settings = StoreSettings { overlay_bytes_max: 256 << 20, segment_bytes: 64 << 20, ..QUIET };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    let (mut old, mut recent) = (cart.begin(), None);
    old.set("old", "1").unwrap();
    let per_commit = 400 * (60 + 48);
    let commits = COMMIT_LOG_BYTES_MAX / per_commit + 3;
    for round in 0..commits {
        if round + 20 == commits {
            recent = Some(cart.begin());
        }
        put_many(&cart, (0..400).map(|key| format!("{round:06}/{key:053}"))).await;
    }
    assert!(matches!(commit(old).await, Err(CommitError::Conflict)), "what came before the log is not known");
    let mut recent = recent.unwrap();
    recent.set("recent", "1").unwrap();
    commit(recent).await.expect("all commits since are in the log");
    stores.close().unwrap();
}

#[tokio::test]
async fn those_who_wait_commit_in_the_order_in_which_they_came() {
    let settings = StoreSettings { overlay_bytes_max: 8192, ..QUIET };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    let room = |store: &Store| store.snapshot().memory_bytes() < 2048;
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
    let is_full = !room(&cart) && filled < 60 && tasks.len() > 10;
    disk.let_syncs_go();
    assert!(is_full, "{filled}");
    while !room(&cart) {
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
async fn the_journal_s_time_grows_with_every_commit_whatever_the_clock_does() {
    let disk = SimulatedDisk::new(1);
    let mut last = 0;
    for start in 0..3 {
        let (stores, cart) = on(&disk, &QUIET);
        assert!(stores.time_unix_micros() >= last, "start {start}");
        for _ in 0..20 {
            put(&cart, "a", "1").await;
            let time = cart.snapshot().totals.time_unix_micros;
            assert!(time > last && stores.time_unix_micros() >= time);
            last = time;
        }
        stores.close().unwrap();
    }
    // When a clock is set back by an hour, the journal's time advances only by a microsecond per commit.
    let (stores, cart) = on(&disk, &QUIET);
    let ahead = last + 3_600_000_000;
    stores.inner.services.pipeline.set_time_unix_micros(ahead);
    let mut commit = HostCommit::default();
    for store in [&cart, &stores.service(&name("stock")).unwrap()] {
        let mut transaction = store.begin();
        transaction.set("a", "2").unwrap();
        commit.add(transaction, None);
    }
    commit.commit(CallId([0; 16])).await.unwrap();
    assert_eq!(cart.snapshot().totals.time_unix_micros, ahead + 1);
    put(&cart, "a", "3").await;
    assert_eq!(cart.snapshot().totals.time_unix_micros, ahead + 2);
    let killed = disk.after_kill();
    stores.close().unwrap();
    for disk in [disk, killed] {
        let (stores, _) = on(&disk, &QUIET);
        assert!(stores.time_unix_micros() >= last);
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn a_large_commit_goes_in_pieces_and_small_ones_do_not_wait_for_all_of_it() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &QUIET);
    let stock = stores.service(&name("stock")).unwrap();
    let mut large = cart.begin();
    for key in 0..6 {
        large.set(&format!("large-{key}"), vec![b'x'; 1 << 20]).unwrap();
    }
    let pieces = Arc::new(AtomicUsize::new(0));
    let small = async {
        let mut done = 0;
        for key in 0..10 {
            let number = put(&stock, &format!("small-{key}"), "1").await;
            stores.wait_durable(number).await.unwrap();
            done += usize::from(number.0 == key + 1);
        }
        pieces.store(done, Ordering::Relaxed);
    };
    let (number, ()) = tokio::join!(commit(large), small);
    stores.wait_durable(number.unwrap()).await.unwrap();
    assert_eq!(pieces.load(Ordering::Relaxed), 10, "each small commit came before the large one");
    let killed = disk.after_kill();
    stores.close().unwrap();
    for disk in [killed, disk] {
        let (stores, cart) = on(&disk, &QUIET);
        assert_eq!(cart.bytes(), 6 * ((1 << 20) + 7));
        assert_eq!(now(&stores.service(&name("stock")).unwrap(), "small-9"), Some("1".into()));
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn large_commits_survive_the_end_of_a_segment_in_their_midst() {
    let settings = StoreSettings { segment_bytes: 3 << 20, ..SETTINGS };
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &settings);
    for round in 0..7_u8 {
        let mut transaction = cart.begin();
        transaction.set("a", vec![round; 700_000]).unwrap();
        transaction.set("b", vec![round; 700_000]).unwrap();
        let number = commit(transaction).await.unwrap();
        stores.wait_durable(number).await.unwrap();
        put(&cart, "small", &round.to_string()).await;
        let killed = disk.after_kill();
        let (again, cart) = on(&killed, &settings);
        assert_eq!(cart.begin().get("b").unwrap().unwrap(), vec![round; 700_000]);
        again.close().unwrap();
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn damage_in_the_last_batch_of_a_journal_that_was_closed_is_damage() {
    for (cut, damaged) in [(true, false), (false, true)] {
        let disk = SimulatedDisk::new(1);
        let (stores, cart) = on(&disk, &QUIET);
        let number = put(&cart, "a", "1").await;
        stores.wait_durable(number).await.unwrap();
        let killed = disk.after_kill();
        stores.close().unwrap();
        let disk = if cut { killed } else { disk };
        // The damage destroys the commit in the journal. A killed host's index lacks the commit, a closed host's index
        // contains it.
        disk.damage(FIRST_SEGMENT, |bytes| bytes[110] ^= 1);
        let opened = Stores::open_on(&disk.as_disk(), &QUIET, &services(), None);
        assert_eq!(matches!(opened, Err(crate::store::OpenError::Journal(_))), damaged, "{opened:?}");
    }
}

#[tokio::test]
async fn damage_behind_a_quiet_moment_is_damage_and_not_a_torn_end() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk, &QUIET);
    stores.wait_durable(put(&cart, "a", "1").await).await.unwrap();
    let written = disk.written_bytes(FIRST_SEGMENT);
    let give_up = crate::clock::now() + Duration::from_secs(20);
    while disk.written_bytes(FIRST_SEGMENT) == written {
        assert!(crate::clock::now() < give_up, "no mark was written");
        std::thread::yield_now();
    }
    let killed = disk.after_kill();
    killed.damage(FIRST_SEGMENT, |bytes| bytes[110] ^= 1);
    let opened = Stores::open_on(&killed.as_disk(), &QUIET, &services(), None);
    assert!(matches!(opened, Err(crate::store::OpenError::Journal(_))), "{opened:?}");
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
