//! The version of a store's data: it changes completely in one commit, and no call works across the change.

use super::*;
use crate::journal::simulated::SimulatedDisk;

fn on(disk: &SimulatedDisk, checkpoint_ms_max: u64) -> (Stores, Store) {
    let settings = StoreSettings { checkpoint_ms_max, ..SETTINGS };
    let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

async fn migrate(transaction: Transaction, version: u64) -> Result<CommitSeq, CommitError> {
    transaction.commit(CommitDetails { data_version: Some(version), ..details() }).await
}

#[tokio::test]
async fn a_version_is_there_after_checkpoints_kills_and_restarts() {
    for checkpoint_ms_max in [0, 3_600_000] {
        let disk = SimulatedDisk::new(1);
        let (stores, cart) = on(&disk, checkpoint_ms_max);
        assert_eq!(cart.data_version(), 0);
        let before = cart.begin_read();
        assert_eq!(migrate(cart.begin(), 7).await.unwrap(), CommitSeq(1), "a version alone is a commit");
        assert_eq!((cart.data_version(), before.data_version(), cart.begin().data_version()), (7, 0, 7));
        stores.wait_durable(CommitSeq(1)).await.unwrap();
        let killed = disk.after_kill();
        stores.close().unwrap();
        for (disk, way) in [(killed, "killed"), (disk, "closed")] {
            for start in 0..3 {
                let (stores, cart) = on(&disk, checkpoint_ms_max);
                assert_eq!(cart.data_version(), 7, "{way}, start {start}");
                assert_eq!(stores.service(&name("stock")).unwrap().data_version(), 0, "each store has its own");
                // Only others commit: the index must already contain everything up to the number that it passes.
                put(&stores.service(&name("stock")).unwrap(), "a", &start.to_string()).await;
                stores.close().unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_call_that_began_before_the_version_changed_conflicts_whatever_it_read() {
    let (stores, cart) = on(&SimulatedDisk::new(1), 3_600_000);
    let (mut blind, reader, mut other) =
        (cart.begin(), cart.begin_read(), stores.service(&name("stock")).unwrap().begin());
    blind.set("a", "1").unwrap();
    let second = cart.begin();
    migrate(cart.begin(), 1).await.unwrap();
    assert!(matches!(commit(blind).await, Err(CommitError::Conflict { .. })));
    assert!(matches!(migrate(second, 2).await, Err(CommitError::Conflict { .. })), "two migrations at once are one");
    assert_eq!(cart.data_version(), 1);
    commit(reader).await.expect("what only reads is as of its snapshot");
    other.set("a", "1").unwrap();
    commit(other).await.expect("other services go on");
    let mut later = cart.begin();
    later.set("a", "1").unwrap();
    commit(later).await.unwrap();
    stores.close().unwrap();
}
