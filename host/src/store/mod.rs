//! The services' stores: transactions over a redb index and the commits that it does not have yet, in the one order of
//! the journal.
//!
//! Invariant: what a call reads is the state as of one number, and what it commits is serializable.

mod backend;
mod catalog;
mod checkpoint;
mod error;
mod index;
mod open;
mod overlay;
mod reads;
mod scan;
mod sequencer;
mod transaction;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

pub use error::{CloseError, CommitError, OpenError, StoreError};
pub use index::{IndexError, IndexOpenError};
use overlay::View;
pub use reads::Reads;
pub use scan::{Direction, Entry, Page, Scan};
use sequencer::{Pipeline, ServiceState};
pub use transaction::{CommitDetails, Transaction};

use crate::config::StoreSettings;
use crate::journal::{Directory, Disk, open_lock_file};
pub use crate::journal::{Event, Stopped};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::{Number, ServiceName};

/// The smallest segment that holds the largest commit, whatever its keys.
const SEGMENT_BYTES_MIN: u64 = 2 * COMMIT_BYTES_MAX as u64;

/// The stores of all services of one data directory.
#[derive(Clone)]
pub struct Stores {
    inner: Arc<Inner>,
}

struct Inner {
    pipeline: Arc<Pipeline>,
    stores: BTreeMap<ServiceName, Store>,
    full: Arc<backend::Full>,
    running: Mutex<Option<Running>>,
}

struct Running {
    thread: JoinHandle<Result<(), CloseError>>,
    /// Held as long as the data directory is used.
    _lock: Option<File>,
}

/// Whether commits are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Running,
    /// Reads go on.
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
        if settings.segment_bytes < SEGMENT_BYTES_MIN {
            return Err(OpenError::SegmentsTooSmall { bytes: settings.segment_bytes, bytes_min: SEGMENT_BYTES_MIN });
        }
        let at_folder = |source| OpenError::Folder { path: data.to_owned(), source };
        let directory = Directory::open(data).map_err(at_folder)?;
        let lock = open_lock_file(&data.join("lock")).map_err(at_folder)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked { path: data.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(at_folder(source)),
        }
        let disk: Arc<dyn Disk> = Arc::new(directory);
        Self::open_on(&disk, settings, services, Some(lock))
    }

    /// As [`Stores::open`], on any disk and with segments of any size.
    pub(crate) fn open_on(
        disk: &Arc<dyn Disk>,
        settings: &StoreSettings,
        services: &[(ServiceName, u64)],
        lock: Option<File>,
    ) -> Result<Self, OpenError> {
        let opened = open::open(disk, settings, services)?;
        let stores =
            opened.pipeline.services.iter().filter(|state| services.iter().any(|(name, _)| *name == state.name));
        let stores = stores.map(|state| {
            let inner = StoreInner { state: Arc::clone(state), pipeline: Arc::clone(&opened.pipeline) };
            (state.name.clone(), Store { inner: Arc::new(inner) })
        });
        let stores = stores.collect();
        let running = Mutex::new(Some(Running { thread: opened.thread, _lock: lock }));
        Ok(Self { inner: Arc::new(Inner { pipeline: opened.pipeline, stores, full: opened.full, running }) })
    }

    #[must_use]
    pub fn service(&self, name: &ServiceName) -> Option<Store> {
        self.inner.stores.get(name).cloned()
    }

    /// All commits up to this number are durable.
    #[must_use]
    pub fn durable(&self) -> Number {
        self.inner.pipeline.journal.durable()
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
    pub async fn wait_durable(&self, number: Number) -> Result<(), Stopped> {
        self.inner.pipeline.journal.wait_durable(number).await
    }

    #[must_use]
    pub fn health(&self) -> Health {
        match self.inner.pipeline.journal.stopped() {
            None => Health::Running,
            Some(Stopped { why }) => Health::Stopped { why },
        }
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
        self.pipeline.stop_commits("the host shuts down");
        self.full.close();
        self.pipeline.close();
        let indexes = running.thread.join().unwrap_or(Err(CloseError::Panicked));
        self.pipeline.journal.close().map_err(|source| CloseError::Journal { source })?;
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

/// The store of one service.
#[derive(Clone)]
pub struct Store {
    inner: Arc<StoreInner>,
}

struct StoreInner {
    state: Arc<ServiceState>,
    pipeline: Arc<Pipeline>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("service", self.name()).finish_non_exhaustive()
    }
}

impl Store {
    /// Begins a transaction on the state as of the last commit, durable or not.
    #[must_use]
    pub fn begin(&self) -> Transaction {
        Transaction::new(self.clone(), false)
    }

    /// As [`Store::begin`]; a write is then an error.
    #[must_use]
    pub fn begin_read(&self) -> Transaction {
        Transaction::new(self.clone(), true)
    }

    /// As [`Stores::wait_durable`].
    ///
    /// # Errors
    ///
    /// As [`Stores::wait_durable`].
    ///
    /// # Cancel safety
    ///
    /// As [`Stores::wait_durable`].
    pub async fn wait_durable(&self, number: Number) -> Result<(), Stopped> {
        self.inner.pipeline.journal.wait_durable(number).await
    }

    /// Bytes of the keys and values that are stored.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.state.view.load().bytes
    }

    /// Whether all that was read is still as it was. False also when that is not known any more, as much was committed
    /// since.
    #[must_use]
    pub fn unchanged(&self, reads: &Reads) -> bool {
        let view = self.inner.state.view.load();
        let unchanged = view.is_unchanged(reads);
        if unchanged {
            reads.is_good_at(view.number);
        }
        unchanged
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.inner.state.name
    }

    /// Whether the index has every commit.
    #[cfg(test)]
    fn is_applied(&self) -> bool {
        let view = self.view();
        view.young.is_empty() && view.old.is_empty()
    }

    fn view(&self) -> Arc<View> {
        self.inner.state.view.load_full()
    }

    fn durable(&self) -> Number {
        self.inner.pipeline.journal.durable()
    }

    fn state(&self) -> &ServiceState {
        &self.inner.state
    }

    fn pipeline(&self) -> &Pipeline {
        &self.inner.pipeline
    }
}
