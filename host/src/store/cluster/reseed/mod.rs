//! Writes the stream of a cluster again, from what one node has: after the servers have lost it, or a part of it.
//!
//! The new stream is empty, and its first message follows the last commit of this node. A copy of this node's stores and the
//! positions that it knows are in the object store before that. So nodes with exactly its commits go on, nodes that are behind
//! load the copy if their history is a part of its history, and all others refuse. Nothing here changes the data directory.
//!
//! Killed anywhere, it leaves either the stream as it was, no stream, or the new one: run again, it goes on from there.

mod error;
mod examine;
mod local_history;
mod plan;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use error::ReseedError;
pub use plan::{ReseedPlan, StreamState};

use super::copies::{CopyName, Listed, Stored, Upload, is_loading};
use crate::clock;
use crate::config::StoreSettings;
use crate::journal::stream::{Content, Message, Stream, StreamError, StreamInfo, StreamSeq};
use crate::journal::{Directory, Disk};
use crate::store::Stores;
use crate::store::lock::{LockError, lock};
use local_history::LocalHistory;

/// How often it looks whether a host writes to the stream.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// The data directory of a node whose host is stopped. It is locked until this is dropped.
#[derive(Debug)]
pub(crate) struct OfflineNode {
    disk: Arc<dyn Disk>,
    local: LocalHistory,
    _lock: Option<File>,
}

impl OfflineNode {
    /// Reads what the data directory `data` has. Changes nothing.
    pub(crate) fn open(data: &Path) -> Result<Self, ReseedError> {
        let at_folder = |source| ReseedError::Folder { path: data.to_owned(), source };
        // A folder without a journal is not made one.
        if !data.join(crate::journal::JOURNAL_FOLDER).is_dir() {
            return Err(ReseedError::NoData { path: data.to_owned() });
        }
        let directory = Directory::open(data).map_err(at_folder)?;
        let lock = lock(data).map_err(|error| match error {
            LockError::Held(holder) => ReseedError::Locked { path: data.to_owned(), holder },
            LockError::Io(source) => at_folder(source),
        })?;
        Self::on(Arc::new(directory), Some(lock))
    }

    /// Like [`OfflineNode::open`], on any disk.
    pub(in crate::store) fn on(disk: Arc<dyn Disk>, lock: Option<File>) -> Result<Self, ReseedError> {
        let path = || disk.full("");
        if is_loading(&*disk).map_err(|source| ReseedError::Folder { path: path(), source })? {
            return Err(ReseedError::Loading { path: path() });
        }
        let local = LocalHistory::read(&*disk)?.ok_or_else(|| ReseedError::NoData { path: path() })?;
        Ok(Self { disk, local, _lock: lock })
    }

    /// Examines `stream`. A host that writes nothing for `quiet`, which is longer than a lease, does not lead. Blocks; changes
    /// nothing.
    pub(crate) fn plan(&self, stream: &dyn Stream, quiet: Duration) -> Result<ReseedPlan, ReseedError> {
        let leader = leader(stream, quiet).map_err(ReseedError::Stream)?;
        let examined = examine::examine(stream, &self.local).map_err(ReseedError::Stream)?;
        Ok(ReseedPlan { local: self.local.clone(), examined, leader })
    }

    /// Writes the stream again as `plan` says. Segments of the journal that the host would archive go to `archive`. `scratch` has
    /// a folder for stores. `tell` hears how many bytes of the copy are stored, and of how many.
    pub(crate) fn carry_out(
        &self,
        plan: &ReseedPlan,
        stream: &dyn Stream,
        (settings, archive): (&StoreSettings, Option<&Path>),
        scratch: Arc<dyn Disk>,
        tell: &dyn Fn(u64, u64),
    ) -> Result<(), ReseedError> {
        let base = plan.base();
        let history = plan.local.history.iter().copied().chain([base]).collect();
        let stores = Stores::open_offline(&self.disk, settings, archive)?;
        let mut upload = Upload::new(stream.objects(), scratch);
        upload.clear()?;
        let (found, bytes) = upload.begin(&stores, base, history, &|| false)?;
        if found != base.number {
            return Err(ReseedError::OtherNumber { found: found.0, number: base.number.0 });
        }
        let mut stored = 0;
        while upload.has_begun() {
            if let Stored::Bytes(count) = upload.send()? {
                stored += count;
                tell(stored, bytes);
            }
        }
        if now(stream).map_err(ReseedError::Stream)? != plan.examined.info {
            // No stream will begin after this copy.
            let objects = stream.objects();
            let withdrawn = Listed::read(&*objects).and_then(|listed| listed.delete(&*objects, &CopyName::of(&base)));
            withdrawn.map_err(ReseedError::Stream)?;
            return Err(ReseedError::Changed);
        }
        let first = StreamSeq(base.sequence.0.saturating_add(1));
        stream.recreate(first).map_err(|source| ReseedError::Recreate { source })?;
        Ok(stores.close()?)
    }
}

/// The state of the stream; `None` if it does not exist.
fn now(stream: &dyn Stream) -> Result<Option<StreamInfo>, StreamError> {
    match stream.info() {
        Err(StreamError::Missing) => Ok(None),
        info => info.map(Some),
    }
}

/// The host that writes to the stream within `quiet`.
fn leader(stream: &dyn Stream, quiet: Duration) -> Result<Option<String>, StreamError> {
    let (before, began) = (now(stream)?, clock::now());
    while before.is_some() && clock::elapsed(began) < quiet {
        std::thread::park_timeout(LOOK_PERIOD.min(quiet));
        let Some(info) = now(stream)? else { return Ok(None) };
        if before.is_none_or(|before| info.last > before.last) {
            return Ok(Some(name_in(stream, info.last)?));
        }
    }
    Ok(None)
}

fn name_in(stream: &dyn Stream, last: StreamSeq) -> Result<String, StreamError> {
    let message = stream.get(last)?.and_then(|bytes| Message::decode(&bytes).ok());
    Ok(match message.map(|message| message.content) {
        Some(Content::Epoch { leader, .. } | Content::Heartbeat(leader)) => leader.node,
        _ => "a host".into(),
    })
}
