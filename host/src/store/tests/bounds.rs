//! Quotas, sizes, a full disk, a full overlay, long calls, and when an answer may leave the host.

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::limits::{COMMIT_KEYS_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::store::system::{MEMOS, MemoKey};
use crate::store::{Health, HostCommit, StoreError, Validity};

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> (Stores, Store) {
    let stores = Stores::open_on(&disk.as_disk(), settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

fn settle(store: &Store) {
    while !store.is_applied() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_and_changes_nothing() {
    let (_stores, cart) = on(&SimulatedDisk::new(1), &SETTINGS);
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    let mut transaction = cart.begin();
    assert!(matches!(transaction.get(&long), Err(StoreError::Key(_))));
    assert!(matches!(transaction.set("", "1"), Err(StoreError::Key(_))));
    assert!(matches!(transaction.set("k", vec![0; VALUE_BYTES_MAX + 1]), Err(StoreError::ValueTooLarge { .. })));
    for limit in [0, 1001] {
        let scan = Scan { prefix: "", after: None, direction: Direction::Ascending, limit };
        assert!(matches!(transaction.scan(&scan), Err(StoreError::ScanLimit { .. })));
    }
    let scan = Scan { prefix: "a", after: Some("b"), direction: Direction::Ascending, limit: 1 };
    assert!(matches!(transaction.scan(&scan), Err(StoreError::ScanAfter)));
    assert!(!transaction.has_effects());

    for key in 0..COMMIT_KEYS_MAX {
        transaction.set(&key.to_string(), "").unwrap();
    }
    transaction.set("0", "again").unwrap();
    assert!(matches!(transaction.set("one more", ""), Err(StoreError::TooManyKeys { .. })));
    commit(transaction).await.unwrap();

    let mut transaction = cart.begin();
    for key in 0..7 {
        transaction.set(&key.to_string(), vec![0; VALUE_BYTES_MAX]).unwrap();
    }
    transaction.set("7", vec![0; VALUE_BYTES_MAX - 8]).unwrap();
    assert!(matches!(transaction.set("8", "1"), Err(StoreError::CommitTooLarge)));
    transaction.set("7", "smaller").unwrap();
    transaction.set("8", "1").unwrap();
    commit(transaction).await.unwrap();
}

#[tokio::test]
async fn a_store_at_its_quota_takes_only_what_makes_it_smaller() {
    let services = [(name("cart"), 10), (name("stock"), 1000)];
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &services, None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    put(&cart, "a", "123456789").await;
    let set = |key: &'static str, value: &'static str| {
        let mut transaction = cart.begin();
        transaction.set(key, value).unwrap();
        commit(transaction)
    };
    assert!(matches!(set("b", "").await, Err(CommitError::Quota { bytes_max: 10, .. })));
    assert!(matches!(set("a", "1234567890").await, Err(CommitError::Quota { .. })));
    set("a", "987654321").await.unwrap();
    let mut older = cart.begin();
    older.set("b", "12").unwrap();
    set("a", "1").await.unwrap();
    commit(older).await.expect("the bytes are counted against the state at the commit, not at the beginning");
    assert_eq!(cart.bytes(), 5);
    put(&stores.service(&name("stock")).unwrap(), "other", "stores go on").await;
}

#[tokio::test]
async fn the_bytes_of_a_store_are_right_whatever_was_written_in_between() {
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    for checkpoints in 0..3 {
        put(&cart, "a", "1234567").await;
        let mut blind = cart.begin();
        blind.set("a", "12").unwrap();
        put(&cart, "a", "1").await;
        for _ in 0..checkpoints {
            settle(&cart);
            put(&cart, "other", "1").await;
        }
        commit(blind).await.unwrap();
        assert_eq!(cart.bytes(), cart.begin().sum_of_bytes(), "{checkpoints} checkpoints in between");
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn a_full_disk_fails_what_needs_room_until_there_is_room() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { segment_bytes: 4096, checkpoint_ms_max: 0, overlay_bytes_max: 4096, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    put(&cart, "before", "1").await;
    disk.set_bytes_max(disk.bytes());
    let mut done = 0;
    let error = loop {
        let mut transaction = cart.begin();
        transaction.set(&format!("key-{done}"), vec![b'x'; 500]).unwrap();
        match commit(transaction).await {
            Ok(_) => done += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CommitError::NoRoom { .. }), "{error:?}");
    assert!(matches!(stores.health(), Health::NoRoom { .. }));
    assert_eq!(now(&cart, "before"), Some("1".into()), "reads go on");
    disk.set_bytes_max(u64::MAX);
    loop {
        let mut transaction = cart.begin();
        transaction.set("after", "2").unwrap();
        match commit(transaction).await {
            Ok(number) => break stores.wait_durable(number).await.unwrap(),
            Err(CommitError::NoRoom { .. }) => std::thread::yield_now(),
            Err(error) => panic!("{error:?}"),
        }
    }
    stores.close().unwrap();
    let (stores, cart) = on(&disk, &settings);
    assert_eq!(now(&cart, "after"), Some("2".into()));
    let found = scan("key-", None, Direction::Ascending, 1000)(&mut cart.begin());
    assert_eq!(found.entries.len(), done);
    stores.close().unwrap();
}

#[tokio::test]
async fn the_indexes_wait_for_room_and_reads_go_on() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, overlay_bytes_max: 4 << 20, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    put(&cart, "before", "1").await;
    settle(&cart);
    disk.set_bytes_max(disk.bytes());
    let mut keys = 0;
    let error = loop {
        // The segment has room, but the index must grow.
        let mut transaction = cart.begin();
        transaction.set(&format!("key-{keys}"), vec![b'x'; 500_000]).unwrap();
        match commit(transaction).await {
            Ok(_) => keys += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CommitError::NoRoom { source: None }), "{error:?}");
    assert_eq!(now(&cart, "before"), Some("1".into()));
    assert!(matches!(stores.health(), Health::NoRoom { .. }));
    disk.set_bytes_max(u64::MAX);
    settle(&cart);
    put(&cart, "after", "2").await;
    stores.close().unwrap();
}

#[tokio::test]
async fn writers_wait_while_the_overlay_is_full() {
    let settings = StoreSettings { checkpoint_ms_max: 3_600_000, overlay_bytes_max: 4096, ..SETTINGS };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    for key in 0..200 {
        put(&cart, &format!("key-{key}"), &"x".repeat(200)).await;
    }
    assert!(cart.snapshot().memory_bytes() < 8192, "{}", cart.snapshot().memory_bytes());
    stores.close().unwrap();
}

#[tokio::test]
async fn a_call_that_outlives_checkpoints_conflicts_only_when_what_it_read_was_changed() {
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    for changed in [false, true] {
        put(&cart, "read", "0").await;
        settle(&cart);
        let mut long = cart.begin();
        assert_eq!(text(&mut long, "read"), Some("0".into()));
        scan("range/", None, Direction::Ascending, 10)(&mut long);
        long.set("long", "1").unwrap();
        for round in 0..5 {
            put(&cart, "other", &round.to_string()).await;
            if changed && round == 1 {
                put(&cart, "range/new", "1").await;
            }
            settle(&cart);
        }
        assert_eq!(matches!(commit(long).await, Err(CommitError::Conflict { .. })), changed);
        assert_eq!(cart.bytes(), cart.begin().sum_of_bytes());
    }
    stores.close().unwrap();
}

impl Transaction {
    fn sum_of_bytes(&mut self) -> u64 {
        let page = scan("", None, Direction::Ascending, 1000)(self);
        page.entries.iter().map(|entry| (entry.key.len() + entry.value.len()) as u64).sum()
    }
}

#[tokio::test]
async fn after_a_failed_sync_reads_go_on_and_nothing_that_was_not_durable_is_let_out() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    let number = put(&cart, "durable", "1").await;
    stores.wait_durable(number).await.unwrap();
    disk.fail_syncs(FIRST_SEGMENT);
    let lost = put(&cart, "lost", "1").await;
    stores.wait_durable(lost).await.unwrap_err();
    assert!(matches!(stores.health(), Health::Stopped { .. }));

    let mut reader = cart.begin();
    assert_eq!(text(&mut reader, "durable"), Some("1".into()));
    assert_eq!(reader.saw(), CommitSeq(0), "what was durable at the beginning holds nobody back");
    stores.wait_durable(reader.saw()).await.unwrap();
    text(&mut reader, "lost");
    assert_eq!(reader.saw(), lost);
    let mut scanner = cart.begin();
    scan("l", None, Direction::Ascending, 1)(&mut scanner);
    assert_eq!(commit(scanner).await.unwrap(), lost, "a call without effects is let out with what it saw");

    let mut writer = cart.begin();
    writer.set("more", "1").unwrap();
    assert!(matches!(commit(writer).await, Err(CommitError::Stopped(_))));
    stores.close().unwrap_err();
}

#[tokio::test]
async fn what_was_read_is_known_to_be_unchanged() {
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    put(&cart, "session", "1").await;
    let mut transaction = cart.begin_read();
    transaction.get("session").unwrap();
    let reads = transaction.into_reads();
    let validity = || cart.validity(&reads, 0, 100);
    for round in 0..5 {
        assert_eq!(validity(), Validity::Unchanged, "round {round}");
        put(&cart, "other", "1").await;
        assert_eq!(validity(), Validity::Unchanged, "round {round}");
        settle(&cart);
    }
    assert_eq!(cart.validity(&reads, 1, 100), Validity::Changed, "the data has another version");
    put(&cart, "other", "1").await;
    assert_eq!(cart.validity(&reads, 0, 0), Validity::Unknown, "there are more commits than may be compared");
    put(&cart, "session", "2").await;
    assert_eq!(validity(), Validity::Changed);
    settle(&cart);
    assert_eq!(validity(), Validity::Changed);
    stores.close().unwrap();
}

#[tokio::test]
async fn rows_alone_are_a_commit() {
    let settings = StoreSettings { checkpoint_ms_max: 0, overlay_bytes_max: 2048, ..SETTINGS };
    let (stores, cart) = on(&SimulatedDisk::new(1), &settings);
    for number in 1..100 {
        let mut transaction = cart.begin();
        transaction.write_row(MEMOS.put(&MemoKey::first_of(number), vec![b'm'; 100]));
        assert_eq!(commit(transaction).await.unwrap(), CommitSeq(number));
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn when_there_is_room_again_every_kind_of_change_works_again() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { segment_bytes: 4096, checkpoint_ms_max: 0, overlay_bytes_max: 8192, ..SETTINGS };
    let (stores, cart) = on(&disk, &settings);
    let kept = stores.service(&name("stock")).unwrap();
    put(&kept, "a", "1").await;
    stores.detach(&name("stock"));
    disk.set_bytes_max(disk.bytes());
    loop {
        let mut transaction = cart.begin();
        transaction.set("filler", vec![b'x'; 500]).unwrap();
        if commit(transaction).await.is_err() {
            break;
        }
    }
    let host_commit = async || {
        let mut both = HostCommit::default();
        for store in [&cart, &stores.platform()] {
            let mut transaction = store.begin();
            transaction.set("both", "1").unwrap();
            both.add(transaction, None);
        }
        both.commit(CallId([0; 16])).await
    };
    assert!(matches!(host_commit().await, Err(CommitError::NoRoom { .. })));
    stores.add(&name("mail"), 1000).unwrap_err();
    assert!(matches!(stores.health(), Health::NoRoom { .. }));

    disk.set_bytes_max(u64::MAX);
    while stores.health() != Health::Running {
        std::thread::yield_now();
    }
    host_commit().await.unwrap();
    let mail = stores.add(&name("mail"), 1000).unwrap();
    stores.wait_durable(put(&mail, "a", "1").await).await.unwrap();
    stores.drop_store(&name("stock")).unwrap();
    stores.close().unwrap();
    let (stores, cart) = on(&disk, &settings);
    assert_eq!(now(&cart, "both"), Some("1".into()));
    assert_eq!(now(&stores.kept_store(&name("mail")).unwrap(), "a"), Some("1".into()));
    assert!(now(&stores.service(&name("stock")).unwrap(), "a").is_none());
    stores.close().unwrap();
}
