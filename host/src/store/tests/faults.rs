//! A disk that fails or loses power at every operation in turn. Acknowledged commits survive, others exist whole or not
//! at all, and the result is a prefix of the order of commits.

use std::collections::BTreeMap;

use super::*;
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::store::OpenError;

/// Small segments, so that a few commits fill several.
const SMALL: StoreSettings = StoreSettings { segment_bytes: 1024, checkpoint_ms_max: 0, ..SETTINGS };
const COMMITS: u64 = 24;
const SEEDS: [u64; 2] = [1, 2];

type State = BTreeMap<String, String>;

/// The state of both services after the first `commits` of the workload.
fn model(commits: u64) -> [State; 2] {
    let mut states = [State::new(), State::new()];
    for commit in 1..=commits {
        let state = &mut states[usize::from(commit % 2 == 0)];
        state.insert(format!("key-{}", commit % 5), commit.to_string().repeat(20));
        state.insert("last".into(), commit.to_string());
        state.remove(&format!("key-{}", (commit + 2) % 5));
    }
    states
}

fn open_on(disk: &SimulatedDisk) -> Result<Stores, OpenError> {
    Stores::open_on(&disk.as_disk(), &SMALL, &services(), None)
}

fn both(stores: &Stores) -> [Store; 2] {
    [stores.service(&name("cart")).unwrap(), stores.service(&name("stock")).unwrap()]
}

fn state(store: &Store) -> State {
    let page = scan("", None, Direction::Ascending, 1000)(&mut store.begin_read());
    page.entries.into_iter().map(|entry| (entry.key, String::from_utf8(entry.value.to_vec()).unwrap())).collect()
}

/// Commits `from..=COMMITS` of the workload until one fails; returns the last acknowledged one.
async fn work(stores: &Stores, from: u64) -> u64 {
    let stores_both = both(stores);
    let mut acknowledged = from - 1;
    for commit in from..=COMMITS {
        let mut transaction = stores_both[usize::from(commit % 2 == 0)].begin();
        transaction.set(&format!("key-{}", commit % 5), commit.to_string().repeat(20)).unwrap();
        transaction.set("last", commit.to_string()).unwrap();
        transaction.delete(&format!("key-{}", (commit + 2) % 5)).unwrap();
        let Ok(number) = super::commit(transaction).await else { break };
        assert_eq!(number, CommitSeq(commit));
        // Some commits gather in one batch.
        if commit % 3 != 0 {
            if stores.wait_durable(number).await.is_err() {
                break;
            }
            acknowledged = commit;
        }
    }
    acknowledged
}

/// Runs the workload on `disk`; returns the last acknowledged commit.
async fn run(disk: &SimulatedDisk) -> u64 {
    let Ok(stores) = open_on(disk) else { return 0 };
    let acknowledged = work(&stores, 1).await;
    let durable = stores.durable();
    assert!(acknowledged <= durable.0);
    let _failed = stores.close();
    acknowledged
}

/// Opens the stores on `disk` and checks them; the rest of the workload must then succeed.
async fn check(disk: &SimulatedDisk, acknowledged: u64, what: &str) {
    let stores = open_on(disk).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let found = both(&stores).map(|store| state(&store));
    let prefix = (acknowledged..=COMMITS).find(|commits| model(*commits) == found);
    let prefix = prefix.unwrap_or_else(|| panic!("{what}: {acknowledged} were acknowledged, there is {found:?}"));
    assert_eq!(stores.durable(), CommitSeq(prefix), "{what}");
    let bytes = |state: &State| state.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() as u64;
    assert_eq!(both(&stores).map(|store| store.bytes()), model(prefix).each_ref().map(bytes), "{what}");

    work(&stores, prefix + 1).await;
    assert_eq!(both(&stores).map(|store| state(&store)), model(COMMITS), "{what}: the work goes on");
    stores.close().unwrap_or_else(|error| panic!("{what}: {error:?}"));

    let stores = open_on(&disk.after_power_loss()).unwrap_or_else(|error| panic!("{what}: at the end: {error:?}"));
    assert_eq!(both(&stores).map(|store| state(&store)), model(COMMITS), "{what}: at the end");
    stores.close().unwrap();
}

async fn every_operation(fault: Fault, after: impl Fn(&SimulatedDisk) -> SimulatedDisk) {
    let whole = SimulatedDisk::new(0);
    assert!(run(&whole).await >= COMMITS - 1);
    let operations = whole.operations();
    for operation in 0..operations + 10 {
        for seed in SEEDS {
            let disk = SimulatedDisk::new(seed);
            disk.plan(operation, fault);
            let acknowledged = run(&disk).await;
            check(&after(&disk), acknowledged, &format!("{fault:?} at operation {operation}, seed {seed}")).await;
        }
    }
}

