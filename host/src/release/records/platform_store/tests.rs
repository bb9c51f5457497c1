//! The platform's store: records are read again, a page of the history has at most its limit of lines, and a full disk
//! fails one change but no later one.

use super::*;
use crate::config::StoreSettings;
use crate::journal::simulated::SimulatedDisk;
use crate::limits::COMMIT_KEYS_MAX;
use crate::names::CallId;
use crate::release::records::record::ChangeKind;
use crate::store::{HostCommit, Stores};

const SETTINGS: StoreSettings = StoreSettings {
    segment_bytes: 64 * 1024,
    overlay_bytes_max: 16 * 1024 * 1024,
    checkpoint_ms_max: 10,
    index_cache_bytes: 1024 * 1024,
    batch_commits_max: 1024,
};

fn open(disk: &SimulatedDisk) -> (Stores, PlatformStore) {
    let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &[], None).unwrap();
    let platform = PlatformStore::new(stores.platform());
    (stores, platform)
}

fn line(who: &str, service: &str) -> NewEntry {
    NewEntry::new(who, &ServiceName::parse(service).unwrap(), ChangeKind::Deploy)
}

async fn commit(stores: &Stores, change: PlatformChange) -> Result<(), CommitError> {
    let mut commit = HostCommit::default();
    commit.add(change.into_transaction(), None);
    let number = commit.commit(CallId([0; 16])).await?;
    Ok(stores.wait_durable(number).await?)
}

fn who(lines: Vec<HistoryEntry>) -> Vec<String> {
    lines.into_iter().map(|line| line.who).collect()
}

#[tokio::test]
async fn the_history_is_read_by_service_and_by_page_also_after_a_restart() {
    let disk = SimulatedDisk::new(1);
    let (mut stores, mut platform) = open(&disk);
    for round in 0..40 {
        let mut change = platform.begin();
        change.add_line(line(&format!("a{round}"), "cart")).unwrap();
        change.add_line(line(&format!("b{round}"), "cart-2")).unwrap();
        commit(&stores, change).await.unwrap();
        if round == 20 {
            stores.close().unwrap();
            (stores, platform) = open(&disk);
        }
    }
    let all = platform.history(None, None, 1000).unwrap();
    assert_eq!(all.iter().map(|line| line.number).collect::<Vec<_>>(), (1..=80).rev().collect::<Vec<_>>());
    let cart = ServiceName::parse("cart").unwrap();
    assert_eq!(who(platform.history(Some(&cart), None, 3).unwrap()), ["a39", "a38", "a37"]);
    // Line 5 belongs to a2.
    assert_eq!(who(platform.history(Some(&cart), Some(5), 9).unwrap()), ["a1", "a0"]);
    assert_eq!(who(platform.history(None, Some(3), 9).unwrap()), ["b0", "a0"]);
    assert_eq!(who(platform.history(None, Some(1), 9).unwrap()), Vec::<String>::new());
    stores.close().unwrap();
}

/// A call may not, because others wait for it.
#[tokio::test]
async fn one_change_writes_more_keys_than_a_call() {
    const LINES: usize = 300;
    const { assert!(2 * LINES > COMMIT_KEYS_MAX, "each line has two keys") };
    let disk = SimulatedDisk::new(1);
    let (stores, platform) = open(&disk);
    let mut change = platform.begin();
    for number in 0..LINES {
        change.add_line(line("first start", &format!("web-{number}"))).unwrap();
    }
    commit(&stores, change).await.unwrap();
    stores.close().unwrap();
    let (stores, platform) = open(&disk);
    assert_eq!(platform.history(None, None, 1000).unwrap().len(), LINES);
    stores.close().unwrap();
}

#[tokio::test]
async fn the_secret_is_drawn_once() {
    let disk = SimulatedDisk::new(1);
    let (stores, platform) = open(&disk);
    let mut change = platform.begin();
    let drawn = change.secret().unwrap();
    commit(&stores, change).await.unwrap();
    stores.close().unwrap();
    let (stores, platform) = open(&disk);
    let mut change = platform.begin();
    assert!(change.secret().unwrap() == drawn);
    assert!(!change.changes_anything());
    drop(change);
    stores.close().unwrap();
}

#[tokio::test]
async fn a_full_disk_fails_one_change_and_when_there_is_room_the_next_one_is_made() {
    let disk = SimulatedDisk::new(1);
    let (stores, platform) = open(&disk);
    let change = |who: &str| {
        let mut change = platform.begin();
        let mut event = line(who, "cart");
        event.reason = Some("x".repeat(10_000));
        change.add_line(event).unwrap();
        change
    };
    commit(&stores, change("before")).await.unwrap();
    disk.set_bytes_max(disk.bytes());
    let mut failed = 0;
    while failed == 0 {
        // A commit that fits into the existing segment is still accepted.
        match commit(&stores, change("full")).await {
            Ok(()) => {}
            Err(CommitError::NoRoom { .. }) => failed += 1,
            Err(error) => panic!("{error}"),
        }
    }
    let lines = platform.history(None, None, 1000).unwrap().len();
    disk.set_bytes_max(u64::MAX);
    let mut done = false;
    while !done {
        // The journal looks for room again from time to time.
        done = commit(&stores, change("after")).await.is_ok();
        tokio::task::yield_now().await;
    }
    let history = platform.history(None, None, 1000).unwrap();
    assert_eq!((history.len(), history.first().map(|line| line.who.as_str())), (lines + 1, Some("after")));
    stores.close().unwrap();
}
