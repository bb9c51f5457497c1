//! The stores of one data directory: opened together, closed together.

#[cfg(any(test, feature = "fail-points"))]
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[cfg(any(test, feature = "fail-points"))]
use super::checkpoint;
use super::cluster::{ClusterMember, join};
#[cfg(any(test, feature = "fail-points"))]
use super::error::StoreError;
use super::error::{CloseError, DropError, OpenError};
use super::handle::Store;
use super::index;
use super::lock::{LockError, lock};
#[cfg(any(test, feature = "fail-points"))]
use super::memory::scan;
use super::open;
use super::services::{Services, UnusedStore};
use crate::clock;
use crate::config::StoreSettings;
use crate::journal::stream::{Lease, Objects, Position, Stream};
use crate::journal::{Directory, Disk, JournalId, RetryingDisk, Stopped};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::{CommitSeq, ServiceName};
use crate::tasks::{Outage, Thread};

/// The smallest size of a segment that can contain the largest commit, whatever its keys.
const SEGMENT_BYTES_MIN: u64 = 2 * COMMIT_BYTES_MAX as u64;

/// How a node takes part in its cluster, and who gets its stores when they begin to follow.
pub(crate) type Joining<'a> = (&'a ClusterMember<'a>, &'a (dyn Fn(&Stores) + Sync));

/// The version of each store's data, and its entries.
#[cfg(any(test, feature = "fail-points"))]
pub type Contents = BTreeMap<ServiceName, (u64, BTreeMap<Vec<u8>, Vec<u8>>)>;

/// The stores of all services of one data directory.
#[derive(Clone)]
pub struct Stores {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) services: Arc<Services>,
    running: Mutex<Option<Running>>,
    /// How long this node may speak for its cluster.
    lease: OnceLock<Arc<Lease>>,
}

struct Running {
    thread: Thread<Result<(), CloseError>>,
    /// Held while the data directory is in use.
    _lock: Option<File>,
}

/// Whether the stores accept commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Running,
    /// The disk is full, or the servers of the cluster's stream do not answer: no commit is made until that is over. Reads
    /// go on.
    NoRoom {
        why: Arc<str>,
    },
    /// No commit is accepted until a restart. Reads go on.
    Stopped {
        why: Arc<str>,
    },
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").field("durable", &self.durable()).finish_non_exhaustive()
    }
}

impl Stores {
    /// Opens the data directory `data`, creates missing files in it, and brings the stores to the last commit.
    ///
    /// `services` contains the name and the quota in bytes of each service.
    ///
    /// Blocks until it has read the commits that the indexes do not contain yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`], with the file and the next step; no commit is lost.
    pub fn open(data: &Path, settings: &StoreSettings, services: &[(ServiceName, u64)]) -> Result<Self, OpenError> {
        Self::open_archiving(data, settings, services, None, None)
    }

    /// Like [`Stores::open`]. With an `archive`, segments of the journal are moved to that folder when they are not
    /// needed any more. The folder is created if it is missing. With a `member`, the journal is the stream of a cluster,
    /// and this blocks until this node leads it.
    ///
    /// # Errors
    ///
    /// Like [`Stores::open`].
    pub(crate) fn open_archiving(
        data: &Path,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        archive: Option<&Path>,
        member: Option<Joining<'_>>,
    ) -> Result<Self, OpenError> {
        if settings.segment_bytes < SEGMENT_BYTES_MIN {
            return Err(OpenError::SegmentsTooSmall { bytes: settings.segment_bytes, bytes_min: SEGMENT_BYTES_MIN });
        }
        let at_folder = |source| OpenError::Folder { path: data.to_owned(), source };
        let directory = Directory::open(data).map_err(at_folder)?;
        let lock = lock(data).map_err(|error| match error {
            LockError::Held(holder) => OpenError::Locked { path: data.to_owned(), holder },
            LockError::Io(source) => at_folder(source),
        })?;
        let disk: Arc<dyn Disk> = Arc::new(directory);
        let archive = archive.map(|archive| move |journal: JournalId| folder_in(archive, journal));
        let archive = archive.as_ref().map(|open| open as open::ArchiveFolder<'_>);
        Self::open_with(&disk, settings, services, Some(lock), archive, member)
    }

    /// Like [`Stores::open`], on any disk and with segments of any size.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn open_on(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        lock: Option<File>,
    ) -> Result<Self, OpenError> {
        Self::open_with(disk, settings, services, lock, None, None)
    }