#[tokio::test]
async fn power_loss_at_any_operation_loses_nothing_acknowledged() {
    every_operation(Fault::PowerLoss, SimulatedDisk::after_power_loss).await;
}

#[tokio::test]
async fn a_kill_at_any_operation_loses_nothing_acknowledged() {
    every_operation(Fault::PowerLoss, SimulatedDisk::after_kill).await;
}

#[tokio::test]
async fn an_error_at_any_operation_loses_nothing_acknowledged() {
    every_operation(Fault::Error, SimulatedDisk::after_kill).await;
}

#[tokio::test]
async fn an_error_and_then_power_loss_lose_nothing_acknowledged() {
    every_operation(Fault::Error, SimulatedDisk::after_power_loss).await;
}

#[tokio::test]
async fn a_shortage_at_any_operation_stops_nothing() {
    let whole = SimulatedDisk::new(0);
    run(&whole).await;
    let mut met = 0;
    for operation in 0..whole.operations() {
        let disk = SimulatedDisk::new(operation);
        disk.plan(operation, Fault::Shortage);
        let stores = open_on(&disk).unwrap_or_else(|error| panic!("shortage after operation {operation}: {error:?}"));
        assert_eq!(work(&stores, 1).await, COMMITS - 1, "shortage after operation {operation}");
        stores.close().unwrap_or_else(|error| panic!("shortage after operation {operation}: {error:?}"));
        met += u64::from(!disk.is_planned());
        check(&disk, COMMITS, &format!("shortage after operation {operation}")).await;
    }
    assert!(met > whole.operations() / 2, "{met} shortages");
}

#[tokio::test]
async fn what_a_start_finds_is_durable_although_its_sync_had_failed() {
    let settings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SMALL };
    for seed in 0..8 {
        let disk = SimulatedDisk::new(seed);
        let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
        let [cart, _] = both(&stores);
        stores.wait_durable(put(&cart, "first", "1").await).await.unwrap();
        disk.fail_syncs(FIRST_SEGMENT);
        stores.wait_durable(put(&cart, "second", "2").await).await.unwrap_err();
        let killed = disk.after_kill();
        stores.close().unwrap_err();

        let stores = Stores::open_on(&killed.as_disk(), &settings, &services(), None).unwrap();
        assert_eq!(now(&both(&stores)[0], "second"), Some("2".into()), "the kernel still has what was written");
        assert_eq!(stores.durable(), CommitSeq(2));
        let after = killed.after_power_loss();
        let stores = Stores::open_on(&after.as_disk(), &settings, &services(), None).unwrap();
        assert_eq!(now(&both(&stores)[0], "second"), Some("2".into()), "seed {seed}");
    }
}

#[tokio::test]
async fn a_segment_that_is_full_to_its_last_byte_is_durable_after_a_start_although_its_sync_had_failed() {
    let settings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SMALL };
    let mut full = 0;
    for bytes in 700..800 {
        let disk = SimulatedDisk::new(bytes as u64);
        let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
        let [cart, _] = both(&stores);
        stores.wait_durable(put(&cart, "first", "1").await).await.unwrap();
        disk.fail_syncs(FIRST_SEGMENT);
        stores.wait_durable(put(&cart, "second", &"x".repeat(bytes)).await).await.unwrap_err();
        let killed = disk.after_kill();
        stores.close().unwrap_err();
        full += usize::from(killed.content(FIRST_SEGMENT).last() == Some(&b'x'));
        let stores = Stores::open_on(&killed.as_disk(), &settings, &services(), None).unwrap();
        let found = now(&both(&stores)[0], "second");
        let after = killed.after_power_loss();
        let stores = Stores::open_on(&after.as_disk(), &settings, &services(), None).unwrap();
        assert_eq!(now(&both(&stores)[0], "second"), found, "{bytes} bytes");
    }
    assert!(full > 0, "none was full");
}

#[tokio::test]
async fn a_start_writes_the_last_segment_again_only_once() {
    let disk = SimulatedDisk::new(1);
    let stores = open_on(&disk).unwrap();
    stores.wait_durable(put(&both(&stores)[0], "a", &"x".repeat(500)).await).await.unwrap();
    let killed = disk.after_kill();
    stores.close().unwrap();
    let written = || killed.written_bytes(FIRST_SEGMENT);
    let start = || open_on(&killed).unwrap().close().unwrap();
    let before = written();
    start();
    let again = written();
    assert!(again >= before + 500, "what a killed host left may not be on the disk");
    start();
    start();
    assert_eq!(written(), again);
}
