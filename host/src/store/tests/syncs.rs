//! How often the disk syncs: once for all commits that a caller waits for, and never for the others.

use std::time::Duration;

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::limits::INDEX_SYNC_BYTES;

const FOUR: [&str; 4] = ["cart", "stock", "payment", "shipping"];
const QUIET: StoreSettings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> (Stores, [Store; 4]) {
    let services = FOUR.map(|service| (name(service), 1 << 20));
    let stores = Stores::open_on(&disk.as_disk(), settings, &services, None).unwrap();
    let four = FOUR.map(|service| stores.service(&name(service)).unwrap());
    (stores, four)
}

#[tokio::test]
async fn a_lone_call_that_commits_in_four_services_and_waits_once_costs_one_sync() {
    let disk = SimulatedDisk::new(1);
    let (stores, four) = on(&disk, &QUIET);
    // The first commit after a start begins a segment, which needs additional syncs.
    stores.wait_durable(put(&four[0], "first", "1").await).await.unwrap();
    for round in 0..50 {
        let before = disk.syncs(FIRST_SEGMENT);
        let mut number = CommitSeq(0);
        for store in &four {
            number = put(store, "round", &round.to_string()).await;
            // Others get the time to look at the disk.
            tokio::task::yield_now().await;
            assert_eq!(disk.syncs(FIRST_SEGMENT), before, "round {round}: nobody waits yet");
        }
        stores.wait_durable(number).await.unwrap();
        assert_eq!(disk.syncs(FIRST_SEGMENT), before + 1, "round {round}");
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn calls_that_commit_while_the_disk_syncs_share_the_next_sync() {
    let disk = SimulatedDisk::new(1);
    let (stores, four) = on(&disk, &QUIET);
    stores.wait_durable(put(&four[0], "first", "1").await).await.unwrap();
    let before = disk.syncs(FIRST_SEGMENT);
    disk.hold_syncs();
    let first = put(&four[0], "a", "1").await;
    let mut waits: Vec<_> = vec![Box::pin(stores.wait_durable(first))];
    assert!(futures::poll!(&mut waits[0]).is_pending());
    disk.until_syncs_are_held();
    for key in 0..20 {
        let number = put(&four[key % 4], &format!("key-{key}"), "1").await;
        waits.push(Box::pin(stores.wait_durable(number)));
        assert!(futures::poll!(waits.last_mut().unwrap()).is_pending());
    }
    disk.let_syncs_go();
    for wait in waits {
        wait.await.unwrap();
    }
    assert_eq!(disk.syncs(FIRST_SEGMENT), before + 2);
    stores.close().unwrap();
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_durable_with_the_next_checkpoint() {
    let settings = StoreSettings { checkpoint_ms_max: 20, ..SETTINGS };
    let (stores, four) = on(&SimulatedDisk::new(1), &settings);
    let give_up = crate::clock::now() + Duration::from_secs(20);
    for round in 0..5 {
        let number = put(&four[round % 4], "a", "1").await;
        while stores.durable() < number {
            assert!(crate::clock::now() < give_up, "round {round}: {number:?} is not durable");
            std::thread::yield_now();
        }
    }
    stores.close().unwrap();
}

#[tokio::test]
async fn a_large_checkpoint_is_synced_in_small_parts() {
    const COMMITS: usize = 16;
    let (disk, index) = (SimulatedDisk::new(1), "services/cart.redb");
    let stores = Stores::open_on(&disk.as_disk(), &QUIET, &services(), None).unwrap();
    let (cart, value) = (stores.service(&name("cart")).unwrap(), "v".repeat(INDEX_SYNC_BYTES / 2));
    let before = disk.syncs(index);
    for key in 0..COMMITS {
        put(&cart, &format!("key-{key}"), &value).await;
    }
    stores.close().unwrap();
    let syncs = disk.syncs(index) - before;
    assert!(syncs >= COMMITS as u64 / 2, "{syncs} syncs of {} bytes", COMMITS * value.len());
}
