//! The stores of one data directory: opened together, closed together.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(any(test, feature = "fail-points"))]
use super::checkpoint;
use super::error::{CloseError, DropError, OpenError};
use super::handle::Store;
use super::index;
use super::lock::{LockError, lock};
use super::open;
use super::services::{Kept, Services};
use crate::config::StoreSettings;
use crate::journal::{Directory, Disk, JournalId, Stopped};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::{CommitSeq, ServiceName};
use crate::tasks::{Outage, Thread};

/// The smallest segment that holds the largest commit, whatever its keys.
const SEGMENT_BYTES_MIN: u64 = 2 * COMMIT_BYTES_MAX as u64;

/// The stores of all services of one data directory.
#[derive(Clone)]
pub struct Stores {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) services: Arc<Services>,
    running: Mutex<Option<Running>>,
}

struct Running {
    thread: Thread<Result<(), CloseError>>,
    /// Held as long as the data directory is used.
    _lock: Option<File>,
}

/// Whether commits are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Running,
    /// Commits are refused until there is room on the disk. Reads go on.
    NoRoom {
        why: Arc<str>,
    },
    /// No commit is taken until a restart. Reads go on.
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
    /// Opens the data directory `data`, makes what is missing in it, and brings the stores to the last commit.
    ///
    /// `services` has the name of each service and the bytes that its store may hold.
    ///
    /// Blocks for as long as it takes to read what the indexes do not have yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`], with the file and what to do; no commit is lost.
    pub fn open(data: &Path, settings: &StoreSettings, services: &[(ServiceName, u64)]) -> Result<Self, OpenError> {
        Self::open_archiving(data, settings, services, None)
    }

    /// As [`Stores::open`]. With an `archive`, a folder that is made if it is not there, segments of the journal are moved
    /// there when they are needed no more.
    ///
    /// # Errors
    ///
    /// As [`Stores::open`].
    pub fn open_archiving(
        data: &Path,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        archive: Option<&Path>,
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
        match archive {
            None => Self::open_on(&disk, settings, services, Some(lock)),
            Some(archive) => Self::open_with(
                &disk,
                settings,
                services,
                Some(lock),
                Some(&|journal: JournalId| {
                    let folders = ["", "/components", "/contracts"].map(|folder| format!("{journal}{folder}"));
                    let made = Directory::make(archive, &folders.each_ref().map(String::as_str));
                    let made = made.map_err(|source| OpenError::Folder { path: archive.to_owned(), source })?;
                    Ok(Arc::new(made))
                }),
            ),
        }
    }

    /// As [`Stores::open`], on any disk and with segments of any size.
    pub(crate) fn open_on(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        lock: Option<File>,
    ) -> Result<Self, OpenError> {
        Self::open_with(disk, settings, services, lock, None)
    }

    pub(super) fn open_with(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        lock: Option<File>,
        archive: Option<open::ArchiveFolder<'_>>,
    ) -> Result<Self, OpenError> {
        let open::Opened { services, thread } = open::open(disk, settings, services, archive)?;
        let running = Mutex::new(Some(Running { thread, _lock: lock }));
        Ok(Self { inner: Arc::new(Inner { services, running }) })
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

    /// The file of the store of a service, where there is one.
    pub(crate) fn path(&self, name: &ServiceName) -> PathBuf {
        self.inner.services.disk.full(&index::path(name))
    }

    /// The platform's own store: what the host itself stores.
    #[must_use]
    pub fn platform(&self) -> Store {
        self.inner.services.in_use(&ServiceName::platform()).expect("it is opened with the stores, and stays")
    }

    /// The store of a service, if there is one and it is in use.
    #[must_use]
    pub fn service(&self, name: &ServiceName) -> Option<Store> {
        self.inner.services.in_use(name)
    }

    /// Adds the store of a service, which may hold `bytes_max`: an empty one, or the one that is kept of that name, as
    /// its last commit left it. Blocks for as long as the disk takes; calls of other services go on.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the stores are as they were.
    pub fn add(&self, name: &ServiceName, bytes_max: u64) -> Result<Store, OpenError> {
        self.inner.services.add(name, bytes_max)
    }

    /// Keeps the store of a service that is no more; false when it is not in use. From then on it is what
    /// [`Stores::kept`] tells of, until it is added again or dropped, over restarts too.
    ///
    /// What is left of the service ends as it began: calls under way read and commit as before. Its commits come into
    /// its index as those of all others do, and the journal is not kept for its sake.
    pub fn detach(&self, name: &ServiceName) -> bool {
        self.inner.services.detach(name)
    }

    /// Deletes the store of a service that is not in use: when this returned it does not come back, whatever happens.
    /// A crash before then leaves the whole of it or nothing. Blocks for as long as the disk takes.
    ///
    /// What is left of it is empty from then on and takes no commits ([`Dropped`](crate::store::CommitError::Dropped));
    /// a transaction that began before cannot read on.
    ///
    /// # Errors
    ///
    /// [`DropError`]. After [`DropError::File`] the store is gone, but its room on the disk may not be free yet;
    /// after [`DropError::Stopped`] the next start tells whether it is gone.
    pub fn drop_store(&self, name: &ServiceName) -> Result<(), DropError> {
        self.inner.services.drop_store(name)
    }

    /// The stores on the disk that no service uses, by name.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        self.inner.services.kept()
    }

    /// The store of a service that is no more, to look at what it would come back to.
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

    /// Resolves when all commits up to `number` are durable: at once, and without an allocation, when they are already.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when that will not be: whether the commit survives a restart is not known.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it leaves nothing behind; the commit is as it was.
    pub async fn wait_durable(&self, number: CommitSeq) -> Result<(), Stopped> {
        self.inner.services.pipeline.journal.wait_durable(number).await
    }

    /// Why the journal takes no more commits, if so.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        self.inner.services.pipeline.journal.stopped()
    }

    /// The threads of the journal that are down.
    #[must_use]
    pub fn outages(&self) -> Vec<Outage> {
        self.inner.services.pipeline.journal.outages().now()
    }

    /// From now on the journal is written while the thread that waits for it does nothing else. For the simulator.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn write_in_lockstep(&self) {
        self.inner.services.pipeline.journal.write_in_lockstep();
    }

    /// The number of the last commit, durable or not.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn last(&self) -> CommitSeq {
        self.inner.services.pipeline.journal.last()
    }

    /// Brings the indexes to what is committed now, in this thread.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn checkpoint(&self) -> Result<(), checkpoint::CheckpointError> {
        let services = Arc::clone(&self.inner.services);
        checkpoint::Checkpoints::new(services, std::time::Duration::ZERO).round()
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
        match journal.no_room() {
            Some(error) => Health::NoRoom { why: format!("no room for the journal's next segment: {error}").into() },
            None if services.space.is_full() => Health::NoRoom { why: "no room for the indexes to grow".into() },
            None => Health::Running,
        }
    }

    /// The journal's time, in microseconds since the Unix epoch: that of the machine, but never before that of the last
    /// commit. Ages of what is stored are measured in it.
    #[must_use]
    pub fn time_unix_micros(&self) -> u64 {
        self.inner.services.pipeline.time_unix_micros()
    }

    /// Takes no more commits, makes durable what was committed, writes the indexes, and gives the data directory free.
    /// Blocks. A second close does nothing; dropping the last of the stores without one closes them too.
    ///
    /// # Errors
    ///
    /// [`CloseError`]; what was acknowledged is durable nonetheless.
    pub fn close(self) -> Result<(), CloseError> {
        self.inner.close()
    }
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
        // The lock on the data directory must not be given back while a thread still writes there.
        if let Err(error) = self.close() {
            tracing::error!(%error, "the stores were not closed in order");
        }
    }
}
