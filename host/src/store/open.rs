//! Opens the stores: each index at its number, the journal after it, and one order for all.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;

use super::backup::{BACKUP_FOLDERS, UNFINISHED};
use super::checkpoint::Checkpoints;
use super::cluster::copies::{NeedsCopy, is_loading, load, written_again_after};
use super::cluster::{ClusterMember, JoinError, end_of, identify, position_of};
use super::commit::sequencer::Pipeline;
use super::commit::state::StoreState;
use super::error::{CloseError, OpenError};
use super::handle::Store;
use super::index::disk_space::DiskSpace;
use super::index::{self, Index};
use super::replay::{Replay, Replayed};
use super::services::{List, Member, Services};
use crate::config::StoreSettings;
use crate::journal::stream::Stream;
use crate::journal::{self, Archive, Disk, Journal, JournalId, JournalSettings, SERVICES_FOLDER, StreamSettings, Tail};
use crate::names::{CommitSeq, ServiceName};
use crate::tasks::{Panicked, Thread, thread};

/// Open stores, and the thread of their indexes.
pub(super) struct Opened {
    pub(super) services: Arc<Services>,
    pub(super) thread: Thread<Result<(), CloseError>>,
    /// The stream that they have not joined yet.
    pub(super) cluster: Option<Cluster>,
}

/// Opens the disk that receives segments of a journal when no index needs them any more.
pub(super) type ArchiveFolder<'a> = &'a dyn Fn(JournalId) -> Result<Arc<dyn Disk>, OpenError>;

/// Refuses a data directory with an unfinished restore.
fn refuse_unfinished(disk: &dyn Disk) -> Result<(), OpenError> {
    let path = disk.full(UNFINISHED);
    match disk.open(UNFINISHED) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(OpenError::Folder { path, source }),
        Ok(_) => Err(OpenError::Unfinished { path: path.parent().map_or(path.clone(), Path::to_owned) }),
    }
}

/// Whether there are components or contracts. Only a platform's store names such files.
fn has_release_files(disk: &dyn Disk) -> Result<bool, OpenError> {
    for folder in BACKUP_FOLDERS.into_iter().filter(|folder| *folder != SERVICES_FOLDER) {
        let names = disk.names(folder).map_err(|source| OpenError::Folder { path: disk.full(folder), source })?;
        if !names.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Who opens the stores.
#[derive(Clone, Copy)]
enum Opener<'a> {
    /// A host without a cluster.
    Alone,
    Member(&'a ClusterMember<'a>),
    /// The host is stopped: these stores take part in nothing, and nobody commits to them.
    Offline,
}

/// The result of an attempt to open the stores.
enum Attempt {
    Opened(Opened),
    /// The stream has no more what this node lacks.
    NeedsCopy(NeedsCopy, JoinError),
}

/// Opens the stores on `disk`, as [`open_existing`] does. A member of a cluster that lacks messages which the stream has no
/// more first loads a copy.
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    settings: &StoreSettings,
    services: &[(ServiceName, u64)],
    archive: Option<ArchiveFolder<'_>>,
    member: Option<&ClusterMember<'_>>,
) -> Result<Opened, OpenError> {
    let at_mark = |source| OpenError::Folder { path: disk.full(UNFINISHED), source };
    let opener = member.map_or(Opener::Alone, Opener::Member);
    let node = match member {
        Some(_) if is_loading(&**disk).map_err(at_mark)? => NeedsCopy::without_data(),
        _ => match open_existing(disk, settings, services, archive, opener)? {
            Attempt::Opened(opened) => return Ok(opened),
            Attempt::NeedsCopy(node, _) => node,
        },
    };
    if let Some(member) = member {
        load(disk, &*(member.open)(node.has)?, &node)?;
    }
    match open_existing(disk, settings, services, archive, opener)? {
        Attempt::Opened(opened) => Ok(opened),
        Attempt::NeedsCopy(_, why) => Err(why.into()),
    }
}

