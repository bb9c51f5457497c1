//! Opening the stores: each index at its number, the journal behind it, and one order for all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use super::backend::Full;
use super::catalog;
use super::checkpoint::Checkpoints;
use super::error::{CloseError, OpenError};
use super::index::{self, Index};
use super::overlay::{View, Written, entry_bytes};
use super::sequencer::{Pipeline, ServiceState};
use crate::config::StoreSettings;
use crate::journal::{self, Disk, JOURNAL_FOLDER, Journal, JournalId, JournalSettings, Record};
use crate::names::{Number, ServiceName};
use crate::tasks;

/// The threads and state of open stores.
pub(super) struct Opened {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) thread: std::thread::JoinHandle<Result<(), CloseError>>,
    pub(super) full: Arc<Full>,
}

/// One index while the journal is replayed over it.
struct Replayed {
    index: Index,
    view: View,
}

impl Replayed {
    fn new(disk: &dyn Disk, index: Index) -> Result<Self, OpenError> {
        let opened = index.view().map_err(|source| read_error(disk, &index.service, source))?;
        let view = View::new(index.number, index.bytes, opened);
        Ok(Self { index, view })
    }

    fn replay(&mut self, disk: &dyn Disk, number: Number, record: Record) -> Result<(), OpenError> {
        if number <= self.index.number {
            return Ok(());
        }
        for (key, value) in record.writes {
            let before = self.view.entry_bytes(key.as_str());
            let before = before.map_err(|source| read_error(disk, &self.index.service, source))?;
            let after = entry_bytes(key.as_str(), value.as_ref().map(Bytes::len));
            self.view.bytes = (self.view.bytes + after).saturating_sub(before);
            self.view.young.insert(key, Arc::new(Written { number, value }));
        }
        self.view.number = number;
        Ok(())
    }
}

fn read_error(disk: &dyn Disk, service: &ServiceName, source: index::IndexError) -> OpenError {
    OpenError::Read { path: disk.full(&index::path(service)), source }
}

/// Opens what is on `disk`; the services of `services` that have no index get an empty one. All other indexes on the
/// disk are opened too: the journal may have commits for them.
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    settings: &StoreSettings,
    services: &[(ServiceName, u64)],
) -> Result<Opened, OpenError> {
    let room = Arc::new(Notify::new());
    let full = Arc::new(Full::new(Arc::clone(&room)));
    let found = journal::find(&**disk)?;
    let mut replayed = BTreeMap::new();
    let on_disk = index::services(&**disk)
        .map_err(|source| OpenError::Folder { path: disk.full(journal::SERVICES_FOLDER), source })?;
    for service in on_disk {
        let index = Index::open(&**disk, &service, settings.index_cache_bytes, &full)?;
        replayed.insert(service, Replayed::new(&**disk, index)?);
    }
    let known = catalog::read(&**disk)?;
    if let Some(service) = known.iter().find(|service| !replayed.contains_key(*service)) {
        return Err(OpenError::IndexMissing { service: service.clone(), path: disk.full(&index::path(service)) });
    }
    let id = one_journal(&**disk, found.journal, &replayed)?;
    let from = replayed.values().map(|replayed| replayed.index.number).min().unwrap_or_default();
    let tail = journal::replay(&**disk, &found.segments, from, |number, record: Record| {
        match replayed.get_mut(&record.service) {
            Some(replayed) => replayed.replay(&**disk, number, record),
            None => {
                let path = disk.full(&index::path(&record.service));
                Err(OpenError::IndexMissing { service: record.service, path })
            }
        }
    })?;
    let last = Number(tail.next.0 - 1);
    for (service, Replayed { index, .. }) in &replayed {
        if index.number > last {
            return Err(OpenError::JournalBehind {
                path: disk.full(&index::path(service)),
                folder: disk.full(JOURNAL_FOLDER),
                index: index.number.0,
                journal: last.0,
            });
        }
    }
    let journal_settings =
        JournalSettings { segment_bytes: settings.segment_bytes, batch_commits_max: settings.batch_commits_max };
    // From here on what was replayed is durable: the journal syncs its last segment when it starts.
    let journal = Journal::start(Arc::clone(disk), journal_settings, id, found, &tail, Arc::clone(&room))?;
    for (service, _) in services {
        if !replayed.contains_key(service) {
            let index = Index::create(&**disk, service, id, last, settings.index_cache_bytes, &full)?;
            replayed.insert(service.clone(), Replayed::new(&**disk, index)?);
        }
    }
    let listed = replayed.keys().cloned().collect();
    if listed != known {
        catalog::write(&**disk, &listed)?;
    }
    start(journal, replayed, settings, services, &room, full)
}

fn start(
    journal: Journal,
    replayed: BTreeMap<ServiceName, Replayed>,
    settings: &StoreSettings,
    services: &[(ServiceName, u64)],
    room: &Arc<Notify>,
    full: Arc<Full>,
) -> Result<Opened, OpenError> {
    let mut states = Vec::with_capacity(replayed.len());
    let mut indexes = Vec::with_capacity(replayed.len());
    for (position, (service, Replayed { index, view })) in replayed.into_iter().enumerate() {
        let bytes_max =
            services.iter().find(|(name, _)| *name == service).map_or(u64::MAX, |(_, bytes_max)| *bytes_max);
        states.push(Arc::new(ServiceState::new(service, position, bytes_max, view)));
        indexes.push(index);
    }
    let pipeline = Pipeline::new(journal, states, Arc::clone(room), Arc::clone(&full), settings.overlay_bytes_max);
    let pipeline = Arc::new(pipeline);
    let period = Duration::from_millis(settings.checkpoint_ms_max);
    let checkpoints = Checkpoints::new(Arc::clone(&pipeline), indexes, period);
    let thread = tasks::thread("indexes", || checkpoints.run()).map_err(|source| OpenError::Thread { source })?;
    Ok(Opened { pipeline, thread, full })
}

/// The journal that all files are of; a new one when there are none.
fn one_journal(
    disk: &dyn Disk,
    found: Option<JournalId>,
    replayed: &BTreeMap<ServiceName, Replayed>,
) -> Result<JournalId, OpenError> {
    let mut id = found;
    for (service, Replayed { index, .. }) in replayed {
        if *id.get_or_insert(index.journal) != index.journal {
            return Err(OpenError::OtherJournal { path: disk.full(&index::path(service)) });
        }
    }
    match id {
        Some(id) => Ok(id),
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).map_err(|error| OpenError::Random { source: std::io::Error::other(error) })?;
            Ok(JournalId(bytes))
        }
    }
}
