//! Disks that fail or lose power during a backup, an archiving or a restore: the result is right, or visibly
//! unfinished.

use std::sync::Arc;

use super::backups::{SMALL, back_up, content, open_archiving, restore};
use super::*;
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::journal::{Disk, History, HistoryError, JOURNAL_FOLDER};
use crate::store::{OpenError, RestoreError, Until};

const COMMITS: u64 = 16;
const SEEDS: [u64; 2] = [1, 2];
const FAULTS: [Fault; 2] = [Fault::Error, Fault::PowerLoss];

/// Commits `COMMITS` times, in turn to both services, and stops at the first failure. Returns the last acknowledged
/// commit.
async fn work(stores: &Stores) -> u64 {
    let both = ["cart", "stock"].map(|service| stores.service(&name(service)).unwrap());
    let mut acknowledged = 0;
    for number in 1..=COMMITS {
        let mut transaction = both[usize::from(number % 2 == 0)].begin();
        transaction.set(&format!("key-{}", number % 5), number.to_string().repeat(30)).unwrap();
        let Ok(number) = commit(transaction).await else { break };
        if stores.wait_durable(number).await.is_err() {
            break;
        }
        acknowledged = number.0;
    }
    acknowledged
}

/// A host's stores after the whole workload.
async fn worked() -> Stores {
    let stores = Stores::open_on(&SimulatedDisk::new(1).as_disk(), &SMALL, &services(), None).unwrap();
    assert_eq!(work(&stores).await, COMMITS);
    stores
}

type State = Vec<(std::collections::BTreeMap<String, String>, Vec<u64>)>;

fn states(stores: &Stores) -> State {
    ["cart", "stock"].map(|service| content(&stores.service(&name(service)).unwrap())).into()
}

fn opened(disk: &SimulatedDisk) -> Result<State, OpenError> {
    let stores = Stores::open_on(&disk.as_disk(), &SMALL, &services(), None)?;
    let found = states(&stores);
    stores.close().unwrap();
    Ok(found)
}

