//! Stores that are added and removed on a running host: kept stores stay, dropped stores are gone, and other services
//! notice nothing.

use super::*;
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::store::{DropError, Health, OpenError, UnusedStore};

const QUIET: StoreSettings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };
const MAIL: &str = "services/mail.redb";

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> Stores {
    Stores::open_on(&disk.as_disk(), settings, &services(), None).unwrap()
}

fn kept(stores: &Stores) -> Vec<(String, u64)> {
    stores.unused().into_iter().map(|UnusedStore { service, bytes, .. }| (service.to_string(), bytes)).collect()
}

fn settle(store: &Store) {
    while !store.is_applied() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_store_that_is_added_is_there_at_once_and_after_a_restart() {
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &SETTINGS);
    put(&stores.service(&name("cart")).unwrap(), "a", "1").await;
    let mail = stores.add(&name("mail"), 10).unwrap();
    assert!(matches!(stores.add(&name("mail"), 10), Err(OpenError::InUse { .. })));
    put(&mail, "b", "2").await;
    let mut large = mail.begin();
    large.set("c", "0123456789").unwrap();
    assert!(matches!(commit(large).await, Err(CommitError::Quota { bytes_max: 10, .. })));
    assert_eq!(now(&stores.service(&name("mail")).unwrap(), "b"), Some("2".into()));
    stores.close().unwrap();

    let stores = on(&disk, &SETTINGS);
    assert!(stores.service(&name("mail")).is_none(), "the manifest says what is in use");
    assert_eq!(kept(&stores), [("mail".into(), 2)]);
    assert_eq!(now(&stores.add(&name("mail"), 10).unwrap(), "b"), Some("2".into()));
    stores.close().unwrap();
}