    /// Like [`Stores::open_on`], as a node that leads its cluster once nobody else does.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn join_on(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        member: &ClusterMember<'_>,
    ) -> Result<Self, OpenError> {
        Self::open_with(disk, settings, &[], None, None, Some((member, &|_| {})))
    }

    pub(super) fn open_with(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        lock: Option<File>,
        archive: Option<open::ArchiveFolder<'_>>,
        joining: Option<Joining<'_>>,
    ) -> Result<Self, OpenError> {
        let member = joining.map(|(member, _)| member);
        let disk: Arc<dyn Disk> = Arc::new(RetryingDisk::new(Arc::clone(disk)));
        let open::Opened { services, thread, cluster } = open::open(&disk, settings, services, archive, member)?;
        let running = Mutex::new(Some(Running { thread, _lock: lock }));
        let stores = Self { inner: Arc::new(Inner { services, running, lease: OnceLock::new() }) };
        if let (Some((member, opened)), Some(open::Cluster { stream, settings })) = (joining, cluster)
            && let Some(stream) = stream
        {
            opened(&stores);
            match join(&stores.inner.services, &stream, member, settings.position) {
                Ok(lease) => drop(stores.inner.lease.set(lease)),
                Err(error) => {
                    // Others may still have these stores, and the next attempt needs the data directory.
                    if let Err(error) = stores.inner.close() {
                        tracing::error!(%error, "the stores were not closed completely; the next start repairs them");
                    }
                    return Err(error.into());
                }
            }
        }
        Ok(stores)
    }

    /// Opens the stores of a node of a cluster whose host is stopped, to read them. The caller holds the lock on the data
    /// directory.
    pub(super) fn open_offline(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        archive: Option<&Path>,
    ) -> Result<Self, OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(RetryingDisk::new(Arc::clone(disk)));
        let archive = archive.map(|archive| move |journal: JournalId| folder_in(archive, journal));
        let archive = archive.as_ref().map(|open| open as open::ArchiveFolder<'_>);
        let open::Opened { services, thread, .. } = open::open_offline(&disk, settings, archive)?;
        let running = Mutex::new(Some(Running { thread, _lock: None }));
        Ok(Self { inner: Arc::new(Inner { services, running, lease: OnceLock::new() }) })
    }

    /// The disk of the data directory.
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::clone(&self.inner.services.disk)
    }

    /// The disk of the archive and the folder of this journal on it, if there is one.
    pub(crate) fn archive(&self) -> Option<(Arc<dyn Disk>, String)> {
        let services = &self.inner.services;
        Some((Arc::clone(services.archive.as_ref()?), services.journal.to_string()))
    }

    /// The object store of the cluster, if there is one.
    pub(crate) fn objects(&self) -> Option<Arc<dyn Objects>> {
        self.stream().map(|stream| stream.objects())
    }

    /// The stream of the cluster, if there is one.
    pub(crate) fn stream(&self) -> Option<Arc<dyn Stream>> {
        self.inner.services.stream.clone()
    }

    /// The position up to which the stream has what this leader committed; `None` if it does not lead.
    pub(crate) fn acknowledged(&self) -> Option<Position> {
        self.inner.services.pipeline.journal.acknowledged()
    }

    /// The last commit of this leader that another node may have already, acknowledged or not.
    pub(crate) fn published(&self) -> CommitSeq {
        self.inner.services.pipeline.journal.published()
    }

    /// Whether this node leads its cluster, and may speak for it now; false without a cluster.
    pub(crate) fn leads(&self) -> bool {
        self.lease_left().is_some_and(|left| !left.is_zero())
    }

    /// The path of a service's store file, whether it exists or not.
    pub(crate) fn path(&self, name: &ServiceName) -> PathBuf {
        self.inner.services.disk.full(&index::path(name))
    }

    /// The platform's own store, for the host's own data.
    #[must_use]
    pub fn platform(&self) -> Store {
        self.inner.services.in_use(&ServiceName::platform()).expect("it is opened with the stores, and stays")
    }

    /// The store of a service, if it exists and is in use.
    #[must_use]
    pub fn service(&self, name: &ServiceName) -> Option<Store> {
        self.inner.services.in_use(name)
    }

    /// Adds the store of a service with a quota of `bytes_max`: an empty one, or the kept one of that name in its last
    /// state. Blocks until the disk is done; calls of other services go on.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the stores are unchanged.
    pub fn add(&self, name: &ServiceName, bytes_max: u64) -> Result<Store, OpenError> {
        self.inner.services.add(name, bytes_max)
    }

    /// Keeps the store of a removed service; false when the store is not in use. It is then listed by [`Stores::unused`],
    /// also after restarts, until it is added again or dropped.
    ///
    /// Handles to the store stay valid: running calls read and commit as before. Their commits reach the index as
    /// usual, and the journal keeps no segments for the store in addition.
    pub fn detach(&self, name: &ServiceName) -> bool {
        self.inner.services.detach(name)
    }

    /// Deletes the store of a service that is not in use. After the return, it never comes back. A crash before then
    /// leaves all of it or none. Blocks until the disk is done.
    ///
    /// Remaining handles see an empty store that accepts no commits ([`Dropped`](crate::store::CommitError::Dropped)).
    /// A transaction that began before cannot read on.
    ///
    /// # Errors
    ///
    /// [`DropError`]. After [`DropError::File`] the store is gone, but its disk space may not be free yet. After
    /// [`DropError::Stopped`] the next start shows whether it is gone.
    pub fn drop_store(&self, name: &ServiceName) -> Result<(), DropError> {
        self.inner.services.drop_store(name)
    }

    /// The stores on the disk that no service uses, by name.
    #[must_use]
    pub fn unused(&self) -> Vec<UnusedStore> {
        self.inner.services.unused()
    }

    /// The kept store of a removed service, to inspect the state that it would come back with.
    #[must_use]
    pub fn kept_store(&self, name: &ServiceName) -> Option<Store> {
        self.inner.services.kept_store(name)
    }

    /// All stores, also those that no service uses.
    #[must_use]
    pub fn all(&self) -> Vec<Store> {
        self.inner.services.all()
    }

    /// All commits up to this number are durable.
    #[must_use]
    pub fn durable(&self) -> CommitSeq {
        self.inner.services.pipeline.journal.durable()
    }

    /// Resolves when all commits up to `number` are durable: at once, and without an allocation, if they already are.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the journal has stopped: it is unknown whether the commit survives a restart.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect on the commit.
    pub async fn wait_durable(&self, number: CommitSeq) -> Result<(), Stopped> {
        self.inner.services.pipeline.journal.wait_durable(number).await
    }

    /// How long this node may still speak for its cluster; `None` without a cluster.
    #[must_use]
    pub fn lease_left(&self) -> Option<Duration> {
        self.inner.lease.get().map(|lease| lease.left(clock::now()))
    }

    /// Whether this node led its cluster, and leads no more.
    pub(crate) fn was_replaced(&self) -> bool {
        self.inner.lease.get().is_some_and(|lease| lease.has_ended())
    }

    /// Resolves when this node, which led its cluster, leads no more; never without a cluster.
    pub async fn replaced(&self) {
        match self.inner.lease.get() {
            Some(lease) => lease.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Why the journal accepts no more commits, if so.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        self.inner.services.pipeline.journal.stopped()
    }

    /// The threads of the journal that are down.
    #[must_use]
    pub fn outages(&self) -> Vec<Outage> {
        self.inner.services.pipeline.journal.outages().now()
    }

    /// From now on a wait for the journal blocks its whole thread. For the simulator.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn write_in_lockstep(&self) {
        self.inner.services.pipeline.journal.write_in_lockstep();
    }

    /// The number of the last commit, durable or not.
    pub(crate) fn last(&self) -> CommitSeq {
        self.inner.services.pipeline.journal.last()
    }

    /// Brings the indexes to the last commit, in this thread.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn checkpoint(&self) -> Result<(), checkpoint::CheckpointError> {
        let services = Arc::clone(&self.inner.services);
        checkpoint::Checkpoints::new(services, std::time::Duration::ZERO).round()
    }

    /// Every entry of every store as of the last commit, also the host's own, with the version of each store's data.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn contents(&self) -> Result<Contents, StoreError> {
        let members = self.inner.services.members();
        let (snapshots, _) = self.inner.services.pipeline.snapshots(members.iter().map(|member| member.store.state()));
        let mut contents = Contents::new();
        for (member, snapshot) in members.iter().zip(snapshots) {
            let Some(snapshot) = snapshot else { continue };
            let mut entries = BTreeMap::new();
            scan::each(&snapshot, |key, value| {
                entries.insert(key.to_vec(), value.to_vec());
                Ok::<_, StoreError>(())
            })?;
            contents.insert(member.store.name().clone(), (snapshot.totals.data_version, entries));
        }
        Ok(contents)
    }

    #[must_use]
    pub fn health(&self) -> Health {
        let services = &self.inner.services;
        let journal = &services.pipeline.journal;
        if let Some(Stopped { why }) = journal.stopped() {
            return Health::Stopped { why };
        }
        if let Some(failure) = services.members().iter().find_map(|member| member.index.health.failure()) {
            return Health::Stopped { why: failure.to_string().into() };
        }
        if let Some(why) = journal.unavailable() {
            return Health::NoRoom { why };
        }
        match journal.no_room() {
            Some(error) => Health::NoRoom { why: format!("no room for the journal's next segment: {error}").into() },
            None if services.space.is_full() => {
                Health::NoRoom { why: "the disk is full: the indexes cannot grow".into() }
            }
            None => Health::Running,
        }
    }

    /// The journal's time in microseconds since the Unix epoch: the machine's time, but never before the last commit.
    /// Ages of stored data are measured with it.
    #[must_use]
    pub fn time_unix_micros(&self) -> u64 {
        self.inner.services.pipeline.time_unix_micros()
    }

    /// Refuses new commits, makes accepted ones durable, writes the indexes, and releases the data directory. Blocks. A
    /// second close does nothing. Dropping the last clone of the stores also closes them.
    ///
    /// # Errors
    ///
    /// [`CloseError`]; acknowledged commits are durable nonetheless.
    pub fn close(self) -> Result<(), CloseError> {
        self.inner.close()
    }
}

/// Opens the folder of `journal` in an archive; creates what is missing.
fn folder_in(archive: &Path, journal: JournalId) -> Result<Arc<dyn Disk>, OpenError> {
    let folders = ["", "/components", "/contracts"].map(|folder| format!("{journal}{folder}"));
    let made = Directory::make(archive, &folders.each_ref().map(String::as_str));
    Ok(Arc::new(made.map_err(|source| OpenError::Folder { path: archive.to_owned(), source })?))
}

impl Inner {
    fn close(&self) -> Result<(), CloseError> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(running) = running else { return Ok(()) };
        let pipeline = &self.services.pipeline;
        pipeline.stop_commits("the host shuts down");
        self.services.space.close();
        let _no_change = self.services.changes();
        pipeline.due.close();
        let indexes = running.thread.join().unwrap_or_else(|panicked| Err(panicked.into()));
        pipeline.journal.close().map_err(|source| CloseError::Journal { source })?;
        indexes
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The lock on the data directory must be held until no thread writes there any more.
        if let Err(error) = self.close() {
            tracing::error!(%error, "the stores were not closed completely; the next start repairs them from the \
                journal");
        }
    }
}
