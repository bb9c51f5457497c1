//! Opening the stores: each index at its number, the journal behind it, and one order for all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use super::backend::Full;
use super::catalog;
use super::checkpoint::Checkpoints;
use super::error::{CloseError, OpenError};
use super::index::{self, Index, IndexError};
use super::overlay::{View, Written, entry_bytes};
use super::sequencer::Pipeline;
use super::service::{ServiceState, Store};
use super::services::{List, Member, Services};
use crate::config::StoreSettings;
use crate::journal::{self, Disk, JOURNAL_FOLDER, Journal, JournalId, JournalSettings, Record};
use crate::names::{Key, Number, ServiceName};
use crate::tasks;

/// About what a record takes beside its keys and values.
const RECORD_BYTES: usize = 64;

/// What is on the disk, while the journal is replayed over it.
struct Replay<'a> {
    disk: &'a dyn Disk,
    stores: BTreeMap<ServiceName, Replayed>,
    /// Stores that the journal ends although their files are still there.
    forgotten: BTreeSet<ServiceName>,
    /// Services that have commits but no index. That is well when their store ends later on.
    missing: BTreeSet<ServiceName>,
}

/// One index, and the state that it and the journal give.
struct Replayed {
    index: Index,
    view: View,
}

impl Replay<'_> {
    fn record(&mut self, number: Number, record: Record) -> Result<(), OpenError> {
        let service = &record.service;
        match self.stores.get_mut(service) {
            Some(Replayed { index, .. }) if number <= index.number() => {}
            Some(_) if record.forgets => {
                self.stores.remove(service);
                self.forgotten.insert(record.service);
            }
            Some(Replayed { view, .. }) => {
                let path = || self.disk.full(&index::path(&record.service));
                replay(view, number, record.writes, record.data_version)
                    .map_err(|source| OpenError::Read { path: path(), source })?;
            }
            None if record.forgets => {
                self.missing.remove(service);
            }
            None => {
                self.missing.insert(record.service);
            }
        }
        Ok(())
    }
}

/// Puts a commit over `view`.
fn replay(
    view: &mut View,
    number: Number,
    writes: Vec<(Key, Option<Bytes>)>,
    data_version: Option<u64>,
) -> Result<(), IndexError> {
    view.number = number;
    view.data_version = data_version.unwrap_or(view.data_version);
    view.young_bytes += RECORD_BYTES;
    for (key, value) in writes {
        let before = view.entry_bytes(key.as_str())?;
        let value_bytes = value.as_ref().map(Bytes::len);
        view.bytes = (view.bytes + entry_bytes(key.as_str(), value_bytes)).saturating_sub(before);
        view.young_bytes += key.as_str().len() + value_bytes.unwrap_or(0);
        view.young.insert(key, Arc::new(Written { number, value }));
    }
    Ok(())
}

