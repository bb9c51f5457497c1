//! A data directory that is damaged, incomplete, foreign or in use is refused, with the file and the next step, and is
//! not changed.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::store::OpenError;

const SMALL: StoreSettings = StoreSettings { segment_bytes: 512, checkpoint_ms_max: 3_600_000, ..SETTINGS };

fn open_on(disk: &SimulatedDisk) -> Result<Stores, OpenError> {
    Stores::open_on(&disk.as_disk(), &SMALL, &services(), None)
}

/// A disk whose journal holds eleven commits in several segments, none of them in an index.
async fn disk(seed: u64) -> SimulatedDisk {
    let disk = SimulatedDisk::new(seed);
    let stores = open_on(&disk).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    for key in 0..11 {
        let number = put(&cart, &format!("key-{key}"), &"x".repeat(40)).await;
        stores.wait_durable(number).await.unwrap();
    }
    let killed = disk.after_kill();
    stores.close().unwrap();
    killed
}

fn segments(disk: &SimulatedDisk) -> Vec<String> {
    disk.paths().into_iter().filter(|path| path.ends_with(".segment")).collect()
}

const CART: &str = "services/cart.redb";

#[tokio::test]
async fn what_is_wrong_is_named_and_left_alone() {
    type Damage = fn(&SimulatedDisk);
    let cases: [(&str, Damage, &str); 14] = [
        (
            "a flipped bit in a record",
            |disk| disk.damage(&segments(disk)[1], |bytes| bytes[110] ^= 1),
            "data/journal/00000000000000000004.segment is damaged at byte 64",
        ),
        (
            "a flipped bit in a header",
            |disk| disk.damage(&segments(disk)[0], |bytes| bytes[33] ^= 1),
            "data/journal/00000000000000000001.segment is damaged at byte 0",
        ),
        (
            "a flipped bit in a record of the last segment that is not its last",
            |disk| {
                let last = segments(disk).pop().unwrap();
                disk.damage(&last, |bytes| bytes[100] ^= 1);
            },
            "is damaged at byte 64",
        ),
        (
            "a segment that is cut",
            |disk| disk.damage(&segments(disk)[0], |bytes| bytes.truncate(220)),
            "data/journal/00000000000000000001.segment is damaged at byte 200",
        ),
        (
            "a segment of something else",
            |disk| disk.damage(&segments(disk)[1], |bytes| bytes[..8].copy_from_slice(b"SQLite f")),
            "data/journal/00000000000000000004.segment is damaged at byte 0",
        ),
        (
            "a missing first segment",
            |disk| disk.as_disk().remove(&segments(disk)[0]).unwrap(),
            "data/journal holds no commits 1 to 3",
        ),
        (
            "a missing segment in the middle",
            |disk| disk.as_disk().remove(&segments(disk)[1]).unwrap(),
            "data/journal/00000000000000000001.segment is damaged at byte",
        ),
        (
            "a missing index",
            |disk| disk.as_disk().remove(CART).unwrap(),
            "cart had a store, but data/services/cart.redb is missing",
        ),
        (
            "a missing index of the platform's own",
            |disk| disk.as_disk().remove("services/@platform.redb").unwrap(),
            "data/services/@platform.redb is missing: it holds the releases",
        ),
        ("an empty index", |disk| disk.damage(CART, Vec::clear), "data/services/cart.redb is no index of cart"),
        (
            "an index of something else",
            |disk| disk.damage(CART, |bytes| bytes.fill(b'x')),
            "cannot open data/services/cart.redb as an index",
        ),
        (
            "an index that is cut",
            |disk| disk.damage(CART, |bytes| bytes.truncate(1000)),
            "cannot open data/services/cart.redb as an index",
        ),
        (
            "a flipped bit in an entry of an index",
            |disk| {
                open_on(disk).unwrap().close().unwrap();
                disk.damage(CART, |bytes| {
                    let value = bytes.windows(40).position(|bytes| *bytes == [b'x'; 40]).unwrap();
                    bytes[value + 3] ^= 1;
                });
            },
            "cannot open data/services/cart.redb as an index",
        ),
        (
            "the index of another service",
            |disk| disk.as_disk().rename("services/stock.redb", CART).unwrap(),
            "data/services/cart.redb is no index of cart",
        ),
    ];
    for (case, damage, expected) in cases {
        let disk = disk(1).await;
        damage(&disk);
        let error = open_on(&disk).expect_err(case).to_string();
        assert!(error.contains(expected), "{case}: {error}");
        let again = open_on(&disk).expect_err(case).to_string();
        assert_eq!(again, error, "{case}: it is as it was");
    }
}