/// Opens the stores of a node whose host is stopped, as they are.
pub(super) fn open_offline(
    disk: &Arc<dyn Disk>,
    settings: &StoreSettings,
    archive: Option<ArchiveFolder<'_>>,
) -> Result<Opened, OpenError> {
    match open_existing(disk, settings, &[], archive, Opener::Offline)? {
        Attempt::Opened(opened) => Ok(opened),
        Attempt::NeedsCopy(_, why) => Err(why.into()),
    }
}

/// Opens the stores on `disk`; a service in `services` without an index gets an empty one. All other indexes on the
/// disk are opened too, because the journal may have commits for them.
fn open_existing(
    disk: &Arc<dyn Disk>,
    settings: &StoreSettings,
    services: &[(ServiceName, u64)],
    archive: Option<ArchiveFolder<'_>>,
    opener: Opener<'_>,
) -> Result<Attempt, OpenError> {
    refuse_unfinished(&**disk)?;
    let services: Vec<_> = [(ServiceName::platform(), u64::MAX)].into_iter().chain(services.iter().cloned()).collect();
    let room = Arc::new(Notify::new());
    let space = Arc::new(DiskSpace::new(Arc::clone(&room)));
    let found = journal::find(&**disk)?;
    let mut replay = Replay::open(&**disk, settings.index_cache_bytes, &space)?;
    let id = replay.journal(&found)?;
    let tail = replay.run(&found)?;
    let (id, cluster) = match cluster_of(opener, &tail, id) {
        Err(OpenError::Join(why)) if why.asks_for_copy() && is_replaceable(&tail) => {
            let node = NeedsCopy { has: position_of(&tail).sequence, journal: id, end: end_of(&tail) };
            return Ok(Attempt::NeedsCopy(node, why));
        }
        found => found?,
    };
    let id = id.map_or_else(JournalId::random, Ok).map_err(|source| OpenError::Random { source })?;
    let platform = ServiceName::platform();
    // Without this check, a lost platform store would silently begin anew, without the releases and the history of
    // existing data.
    // A new node of a cluster may have the files of releases before it has the commits that name them.
    let has_files = matches!(opener, Opener::Alone) && has_release_files(&**disk)?;
    let has_data = !replay.stores.is_empty() || !found.segments.is_empty() || has_files;
    if !replay.stores.contains_key(&platform) && has_data {
        return Err(OpenError::PlatformMissing { path: disk.full(&index::path(&platform)) });
    }
    let journal_settings = JournalSettings {
        segment_bytes: settings.segment_bytes,
        batch_commits_max: settings.batch_commits_max,
        stream: cluster.as_ref().map(|cluster| cluster.settings),
    };
    // From here on all replayed commits are durable: the journal syncs its last segment when it starts.
    let archive = archive.map(|open| open(id)).transpose()?;
    let archiver = archive.clone().map(|archive| Archive::new(archive, id));
    let journal = Journal::start(Arc::clone(disk), journal_settings, id, found, &tail, archiver, Arc::clone(&room))?;
    let mut stores = clean(&**disk, replay)?;
    let last = CommitSeq(tail.next.0 - 1);
    // The platform's own store is created first: if data of services exists, it must exist too.
    for (service, _) in &services {
        if !stores.contains_key(service) {
            let (index, snapshot) = Index::create(&**disk, service, id, last, settings.index_cache_bytes, &space)?;
            stores.insert(service.clone(), Replayed { index, snapshot });
        }
    }
    let time = stores.values().map(|replayed| replayed.snapshot.totals.time_unix_micros).max().unwrap_or(0);
    let pipeline = Pipeline::new(journal, room, Arc::clone(&space), settings.overlay_bytes_max, time);
    let pipeline = Arc::new(pipeline);
    let services = Arc::new(Services {
        disk: Arc::clone(disk),
        archive,
        stream: cluster.as_ref().and_then(|cluster| cluster.stream.clone()),
        journal: id,
        index_cache_bytes: settings.index_cache_bytes,
        space,
        changes: Mutex::default(),
        list: Mutex::new(List::new(members(&pipeline, stores, &services))),
        pipeline,
    });
    services.share_overlay();
    let checkpoints = Checkpoints::new(Arc::clone(&services), Duration::from_millis(settings.checkpoint_ms_max));
    let pipeline = Arc::clone(&services.pipeline);
    let stop = move |panicked: &Panicked| pipeline.stop_commits(&format!("the thread {panicked}; restart the host"));
    let thread = thread("indexes", || checkpoints.run(), stop).map_err(|source| OpenError::Thread { source })?;
    Ok(Attempt::Opened(Opened { services, thread, cluster }))
}