#[tokio::test]
async fn a_store_that_is_detached_is_kept_and_what_is_left_of_its_service_ends_as_it_began() {
    for checkpoint_ms_max in [0, QUIET.checkpoint_ms_max] {
        let disk = SimulatedDisk::new(1);
        let settings = StoreSettings { checkpoint_ms_max, ..SETTINGS };
        let stores = on(&disk, &settings);
        let cart = stores.service(&name("cart")).unwrap();
        put(&cart, "a", "1").await;
        let under_way = cart.begin();
        assert!(stores.detach(&name("cart")));
        assert!(!stores.detach(&name("cart")), "it is not in use any more");
        assert!(stores.service(&name("cart")).is_none());
        assert_eq!(text(&mut { under_way }, "a"), Some("1".into()));
        let number = put(&cart, "b", "2").await;
        stores.wait_durable(number).await.unwrap();
        assert_eq!(kept(&stores), [("cart".into(), 4)]);
        let again = stores.add(&name("cart"), 1000).unwrap();
        assert_eq!((now(&again, "a"), now(&again, "b")), (Some("1".into()), Some("2".into())));
        assert_eq!(put(&again, "c", "3").await, CommitSeq(3));
        assert_eq!(now(&cart, "c"), Some("3".into()), "it is the same store");
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_does_not_keep_the_journal() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { segment_bytes: 512, checkpoint_ms_max: 0, ..SETTINGS };
    let segments = || disk.paths().into_iter().filter(|path| path.ends_with(".segment")).count();
    for restarted in [false, true] {
        let stores = on(&disk, &settings);
        if !restarted {
            put(&stores.add(&name("mail"), 1000).unwrap(), "kept", "1").await;
            stores.detach(&name("mail"));
        }
        let cart = stores.service(&name("cart")).unwrap();
        for key in 0..50 {
            put(&cart, &format!("key-{key}"), &"x".repeat(99)).await;
            settle(&cart);
        }
        assert!(segments() < 10, "{} segments, restarted: {restarted}", segments());
        stores.close().unwrap();
    }
    let stores = on(&disk, &settings);
    assert_eq!(now(&stores.add(&name("mail"), 1000).unwrap(), "kept"), Some("1".into()));
    stores.close().unwrap();
}

#[tokio::test]
async fn what_is_dropped_is_gone_and_what_is_left_of_it_says_so() {
    for checkpoint_ms_max in [0, QUIET.checkpoint_ms_max] {
        let disk = SimulatedDisk::new(1);
        let settings = StoreSettings { checkpoint_ms_max, ..SETTINGS };
        let stores = on(&disk, &settings);
        let mail = stores.add(&name("mail"), 1000).unwrap();
        put(&mail, "a", "1").await;
        let mut under_way = mail.begin();
        under_way.set("b", "2").unwrap();
        assert!(matches!(stores.drop_store(&name("mail")), Err(DropError::InUse { .. })));
        stores.detach(&name("mail"));
        stores.drop_store(&name("mail")).unwrap();
        assert!(!disk.paths().contains(&MAIL.into()));
        assert_eq!(kept(&stores), []);
        assert!(matches!(stores.drop_store(&name("mail")), Err(DropError::Unknown { .. })));

        assert!(matches!(commit(under_way).await, Err(CommitError::Dropped { .. })));
        assert_eq!((now(&mail, "a"), mail.bytes(), mail.data_version()), (None, 0, 0));
        let mut late = mail.begin();
        late.set("c", "3").unwrap();
        assert!(matches!(commit(late).await, Err(CommitError::Dropped { .. })));

        let again = stores.add(&name("mail"), 1000).unwrap();
        assert_eq!(now(&again, "a"), None);
        let number = put(&again, "d", "4").await;
        stores.wait_durable(number).await.unwrap();
        let killed = disk.after_kill();
        stores.close().unwrap();
        for disk in [killed, disk] {
            let stores = on(&disk, &settings);
            let mail = stores.add(&name("mail"), 1000).unwrap();
            assert_eq!((now(&mail, "a"), now(&mail, "d")), (None, Some("4".into())));
            stores.close().unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_can_be_dropped_to_make_room_on_a_full_disk() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SETTINGS };
    let stores = on(&disk, &settings);
    let mail = stores.add(&name("mail"), 1 << 30).unwrap();
    put(&mail, "a", "1").await;
    settle(&mail);
    stores.detach(&name("mail"));
    disk.set_bytes_max(disk.bytes());
    let full = stores.add(&name("new"), 1000).unwrap_err();
    assert!(full.to_string().contains("cannot make data/services/new.redb"), "{full}");
    let cart = stores.service(&name("cart")).unwrap();
    let waits = || stores.inner.services.space.is_full();
    let mut keys = 0;
    while !waits() {
        let mut transaction = cart.begin();
        transaction.set(&format!("key-{keys}"), vec![b'x'; 100_000]).unwrap();
        commit(transaction).await.unwrap();
        keys += 1;
        while !cart.is_applied() && !waits() {
            std::thread::yield_now();
        }
    }
    stores.drop_store(&name("mail")).unwrap();
    assert!(!disk.paths().contains(&MAIL.into()));
    disk.set_bytes_max(u64::MAX);
    stores.add(&name("new"), 1000).unwrap();
    settle(&cart);
    stores.close().unwrap();
}

#[tokio::test]
async fn a_quota_changes_while_the_store_is_used() {
    let stores = on(&SimulatedDisk::new(1), &SETTINGS);
    let cart = stores.service(&name("cart")).unwrap();
    put(&cart, "a", "123456789").await;
    let set = |value: &'static str| {
        let mut transaction = cart.begin();
        transaction.set("a", value).unwrap();
        commit(transaction)
    };
    cart.set_bytes_max(5);
    assert!(matches!(set("1234567890").await, Err(CommitError::Quota { bytes_max: 5, .. })));
    set("12345678").await.expect("what makes it smaller is taken");
    cart.set_bytes_max(11);
    set("1234567890").await.unwrap();
    stores.close().unwrap();
}

#[tokio::test]
async fn a_host_that_takes_no_commits_takes_no_stores_either() {
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &QUIET);
    let cart = stores.service(&name("cart")).unwrap();
    stores.detach(&name("stock"));
    stores.wait_durable(put(&cart, "a", "1").await).await.unwrap();
    disk.fail_syncs(FIRST_SEGMENT);
    stores.wait_durable(put(&cart, "a", "2").await).await.unwrap_err();
    assert!(matches!(stores.add(&name("mail"), 1), Err(OpenError::Stopped(_))));
    assert!(matches!(stores.drop_store(&name("stock")), Err(DropError::Stopped(_))));
    assert_eq!(kept(&stores), [("stock".into(), 0)]);
    stores.close().unwrap_err();
}