#[tokio::test]
async fn files_of_another_data_directory_are_refused() {
    let (disk, other) = (disk(1).await, disk(2).await);
    let bytes = |path: &str| {
        let file = other.as_disk().open(path).unwrap();
        let mut bytes = vec![0; usize::try_from(file.bytes().unwrap()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        bytes
    };
    for (path, expected) in [(segments(&disk)[1].as_str(), "is of another journal"), (CART, "is of another journal")] {
        let mixed = disk.after_kill();
        mixed.damage(path, |content| *content = bytes(path));
        let error = open_on(&mixed).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_journal_that_lost_what_an_index_has_is_refused() {
    let disk = disk(1).await;
    // The indexes get all commits; then the journal is put back to its earlier state.
    let before = disk.after_kill();
    open_on(&disk).unwrap().close().unwrap();
    let index = disk.as_disk().open(CART).unwrap();
    let mut bytes = vec![0; usize::try_from(index.bytes().unwrap()).unwrap()];
    index.read_at(0, &mut bytes).unwrap();
    before.damage(CART, |content| *content = bytes);
    let last = segments(&before).pop().unwrap();
    before.as_disk().remove(&last).unwrap();
    let error = open_on(&before).unwrap_err();
    assert!(matches!(error, OpenError::JournalBehind { index: 11, .. }), "{error:?}");
}

#[tokio::test]
async fn a_record_that_was_torn_at_the_end_is_cut_off() {
    let disk = disk(1).await;
    let last = segments(&disk).pop().unwrap();
    disk.damage(&last, |bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        bytes[end - 4] ^= 1;
    });
    let stores = open_on(&disk).unwrap();
    assert_eq!(stores.durable(), CommitSeq(10), "the eleventh was the last one: it may never have been durable");
    let cart = stores.service(&name("cart")).unwrap();
    assert_eq!(now(&cart, "key-9"), Some("x".repeat(40)));
    assert_eq!(now(&cart, "key-10"), None);
    let number = put(&cart, "key-10", "again").await;
    assert_eq!(number, CommitSeq(11));
    stores.wait_durable(number).await.unwrap();
    let killed = disk.after_kill();
    stores.close().unwrap();
    for disk in [disk, killed] {
        assert_eq!(open_on(&disk).unwrap().durable(), CommitSeq(11));
    }
}

#[tokio::test]
async fn a_service_may_come_and_go() {
    let disk = disk(1).await;
    let only = [(name("new"), 1000)];
    let stores = Stores::open_on(&disk.as_disk(), &SMALL, &only, None).unwrap();
    assert!(stores.service(&name("cart")).is_none());
    put(&stores.service(&name("new")).unwrap(), "a", "1").await;
    stores.close().unwrap();
    let stores = open_on(&disk).unwrap();
    assert_eq!(now(&stores.service(&name("cart")).unwrap(), "key-9"), Some("x".repeat(40)));
    stores.close().unwrap();
}

#[tokio::test]
async fn old_segments_go_when_every_index_has_passed_them() {
    let disk = SimulatedDisk::new(1);
    let settings = StoreSettings { checkpoint_ms_max: 0, ..SMALL };
    let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    for key in 0..100 {
        put(&cart, &format!("key-{key}"), &"x".repeat(40)).await;
    }
    stores.close().unwrap();
    assert_eq!(segments(&disk).len(), 2, "the last one with records stays, and behind it is an empty one");
    assert_eq!(open_on(&disk).unwrap().durable(), CommitSeq(100));
}

#[test]
fn one_data_directory_has_one_host_and_is_for_its_owner() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("data");
    let stores = open(&root);
    let error = Stores::open(&root, &SETTINGS, &services()).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    let mode = |path: &str| std::fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o777;
    for folder in ["", "journal", "services"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["lock", CART] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    stores.close().unwrap();
    open(&root).close().unwrap();
    let small = StoreSettings { segment_bytes: 4096, ..SETTINGS };
    let error = Stores::open(&root, &small, &services()).unwrap_err();
    assert!(matches!(error, OpenError::SegmentsTooSmall { .. }), "{error}");
}

#[tokio::test]
async fn a_data_directory_of_which_only_components_are_left_is_no_new_one() {
    for file in ["components/aa.wasm", "contracts/aa.json"] {
        let disk = SimulatedDisk::new(1);
        disk.as_disk().create(file).unwrap();
        let error = open_on(&disk).unwrap_err();
        assert!(matches!(error, OpenError::PlatformMissing { .. }), "{file}: {error}");
        assert!(error.to_string().contains("@platform.redb"), "{error}");
    }
}