/// Whether all commits of this node are of its cluster: then a copy has them too. A data directory from before the cluster may
/// have others.
fn is_replaceable(tail: &Tail) -> bool {
    tail.position.is_some() || tail.next.0 == 1
}

/// The stream of a cluster.
pub(super) struct Cluster {
    /// `None` if these stores only look at what they have of it.
    pub(super) stream: Option<Arc<dyn Stream>>,
    pub(super) settings: StreamSettings,
}

/// Opens the stream of the cluster that this node is a member of, and checks that it has what this node has. Returns the
/// journal that both belong to, if there is one yet.
fn cluster_of(
    opener: Opener<'_>,
    tail: &Tail,
    own: Option<JournalId>,
) -> Result<(Option<JournalId>, Option<Cluster>), OpenError> {
    let position = position_of(tail);
    let member = match opener {
        Opener::Alone if tail.position.is_some() => return Err(OpenError::InCluster),
        Opener::Alone => return Ok((own, None)),
        Opener::Offline => {
            let settings = StreamSettings { position, heartbeat: Duration::MAX, is_gated: false };
            return Ok((own, Some(Cluster { stream: None, settings })));
        }
        Opener::Member(member) => member,
    };
    let stream = (member.open)(position.sequence)?;
    let (id, position) = match identify(&*stream, position, own) {
        Ok(Some(id)) => (id, position),
        // All nodes that start together choose the same one.
        Ok(None) => (stream.new_journal().map_err(JoinError::from)?, position),
        Err(error) if error.asks_for_copy() => match own {
            // It needs no copy of what it has.
            Some(own) => {
                (own, written_again_after(&*stream, own, &end_of(tail)).map_err(JoinError::from)?.ok_or(error)?)
            }
            None => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    let settings = StreamSettings { position, heartbeat: member.heartbeat, is_gated: member.is_gated };
    Ok((Some(id), Some(Cluster { stream: Some(stream), settings })))
}

/// Deletes the remaining files of dropped stores, and returns the other stores.
fn clean(disk: &dyn Disk, replay: Replay<'_>) -> Result<BTreeMap<ServiceName, Replayed>, OpenError> {
    let Replay { stores, dropped, .. } = replay;
    for service in &dropped {
        let at_file = |source| OpenError::Folder { path: disk.full(&index::path(service)), source };
        index::remove(disk, service).map_err(at_file)?;
    }
    Ok(stores)
}

fn members(
    pipeline: &Arc<Pipeline>,
    stores: BTreeMap<ServiceName, Replayed>,
    services: &[(ServiceName, u64)],
) -> BTreeMap<ServiceName, Member> {
    let member = |(service, Replayed { index, snapshot }): (ServiceName, Replayed)| {
        let quota = services.iter().find(|(name, _)| *name == service).map(|(_, bytes_max)| *bytes_max);
        // A kept store gets its quota when a service uses it again.
        let state = StoreState::new(service.clone(), quota.unwrap_or(u64::MAX), snapshot);
        let store = Store::new(state, Arc::clone(pipeline));
        (service, Member { store, index: Arc::new(index), in_use: quota.is_some() })
    };
    stores.into_iter().map(member).collect()
}