/// Opens what is on `disk`; the services of `services` that have no index get an empty one. All other indexes on the
/// disk are opened too: the journal may have commits for them.
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    settings: &StoreSettings,
    services: &[(ServiceName, u64)],
) -> Result<(Arc<Services>, JoinHandle<Result<(), CloseError>>), OpenError> {
    let room = Arc::new(Notify::new());
    let full = Arc::new(Full::new(Arc::clone(&room)));
    let found = journal::find(&**disk)?;
    let mut replay =
        Replay { disk: &**disk, stores: BTreeMap::new(), forgotten: BTreeSet::new(), missing: BTreeSet::new() };
    let at_list = |source| OpenError::Folder { path: disk.full(catalog::LIST), source };
    let at_folder = |source| OpenError::Folder { path: disk.full(journal::SERVICES_FOLDER), source };
    for service in index::services(&**disk).map_err(at_folder)? {
        let (index, view) = Index::open(&**disk, &service, settings.index_cache_bytes, &full)?;
        replay.stores.insert(service, Replayed { index, view });
    }
    let index_missing = |service: &ServiceName| {
        let path = disk.full(&index::path(service));
        OpenError::IndexMissing { service: service.clone(), path }
    };
    let mut known = catalog::read(&**disk)?;
    if let Some(service) = known.iter().find(|service| !replay.stores.contains_key(*service)) {
        return Err(index_missing(service));
    }
    let id = one_journal(&**disk, found.journal, &replay.stores)?;
    let from = replay.stores.values().map(|replayed| replayed.index.number()).min().unwrap_or_default();
    let tail = journal::replay(&**disk, &found.segments, from, |number, record| replay.record(number, record))?;
    if let Some(service) = replay.missing.first() {
        return Err(index_missing(service));
    }
    let last = Number(tail.next.0 - 1);
    check_not_ahead(&**disk, &replay.stores, last)?;
    let journal_settings =
        JournalSettings { segment_bytes: settings.segment_bytes, batch_commits_max: settings.batch_commits_max };
    // From here on what was replayed is durable: the journal syncs its last segment when it starts.
    let journal = Journal::start(Arc::clone(disk), journal_settings, id, found, &tail, Arc::clone(&room))?;
    let Replay { mut stores, forgotten, .. } = replay;
    if !forgotten.is_empty() {
        known = stores.keys().cloned().collect();
        catalog::write(&**disk, &known).map_err(at_list)?;
    }
    for service in &forgotten {
        index::remove(&**disk, service).map_err(at_folder)?;
    }
    for (service, _) in services {
        if !stores.contains_key(service) {
            let (index, view) = Index::create(&**disk, service, id, last, settings.index_cache_bytes, &full)?;
            stores.insert(service.clone(), Replayed { index, view });
        }
    }
    let listed = stores.keys().cloned().collect();
    if listed != known {
        catalog::write(&**disk, &listed).map_err(at_list)?;
    }
    let pending_bytes = stores.values().map(|replayed| replayed.view.young_bytes).sum();
    let overlay_bytes_max = settings.overlay_bytes_max;
    let pipeline = Arc::new(Pipeline::new(journal, pending_bytes, room, Arc::clone(&full), overlay_bytes_max));
    let services = Arc::new(Services {
        disk: Arc::clone(disk),
        journal: id,
        index_cache_bytes: settings.index_cache_bytes,
        full,
        changes: Mutex::default(),
        list: Mutex::new(List::new(members(&pipeline, stores, services))),
        pipeline,
    });
    let checkpoints = Checkpoints::new(Arc::clone(&services), Duration::from_millis(settings.checkpoint_ms_max));
    let thread = tasks::thread("indexes", || checkpoints.run()).map_err(|source| OpenError::Thread { source })?;
    Ok((services, thread))
}

/// An index that has more than the journal, whose last number is `last`, is of another time.
fn check_not_ahead(disk: &dyn Disk, stores: &BTreeMap<ServiceName, Replayed>, last: Number) -> Result<(), OpenError> {
    match stores.iter().find(|(_, replayed)| replayed.index.number() > last) {
        None => Ok(()),
        Some((service, Replayed { index, .. })) => Err(OpenError::JournalBehind {
            path: disk.full(&index::path(service)),
            folder: disk.full(JOURNAL_FOLDER),
            index: index.number().0,
            journal: last.0,
        }),
    }
}

fn members(
    pipeline: &Arc<Pipeline>,
    stores: BTreeMap<ServiceName, Replayed>,
    services: &[(ServiceName, u64)],
) -> BTreeMap<ServiceName, Member> {
    let member = |(service, Replayed { index, view }): (ServiceName, Replayed)| {
        let quota = services.iter().find(|(name, _)| *name == service).map(|(_, bytes_max)| *bytes_max);
        // What is kept gets its bound when it is used again.
        let state = ServiceState::new(service.clone(), quota.unwrap_or(u64::MAX), view);
        let store = Store::new(state, Arc::clone(pipeline));
        (service, Member { store, index: Arc::new(index), in_use: quota.is_some() })
    };
    stores.into_iter().map(member).collect()
}

/// The journal that all files are of; a new one when there are none.
fn one_journal(
    disk: &dyn Disk,
    found: Option<JournalId>,
    stores: &BTreeMap<ServiceName, Replayed>,
) -> Result<JournalId, OpenError> {
    let mut id = found;
    for (service, Replayed { index, .. }) in stores {
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