/// Makes so many commits that several segments are filled and deleted; false when the disk failed it.
async fn work(stores: &Stores) -> bool {
    let cart = stores.service(&name("cart")).unwrap();
    for key in 0..12 {
        let mut transaction = cart.begin();
        let written = transaction.set(&format!("key-{key}"), "x".repeat(99));
        if written.is_err() || commit(transaction).await.is_err() {
            return false;
        }
        while !cart.is_applied() {
            if stores.health() != Health::Running {
                return false;
            }
            std::thread::yield_now();
        }
    }
    true
}

#[tokio::test]
async fn what_was_half_done_keeps_the_journal_that_a_start_needs_for_it() {
    type Change = fn(&Stores) -> bool;
    let changes: [(&str, Change); 2] = [
        ("add", |stores| stores.add(&name("new"), 1000).is_ok()),
        ("drop", |stores| stores.drop_store(&name("mail")).is_ok()),
    ];
    let settings = StoreSettings { segment_bytes: 512, checkpoint_ms_max: 0, ..SETTINGS };
    for (change, make) in changes {
        // Other threads decide which operation of the change fails. So the test repeats until enough different ones
        // failed.
        let mut half_done = 0;
        for attempt in 0..400 {
            if attempt >= 40 && half_done > 3 {
                break;
            }
            let (operation, disk) = (attempt % 40, SimulatedDisk::new(attempt));
            let stores = on(&disk, &settings);
            put(&stores.add(&name("mail"), 1000).unwrap(), "a", "1").await;
            stores.detach(&name("mail"));
            assert!(work(&stores).await);
            disk.plan(operation, Fault::Error);
            let done = make(&stores);
            // The error may have hit the journal or an index: then all commits have stopped.
            if work(&stores).await {
                half_done += u64::from(!done);
                for after in [disk.after_kill(), disk.after_power_loss()] {
                    let what = format!("{change} with an error at operation {operation}");
                    let stores = Stores::open_on(&after.as_disk(), &settings, &services(), None);
                    let stores = stores.unwrap_or_else(|error| panic!("{what}: {error:?}"));
                    let mail = kept(&stores).contains(&("mail".into(), 2));
                    assert_eq!(mail, change == "add", "{what}");
                    stores.close().unwrap();
                }
            }
            let _failed = stores.close();
        }
        assert!(half_done > 3, "{change} was half done {half_done} times");
    }
}

#[test]
fn stores_come_and_go_while_others_commit() {
    let settings =
        StoreSettings { segment_bytes: 64 * 1024, checkpoint_ms_max: 0, overlay_bytes_max: 8 * 1024, ..SETTINGS };
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &settings);
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    const COMMITS: usize = 400;
    std::thread::scope(|scope| {
        for service in ["cart", "stock"] {
            let store = stores.service(&name(service)).unwrap();
            scope.spawn(move || {
                for key in 0..COMMITS {
                    runtime().block_on(put(&store, &format!("key-{key:03}"), &key.to_string()));
                }
            });
        }
        for service in ["mail", "ship"] {
            let stores = stores.clone();
            scope.spawn(move || {
                for round in 0..20 {
                    let store = stores.add(&name(service), 1 << 20).unwrap();
                    assert_eq!(now(&store, "round"), None, "round {round}");
                    for _ in 0..round {
                        runtime().block_on(put(&store, "round", "0"));
                    }
                    assert!(stores.detach(&name(service)));
                    stores.drop_store(&name(service)).unwrap();
                }
            });
        }
    });
    for service in ["cart", "stock"] {
        let store = stores.service(&name(service)).unwrap();
        settle(&store);
        assert_eq!(scan("key-", None, Direction::Ascending, 1000)(&mut store.begin()).entries.len(), COMMITS);
    }
    assert_eq!(stores.inner.services.unwritten_bytes(), 0);
    stores.close().unwrap();
    assert_eq!(kept(&on(&disk, &settings)), []);
}