#[tokio::test]
async fn a_backup_that_is_one_is_right_whatever_failed_while_it_was_made() {
    let stores = worked().await;
    let expected = states(&stores);
    let whole = SimulatedDisk::new(0);
    back_up(&stores, &whole).unwrap();
    let mut unfinished = 0;
    for fault in FAULTS {
        for operation in 0..whole.operations() {
            for seed in SEEDS {
                let what = format!("{fault:?} at operation {operation}, seed {seed}");
                let disk = SimulatedDisk::new(seed);
                disk.plan(operation, fault);
                let made = back_up(&stores, &disk);
                for left in [disk.after_power_loss(), disk.after_kill()] {
                    let target = SimulatedDisk::new(seed);
                    match restore(&left, &target, &[], Until::Backup) {
                        Ok(_) => assert_eq!(opened(&target).unwrap(), expected, "{what}"),
                        Err(error) => {
                            assert!(made.is_err(), "{what}: it was made, and now {error:?}");
                            assert!(matches!(error, RestoreError::NoBackup { .. }), "{what}: {error:?}");
                            unfinished += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(unfinished > 0, "some faults were met");
    stores.close().unwrap();
}

#[tokio::test]
async fn what_was_restored_can_be_started_exactly_when_it_is_right() {
    let stores = worked().await;
    let expected = states(&stores);
    let backup = SimulatedDisk::new(0);
    back_up(&stores, &backup).unwrap();
    stores.close().unwrap();
    let whole = SimulatedDisk::new(0);
    restore(&backup, &whole, &[], Until::Backup).unwrap();
    for fault in FAULTS {
        for operation in 0..whole.operations() {
            for seed in SEEDS {
                let what = format!("{fault:?} at operation {operation}, seed {seed}");
                let disk = SimulatedDisk::new(seed);
                disk.plan(operation, fault);
                let restored = restore(&backup, &disk, &[], Until::Backup);
                for left in [disk.after_power_loss(), disk.after_kill()] {
                    if left.paths().is_empty() {
                        assert!(restored.is_err(), "{what}: all is gone");
                        continue;
                    }
                    match opened(&left) {
                        Ok(found) => assert_eq!(found, expected, "{what}"),
                        Err(error) => {
                            assert!(restored.is_err(), "{what}: it was restored, and now {error:?}");
                            assert!(matches!(error, OpenError::Unfinished { .. }), "{what}: {error:?}");
                        }
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn no_commit_is_lost_between_the_journal_and_its_archive() {
    // Both are on one disk, so that both lose power at once.
    let run = async |disk: &SimulatedDisk| {
        let Ok(stores) = open_archiving(disk, disk) else { return 0 };
        let acknowledged = work(&stores).await;
        let _failed = stores.close();
        acknowledged
    };
    let whole = SimulatedDisk::new(0);
    assert_eq!(run(&whole).await, COMMITS);
    for fault in FAULTS {
        for operation in 0..whole.operations() + 10 {
            for seed in SEEDS {
                let what = format!("{fault:?} at operation {operation}, seed {seed}");
                let disk = SimulatedDisk::new(seed);
                disk.plan(operation, fault);
                let acknowledged = run(&disk).await;
                for left in [disk.after_power_loss(), disk.after_kill()] {
                    assert!(reachable(&left, &what) >= acknowledged, "{what}");
                    // The next host continues with the result, and archives the rest.
                    let stores = open_archiving(&left, &left).unwrap_or_else(|error| panic!("{what}: {error:?}"));
                    let durable = stores.durable().0;
                    assert!(durable >= acknowledged, "{what}");
                    put(&stores.service(&name("cart")).unwrap(), "next", "x").await;
                    stores.close().unwrap();
                    assert_eq!(reachable(&left, &what), durable + 1, "{what}");
                    assert_eq!(archived(&left, &what), durable + 1, "{what}: after an orderly end all is archived");
                }
            }
        }
    }
}

fn archive_folder(disk: &SimulatedDisk) -> Option<String> {
    let paths = disk.paths();
    let archived = paths.iter().find(|path| path.ends_with(".segment") && !path.starts_with(JOURNAL_FOLDER));
    archived.map(|path| path.split('/').next().unwrap().to_owned())
}

/// The last commit up to which none is missing in the journal and its archive.
fn reachable(disk: &SimulatedDisk, what: &str) -> u64 {
    let archive = archive_folder(disk).unwrap_or_default();
    read(&[(disk.as_disk(), &archive), (disk.as_disk(), JOURNAL_FOLDER)], what)
}

fn archived(disk: &SimulatedDisk, what: &str) -> u64 {
    let archive = archive_folder(disk).unwrap_or_default();
    read(&[(disk.as_disk(), &archive)], what)
}

fn read(folders: &[(Arc<dyn Disk>, &str)], what: &str) -> u64 {
    let history = History::gather(folders, None).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    let last = history.each(CommitSeq(0), |_, _| Ok::<_, HistoryError>(true));
    last.unwrap_or_else(|error| panic!("{what}: {error:?}")).0
}

#[tokio::test]
async fn an_archive_is_never_overwritten() {
    let (disk, archive) = (SimulatedDisk::new(1), SimulatedDisk::new(2));
    let stores = open_archiving(&disk, &archive).unwrap();
    work(&stores).await;
    stores.close().unwrap();
    let mut paths = archive.paths();
    paths.sort();
    let first = &paths[0];
    let mut before = Vec::new();
    archive.damage(first, |bytes| {
        *bytes.last_mut().unwrap() ^= 1;
        before.clone_from(bytes);
    });
    // A host whose first segment differs from the archived one, on a copy of its data directory.
    let copy = disk.after_kill();
    let name_of = first.rsplit('/').next().unwrap();
    let twin = copy.as_disk().create(&format!("{JOURNAL_FOLDER}/{name_of}")).unwrap();
    let mut original = before.clone();
    *original.last_mut().unwrap() ^= 1;
    twin.write_at(0, &original).unwrap();
    twin.sync().unwrap();
    copy.as_disk().sync_folder(JOURNAL_FOLDER).unwrap();
    let path = format!("{JOURNAL_FOLDER}/{name_of}");
    drop(twin);
    open_archiving(&copy, &archive).unwrap().close().unwrap();
    archive.damage(first, |bytes| assert_eq!(*bytes, before));
    assert!(copy.paths().contains(&path), "it stays in the data directory");
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_backed_up_is_refused() {
    let stores = worked().await;
    let expected = states(&stores);
    let backup = SimulatedDisk::new(0);
    back_up(&stores, &backup).unwrap();
    stores.close().unwrap();
    let attempt = |what: &str, change: &dyn Fn(&mut Vec<u8>), path: &str| {
        let damaged = backup.after_kill();
        damaged.damage(path, change);
        let target = SimulatedDisk::new(1);
        match restore(&damaged, &target, &[], Until::Backup) {
            // White space in the document has no meaning.
            Ok(_) => {
                assert_eq!(path, "backup.json", "{what}");
                assert_eq!(opened(&target).unwrap(), expected, "{what}");
            }
            Err(RestoreError::Damaged { path: told }) => assert!(told.ends_with(path), "{what}: {}", told.display()),
            Err(RestoreError::Document { .. }) => assert_eq!(path, "backup.json", "{what}"),
            Err(error) => panic!("{what}: {error:?}"),
        }
    };
    for path in backup.paths() {
        let mut length = 0;
        backup.damage(&path, |bytes| length = bytes.len());
        let step = if length < 4096 { 1 } else { length / 50 };
        for at in (0..length).step_by(step) {
            attempt(&format!("{path}, byte {at}"), &|bytes| bytes[at] ^= 0x10, &path);
            attempt(&format!("{path}, {at} bytes"), &|bytes| bytes.truncate(at), &path);
        }
        attempt(&format!("{path}, longer"), &|bytes| bytes.push(0), &path);
    }
}

#[tokio::test]
async fn a_backup_of_stores_that_stopped_is_refused() {
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &SMALL, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    stores.wait_durable(put(&cart, "a", "1").await).await.unwrap();
    disk.fail_syncs(FIRST_SEGMENT);
    stores.wait_durable(put(&cart, "b", "2").await).await.unwrap_err();
    let refused = back_up(&stores, &SimulatedDisk::new(2)).unwrap_err();
    assert!(matches!(refused, crate::store::BackupError::Stopped(_)), "{refused:?}");
    let _failed = stores.close();
}
