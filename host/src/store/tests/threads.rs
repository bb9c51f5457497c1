//! Threads of the journal and of the indexes that panic: no caller waits forever, and the host says why.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::journal::{Disk, DiskFile};
use crate::store::{CloseError, Health};

/// A disk on which one operation panics, once.
#[derive(Debug, Clone)]
struct PanickingDisk {
    disk: Arc<dyn Disk>,
    armed: Arc<Mutex<Option<(&'static str, &'static str)>>>,
}

impl PanickingDisk {
    fn new() -> Self {
        Self { disk: SimulatedDisk::new(1).as_disk(), armed: Arc::default() }
    }

    /// The next `operation` on a file in `folder` panics.
    fn arm(&self, operation: &'static str, folder: &'static str) {
        *self.armed.lock().unwrap() = Some((operation, folder));
    }

    fn reach(&self, operation: &str, path: &str) {
        let armed =
            self.armed.lock().unwrap().take_if(|(armed, folder)| *armed == operation && path.starts_with(*folder));
        assert!(armed.is_none(), "the disk panics at the test's request");
    }

    fn file(&self, path: &str, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(PanickingFile { disk: self.clone(), path: path.into(), file })
    }
}

#[derive(Debug)]
struct PanickingFile {
    disk: PanickingDisk,
    path: String,
    file: Arc<dyn DiskFile>,
}

impl Disk for PanickingDisk {
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.file(path, file))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.reach("create", path);
        self.disk.create(path).map(|file| self.file(path, file))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.names(folder)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.reach("remove", path);
        self.disk.remove(path)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }

    fn full(&self, path: &str) -> PathBuf {
        self.disk.full(path)
    }
}

impl DiskFile for PanickingFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, out)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.reach("write", &self.path);
        self.file.write_at(offset, data)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.file.cut(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.file.allocate(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

fn on(disk: &PanickingDisk, settings: &StoreSettings) -> (Stores, Store) {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let stores = Stores::open_on(&disk, settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

fn stopped(stores: &Stores) -> Option<String> {
    match stores.health() {
        Health::Stopped { why } => Some(why.to_string()),
        _ => None,
    }
}

#[tokio::test]
async fn a_writer_of_the_journal_that_panics_stops_all_writes_and_lets_nobody_wait() {
    let disk = PanickingDisk::new();
    let (stores, cart) = on(&disk, &SETTINGS);
    stores.wait_durable(put(&cart, "before", "1").await).await.unwrap();
    disk.arm("write", "journal");
    let number = put(&cart, "lost", "1").await;
    let error = stores.wait_durable(number).await.unwrap_err().to_string();
    assert!(error.contains("journal panicked: the disk panics at the test's request"), "{error}");
    assert!(stopped(&stores).is_some_and(|why| why.contains("restart the host")));
    let mut transaction = cart.begin();
    transaction.set("after", "1").unwrap();
    assert!(matches!(commit(transaction).await, Err(CommitError::Stopped(_))));
    assert_eq!(now(&cart, "before").as_deref(), Some("1"));
    stores.close().unwrap_err();
    // A start has exactly the durable commits.
    let (stores, cart) = on(&disk, &SETTINGS);
    assert_eq!((now(&cart, "before").as_deref(), now(&cart, "lost")), (Some("1"), None));
    stores.close().unwrap();
}

#[tokio::test]
async fn the_thread_of_the_indexes_that_panics_stops_all_writes() {
    let disk = PanickingDisk::new();
    let (stores, cart) = on(&disk, &StoreSettings { segment_bytes: 1 << 16, ..SETTINGS });
    // The host deletes the first segment when the indexes have passed it.
    disk.arm("remove", "journal");
    let mut rounds = 0;
    while stopped(&stores).is_none() {
        let mut transaction = cart.begin();
        transaction.set("key", vec![b'x'; 1 << 14]).unwrap();
        match commit(transaction).await {
            Ok(number) => stores.wait_durable(number).await.unwrap(),
            Err(error) => assert!(matches!(error, CommitError::Stopped(_)), "{error}"),
        }
        rounds += 1;
        assert!(rounds < 100_000, "no segment is deleted");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(
        stopped(&stores).is_some_and(|why| why.contains("index writer panicked") && why.contains("restart the host"))
    );
    assert!(now(&cart, "key").is_some(), "reads go on");
    assert!(matches!(stores.close(), Err(CloseError::Panicked(_))));
    let (stores, cart) = on(&disk, &SETTINGS);
    assert!(now(&cart, "key").is_some());
    stores.close().unwrap();
}

#[tokio::test]
async fn the_thread_that_prepares_segments_is_restarted_after_a_panic_and_is_down_meanwhile() {
    let disk = PanickingDisk::new();
    disk.arm("create", "journal");
    let (stores, cart) = on(&disk, &SETTINGS);
    while stores.outages().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let [outage] = stores.outages().try_into().unwrap();
    assert_eq!((&*outage.name, outage.failures), ("journal-spare", 1));
    // The journal gets its first segment once the thread is restarted.
    stores.wait_durable(put(&cart, "key", "1").await).await.unwrap();
    while !stores.outages().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stores.close().unwrap();
}
