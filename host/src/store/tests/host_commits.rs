//! Commits of the host to several stores: one record, one number, all of it or nothing.

use super::*;
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::store::{HostCommit, OpenError};

const QUIET: StoreSettings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };
const PLATFORM_FILE: &str = "services/@platform.redb";

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> Result<Stores, OpenError> {
    Stores::open_on(&disk.as_disk(), settings, &services(), None)
}

fn setting(store: &Store, key: &str, value: &str) -> Transaction {
    let mut transaction = store.begin();
    transaction.set(key, value.to_owned()).unwrap();
    transaction
}

/// A commit that sets `key` in the platform's store and in the stores of two services, one of which gets version 3.
fn everywhere(stores: &Stores, key: &str) -> HostCommit {
    let mut commit = HostCommit::default();
    commit.add(setting(&stores.service(&name("stock")).unwrap(), key, "stock"), Some(3));
    commit.add(setting(&stores.platform(), key, "platform"), None);
    commit.add(setting(&stores.service(&name("cart")).unwrap(), key, "cart"), None);
    commit
}

/// The values of the three stores under `key`.
fn everywhere_now(stores: &Stores, key: &str) -> [Option<String>; 3] {
    let [cart, stock] = ["cart", "stock"].map(|service| stores.service(&name(service)).unwrap());
    [now(&stores.platform(), key), now(&cart, key), now(&stock, key)]
}

fn all() -> [Option<String>; 3] {
    ["platform", "cart", "stock"].map(|text| Some(text.to_owned()))
}

#[tokio::test]
async fn a_commit_over_several_stores_has_one_number_and_is_replayed_where_an_index_lacks_it() {
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &QUIET).unwrap();
    let number = everywhere(&stores, "a").commit(CallId([0; 16])).await.unwrap();
    assert_eq!(number, CommitSeq(1));
    assert_eq!(everywhere_now(&stores, "a"), all());
    stores.wait_durable(number).await.unwrap();
    let killed = disk.after_kill();
    stores.close().unwrap();
    // One index already contains the commit, the others get it from the journal.
    for written in [PLATFORM_FILE, "services/cart.redb", "services/stock.redb"] {
        let mixed = killed.after_kill();
        let mut bytes = Vec::new();
        disk.damage(written, |content| bytes.clone_from(content));
        mixed.damage(written, |content| content.clone_from(&bytes));
        let stores = on(&mixed, &QUIET).unwrap();
        assert_eq!(everywhere_now(&stores, "a"), all(), "{written}");
        assert_eq!(stores.service(&name("stock")).unwrap().data_version(), 3, "{written}");
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn one_part_that_cannot_be_committed_leaves_all_as_it_was() {
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &SETTINGS).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    let read = |commit: &mut HostCommit| {
        let mut transaction = stores.platform().begin();
        assert_eq!(text(&mut transaction, "changed"), None);
        transaction.set("a", "platform").unwrap();
        commit.add(transaction, None);
    };
    // A read of one store that has changed since.
    let mut commit = HostCommit::default();
    commit.add(setting(&cart, "a", "cart"), Some(9));
    read(&mut commit);
    put(&stores.platform(), "changed", "by another").await;
    assert!(matches!(commit.commit(CallId([0; 16])).await, Err(CommitError::Conflict { .. })));
    // A store that has reached its quota.
    cart.set_bytes_max(3);
    let refused = everywhere(&stores, "a").commit(CallId([0; 16])).await;
    assert!(matches!(refused, Err(CommitError::Quota { .. })), "{refused:?}");
    assert_eq!(everywhere_now(&stores, "a"), [None, None, None]);
    assert_eq!((cart.data_version(), stores.durable() <= CommitSeq(1)), (0, true));
    stores.close().unwrap();
}

#[tokio::test]
async fn a_store_is_dropped_in_the_commit_that_says_so() {
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &QUIET).unwrap();
    let mail = stores.add(&name("mail"), 1 << 20).unwrap();
    put(&mail, "a", "1").await;
    stores.detach(&name("mail"));
    let mut commit = everywhere(&stores, "dropped");
    commit.drop_store(stores.kept_store(&name("mail")).unwrap());
    let number = commit.commit(CallId([0; 16])).await.unwrap();
    assert_eq!(now(&mail, "a"), None);
    let refused = super::commit(setting(&mail, "b", "2")).await;
    assert!(matches!(refused, Err(CommitError::Dropped { .. })), "{refused:?}");
    stores.wait_durable(number).await.unwrap();
    // Whether its file was deleted or not, a start has the whole commit.
    let killed = disk.after_kill();
    stores.drop_store(&name("mail")).unwrap();
    stores.close().unwrap();
    for disk in [disk, killed] {
        let stores = on(&disk, &QUIET).unwrap();
        assert_eq!(everywhere_now(&stores, "dropped"), all());
        assert!(stores.unused().is_empty());
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn whatever_the_disk_does_a_commit_is_whole_or_not_there() {
    for operation in 0..12 {
        let disk = SimulatedDisk::new(operation);
        let stores = on(&disk, &QUIET).unwrap();
        disk.plan(operation, Fault::PowerLoss);
        if let Ok(number) = everywhere(&stores, "a").commit(CallId([0; 16])).await {
            let _maybe = stores.wait_durable(number).await;
        }
        let _maybe = stores.close();
        let stores = on(&disk.after_power_loss(), &QUIET).unwrap();
        let found = everywhere_now(&stores, "a");
        assert!(found == all() || found == [None, None, None], "{operation}: {found:?}");
        stores.close().unwrap();
    }
}

#[tokio::test]
async fn existing_data_without_the_platform_s_store_is_refused() {
    let disk = SimulatedDisk::new(1);
    let stores = on(&disk, &SETTINGS).unwrap();
    put(&stores.service(&name("cart")).unwrap(), "a", "1").await;
    stores.close().unwrap();
    let indexes = ["services/cart.redb", "services/stock.redb"];
    disk.as_disk().remove(PLATFORM_FILE).unwrap();
    assert!(matches!(on(&disk, &SETTINGS), Err(OpenError::PlatformMissing { .. })));
    for index in indexes {
        disk.as_disk().remove(index).unwrap();
    }
    assert!(on(&disk, &SETTINGS).is_err(), "there is a journal");
}
