//! A backup contains the stores at one number, whatever is committed meanwhile. A restore goes to that number, or to
//! exactly the later one that was requested.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::*;
use crate::journal::simulated::{Random, SimulatedDisk};
use crate::journal::{Disk, Folder, History, HistoryError, JOURNAL_FOLDER};
use crate::store::backup::{BACKUP_FOLDERS, BackupWriter, NamedFiles, ProgressReport, restore_on};
use crate::store::{BackupDocument, BackupError, Event, OpenError, RestoreError, Restored, Until};

/// Small segments, so that a few commits fill several.
pub(super) const SMALL: StoreSettings = StoreSettings { segment_bytes: 1024, checkpoint_ms_max: 0, ..SETTINGS };

const KEYS: u64 = 7;

/// One commit of the workload.
#[derive(Debug, Clone)]
struct Made {
    number: u64,
    service: &'static str,
    key: String,
    /// `None`: it deleted the key.
    value: Option<String>,
    emits: bool,
}

/// The expected content of a store: its entries, and the commits whose events wait.
type Content = (BTreeMap<String, String>, Vec<u64>);

fn model(made: &[Made], number: u64, service: &str) -> Content {
    let (mut entries, mut events) = (BTreeMap::new(), Vec::new());
    for made in made.iter().filter(|made| made.number <= number && made.service == service) {
        match &made.value {
            Some(value) => drop(entries.insert(made.key.clone(), value.clone())),
            None => drop(entries.remove(&made.key)),
        }
        events.extend(made.emits.then_some(made.number));
    }
    (entries, events)
}

pub(super) fn content(store: &Store) -> Content {
    let page = scan("", None, Direction::Ascending, 1000)(&mut store.begin_read());
    let text = |value: bytes::Bytes| String::from_utf8(value.to_vec()).unwrap();
    let entries = page.entries.into_iter().map(|entry| (entry.key, text(entry.value))).collect();
    (entries, store.emitted(None, 1000).unwrap().iter().map(|emitted| emitted.key.seq.0.0).collect())
}

/// Makes one commit, chosen by `random`.
async fn make(stores: &Stores, random: &mut Random) -> Made {
    let service = ["cart", "stock"][usize::from(random.coin())];
    let store = stores.service(&name(service)).unwrap();
    loop {
        let mut transaction = store.begin();
        let (key, value) = (format!("key-{}", random.below(KEYS)), random.next().to_string().repeat(3));
        let value = Some(value).filter(|_| random.below(4) > 0);
        match &value {
            Some(value) => transaction.set(&key, value.clone()).unwrap(),
            None => transaction.delete(&key).unwrap(),
        }
        let emits = random.below(3) == 0;
        if emits {
            let event = Event { interface: "test:shop/events".into(), function: "made".into(), payload: "{}".into() };
            transaction.emit(event).unwrap();
        }
        if let Ok(CommitSeq(number)) = commit(transaction).await {
            return Made { number, service, key, value, emits };
        }
    }
}

pub(super) fn back_up(stores: &Stores, disk: &SimulatedDisk) -> Result<BackupDocument, BackupError> {
    let mut tell = |_: &_| ControlFlow::Continue(());
    let mut progress = ProgressReport::new(&mut tell);
    BackupWriter::new(&*disk.as_disk(), &mut progress).finish(stores.consistent_snapshot()?, &BACKUP_FOLDERS)
}

pub(super) fn restore(
    backup: &SimulatedDisk,
    target: &SimulatedDisk,
    folders: &[Folder<'_>],
    until: Until,
) -> Result<Restored, RestoreError> {
    let (source, target) = (backup.as_disk(), target.as_disk());
    let document = BackupDocument::read(&*source)?;
    until.check(&document)?;
    let history = History::gather(folders, Some(document.journal()))?;
    let mut tell = |_: &_| ControlFlow::Continue(());
    let named = NamedFiles { files_of: &|_| Ok(BTreeSet::new()), places: Vec::new() };
    restore_on(&*source, &document, &target, &history, until, &named, &mut ProgressReport::new(&mut tell))
}

/// Opens stores that archive their segments on `archive`.
pub(super) fn open_archiving(disk: &SimulatedDisk, archive: &SimulatedDisk) -> Result<Stores, OpenError> {
    let archive = archive.as_disk();
    Stores::open_with(&disk.as_disk(), &SMALL, &services(), None, Some(&|_| Ok(Arc::clone(&archive))), None)
}

/// Checks that the restored stores on `disk` match the commits up to `number`, and that they can continue.
async fn check(disk: &SimulatedDisk, made: &[Made], number: u64) {
    for disk in [disk.after_power_loss(), disk.clone()] {
        let stores = Stores::open_on(&disk.as_disk(), &SMALL, &services(), None).unwrap();
        assert_eq!(stores.durable(), CommitSeq(number));
        for service in ["cart", "stock"] {
            let store = stores.service(&name(service)).unwrap();
            assert_eq!(content(&store), model(made, number, service), "{service} at {number}");
            let bytes = |(key, value): (&String, &String)| key.len() + value.len();
            assert_eq!(store.bytes(), content(&store).0.iter().map(bytes).sum::<usize>() as u64);
        }
        assert_eq!(put(&stores.service(&name("cart")).unwrap(), "later", "x").await, CommitSeq(number + 1));
        stores.close().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_the_state_at_its_number_whatever_is_committed_meanwhile() {
    const WRITERS: u64 = 3;
    const COMMITS: usize = 200;
    for seed in 0..3 {
        let disk = SimulatedDisk::new(seed);
        let stores = Stores::open_on(&disk.as_disk(), &SMALL, &services(), None).unwrap();
        let all = Arc::new(Mutex::new(Vec::new()));
        let backups = Arc::new(Mutex::new(Vec::new()));
        let (backed_up, first_backup) = tokio::sync::watch::channel(false);
        let writers = (0..WRITERS).map(|writer| {
            let (stores, all) = (stores.clone(), Arc::clone(&all));
            let mut first_backup = first_backup.clone();
            async move {
                let mut random = Random(seed * WRITERS + writer);
                for commit in 0..COMMITS {
                    if writer == 0 && commit == COMMITS / 2 {
                        // So there is a backup between commits however the threads take turns.
                        first_backup.wait_for(|made| *made).await.unwrap();
                    }
                    let made = make(&stores, &mut random).await;
                    all.lock().unwrap().push(made);
                    tokio::task::yield_now().await;
                }
            }
        });
        let (backing, backed) = (stores.clone(), Arc::clone(&backups));
        let backer = tokio::task::spawn_blocking(move || {
            while backing.durable().0 < WRITERS * COMMITS as u64 && backed.lock().unwrap().len() < 12 {
                let backup = SimulatedDisk::new(seed);
                let document = back_up(&backing, &backup).unwrap();
                if document.number().0 > 0 {
                    backed.lock().unwrap().push((document.number().0, backup));
                    backed_up.send_replace(true);
                }
            }
        });
        futures::future::join_all(writers).await;
        backer.await.unwrap();
        stores.close().unwrap();
        let mut made = Arc::into_inner(all).unwrap().into_inner().unwrap();
        made.sort_by_key(|made: &Made| made.number);
        let backups = Arc::into_inner(backups).unwrap().into_inner().unwrap();
        let between = backups.iter().filter(|(number, _)| *number < WRITERS * COMMITS as u64).count();
        assert!(between > 0, "seed {seed}: no backup was made meanwhile");
        for (number, backup) in backups {
            let target = SimulatedDisk::new(seed);
            let restored = restore(&backup.after_power_loss(), &target, &[], Until::Backup).unwrap();
            assert_eq!((restored.number, restored.replayed), (CommitSeq(number), 0), "seed {seed}");
            check(&target, &made, number).await;
        }
    }
}

/// A host's disk, its archive, a backup from the middle of its history, and all its commits.
struct Past {
    disk: SimulatedDisk,
    archive: SimulatedDisk,
    backup: SimulatedDisk,
    document: BackupDocument,
    made: Vec<Made>,
}

impl Past {
    /// Makes `before` commits before the backup and `after` commits after it.
    async fn of(before: usize, after: usize, in_order: bool) -> Self {
        let (mut disk, mut archive, backup) = (SimulatedDisk::new(1), SimulatedDisk::new(2), SimulatedDisk::new(3));
        let stores = open_archiving(&disk, &archive).unwrap();
        let mut random = Random(7);
        let mut made = Vec::new();
        for _ in 0..before {
            made.push(make(&stores, &mut random).await);
        }
        let document = back_up(&stores, &backup).unwrap();
        for _ in 0..after {
            made.push(make(&stores, &mut random).await);
        }
        stores.wait_durable(CommitSeq((before + after) as u64)).await.unwrap();
        if !in_order {
            // The journal is copied first: segments archived since are in both.
            (disk, archive) = (disk.after_kill(), archive.after_kill());
        }
        stores.close().unwrap();
        Self { disk, archive, backup, document, made }
    }

    fn archived(&self) -> (Arc<dyn Disk>, String) {
        (self.archive.as_disk(), self.document.journal().to_string())
    }

    fn restore(&self, folders: &[Folder<'_>], until: Until) -> (Result<Restored, RestoreError>, SimulatedDisk) {
        let target = SimulatedDisk::new(9);
        (restore(&self.backup, &target, folders, until), target)
    }
}

#[tokio::test]
async fn every_number_since_a_backup_can_be_restored() {
    let past = Past::of(20, 40, true).await;
    let (archive, folder) = past.archived();
    for number in 20..=60 {
        let (restored, target) = past.restore(&[(Arc::clone(&archive), &folder)], Until::CommitSeq(CommitSeq(number)));
        let restored = restored.unwrap();
        assert_eq!((restored.number, restored.replayed), (CommitSeq(number), number - 20));
        check(&target, &past.made, number).await;
    }
    let end = past.restore(&[(Arc::clone(&archive), &folder)], Until::End).0.unwrap();
    assert_eq!(end.number, CommitSeq(60), "after an orderly end the archive has everything");
    let refused = |until| past.restore(&[(Arc::clone(&archive), &folder)], until).0.unwrap_err();
    assert!(matches!(refused(Until::CommitSeq(CommitSeq(61))), RestoreError::NotReached { last: 60 }));
    assert!(matches!(refused(Until::CommitSeq(CommitSeq(19))), RestoreError::BeforeBackup { backup: 20 }));
    assert!(matches!(refused(Until::Time(1)), RestoreError::TimeBeforeBackup { .. }));
}

#[tokio::test]
async fn a_time_is_all_that_was_acknowledged_by_then() {
    let past = Past::of(5, 30, true).await;
    let (archive, folder) = past.archived();
    let folders = [(archive, folder.as_str())];
    let mut times = Vec::new();
    let history = History::gather(&folders, None).unwrap();
    let read = history.each(CommitSeq(5), |number, record| {
        times.push((number.0, record.time_unix_micros));
        Ok::<_, HistoryError>(true)
    });
    assert_eq!(read.unwrap(), CommitSeq(35));
    for (_, time) in &times {
        let number = times.iter().take_while(|(_, made)| made <= time).last().unwrap().0;
        let (restored, target) = past.restore(&folders, Until::Time(*time));
        let restored = restored.unwrap();
        assert_eq!(restored.number, CommitSeq(number));
        assert!(restored.unix_micros.unwrap() <= *time);
        check(&target, &past.made, number).await;
    }
    let late = Until::Time(times.last().unwrap().1 + 1_000_000);
    let refused = past.restore(&folders, late).0.unwrap_err();
    assert!(matches!(refused, RestoreError::TimeNotReached { last: Some(_) }), "the archive does not reach so far");
    let and_end = [folders[0].clone(), (past.disk.as_disk(), JOURNAL_FOLDER)];
    assert_eq!(past.restore(&and_end, late).0.unwrap().number, CommitSeq(35), "the journal has no later commit");
    let refused = past.restore(&[], Until::Time(times[0].1)).0.unwrap_err();
    assert!(matches!(refused, RestoreError::TimeNotReached { last: None }));
}

#[tokio::test]
async fn after_a_kill_the_end_is_in_the_journal_of_the_old_data_directory() {
    let past = Past::of(10, 40, false).await;
    let (archive, folder) = past.archived();
    let archived = past.restore(&[(Arc::clone(&archive), &folder)], Until::End).0.unwrap();
    assert!(archived.number < CommitSeq(50), "the last segment was open");
    let both = [(Arc::clone(&archive), folder.as_str()), (past.disk.as_disk(), JOURNAL_FOLDER)];
    let (restored, target) = past.restore(&both, Until::End);
    assert_eq!(restored.unwrap().number, CommitSeq(50));
    check(&target, &past.made, 50).await;
}

#[tokio::test]
async fn commits_that_are_missing_or_of_two_histories_are_named() {
    let past = Past::of(4, 60, true).await;
    let (archive, folder) = past.archived();
    let mut segments: Vec<_> = past.archive.paths();
    segments.sort();
    assert!(segments.len() > 4, "{segments:?}");
    let first = |path: &str| path.rsplit('/').next().unwrap().replace(".segment", "").parse::<u64>().unwrap();
    let folders = [(archive, folder.as_str())];

    // A history that diverges from the same segment on.
    let other = format!("{folder}/{:020}.segment", first(&segments[2]) + 1);
    let mut bytes = Vec::new();
    past.archive.damage(&segments[2], |content| bytes.clone_from(content));
    let file = folders[0].0.create(&other).unwrap();
    let header = crate::journal::SegmentHeader { journal: past.document.journal(), first: CommitSeq(first(&other)) };
    file.write_at(0, &header.encode()).unwrap();
    let refused = past.restore(&folders, Until::End).0.unwrap_err();
    assert!(matches!(refused, RestoreError::History(HistoryError::Overlap { .. })), "{refused:?}");
    folders[0].0.remove(&other).unwrap();

    folders[0].0.remove(&segments[2]).unwrap();
    let refused = past.restore(&folders, Until::End).0.unwrap_err();
    let (from, to) = (first(&segments[2]), first(&segments[3]) - 1);
    let RestoreError::History(HistoryError::Gap { from: begin, to: end }) = refused else { panic!("{refused:?}") };
    assert_eq!((begin, end), (from, to));
    // Commits before the gap can be restored.
    past.restore(&folders, Until::CommitSeq(CommitSeq(from - 1))).0.unwrap();

    let foreign = [(folders[0].0.clone(), folder.as_str())];
    let refused = History::gather(&foreign, Some(crate::journal::JournalId([9; 16]))).unwrap_err();
    assert!(matches!(refused, HistoryError::OtherJournal { .. }), "{refused:?}");
}

#[tokio::test]
async fn stores_that_came_went_or_were_migrated_since_are_as_they_were_then() {
    let (disk, archive, backup) = (SimulatedDisk::new(1), SimulatedDisk::new(2), SimulatedDisk::new(3));
    let stores = open_archiving(&disk, &archive).unwrap();
    put(&stores.service(&name("cart")).unwrap(), "a", "1").await;
    let document = back_up(&stores, &backup).unwrap();
    let blog = stores.add(&name("blog"), 1 << 20).unwrap();
    let mut first = blog.begin();
    first.set("b", "2").unwrap();
    first.commit(CommitDetails { data_version: Some(7), ..details() }).await.unwrap();
    put(&blog, "c", "3").await;
    stores.detach(&name("blog"));
    stores.drop_store(&name("blog")).unwrap();
    let blog = stores.add(&name("blog"), 1 << 20).unwrap();
    put(&blog, "d", "4").await;
    let migrated = stores.service(&name("stock")).unwrap().begin();
    migrated.commit(CommitDetails { data_version: Some(1), ..details() }).await.unwrap();
    stores.close().unwrap();

    let folder = document.journal().to_string();
    let folders = [(archive.as_disk(), folder.as_str())];
    let check = |number: u64, blog: Option<(&str, u64)>| {
        let target = SimulatedDisk::new(4);
        restore(&backup, &target, &folders, Until::CommitSeq(CommitSeq(number))).unwrap();
        let stores = Stores::open_on(&target.as_disk(), &SMALL, &services(), None).unwrap();
        let found = stores.kept_store(&name("blog"));
        let keys = found.as_ref().map(|blog| content(blog).0.into_keys().collect::<Vec<_>>().join(" "));
        let version = found.map(|blog| blog.data_version());
        assert_eq!(keys.as_deref().zip(version), blog, "{number}");
        stores.close().unwrap();
    };
    check(1, None);
    // It exists before its first commit: the records of the platform name it.
    check(2, Some(("", 0)));
    check(3, Some(("b", 7)));
    check(4, Some(("b c", 7)));
    check(5, None);
    check(6, Some(("", 0)));
    check(7, Some(("d", 0)));
    // A later migration is restored with its version.
    let target = SimulatedDisk::new(4);
    assert_eq!(restore(&backup, &target, &folders, Until::End).unwrap().number, CommitSeq(8));
    let stores = Stores::open_on(&target.as_disk(), &SMALL, &services(), None).unwrap();
    assert_eq!(stores.service(&name("stock")).unwrap().data_version(), 1);
    stores.close().unwrap();
}

#[tokio::test]
async fn a_restored_journal_is_another_one() {
    let past = Past::of(10, 5, true).await;
    let target = past.restore(&[], Until::Backup).1;
    let stores = open_archiving(&target, &past.archive).unwrap();
    for _ in 0..3 {
        put(&stores.service(&name("cart")).unwrap(), "other", "history").await;
    }
    stores.close().unwrap();
    let journal = History::gather(&[(target.as_disk(), JOURNAL_FOLDER)], Some(past.document.journal()));
    assert!(matches!(journal, Err(HistoryError::OtherJournal { .. })));
    // Its archived segments are beside the old history, and are not mixed with it.
    let (archive, folder) = past.archived();
    let (restored, target) = past.restore(&[(archive, &folder)], Until::End);
    assert_eq!(restored.unwrap().number, CommitSeq(15));
    check(&target, &past.made, 15).await;
}
