//! A node that lacks messages which the stream has no more loads a copy, in place of the stores that it has.
//!
//! A mark says that a load has begun, and goes last: a node that was killed loads a copy again.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::document::{CopyDocument, pieces};
use super::error::LoadError;
use super::list::{Listed, continues};
use super::name::CopyName;
use crate::journal::stream::{Objects, Position, Stream, StreamError, StreamInfo, StreamSeq};
use crate::journal::{Disk, JOURNAL_FOLDER, JournalId, SERVICES_FOLDER, begin_journal_at};
use crate::names::{CommitSeq, Digest};
use crate::store::backup::{BackupFile, ProgressReport, Stage, UNFINISHED};
use crate::store::cluster::error::JoinError;

/// The content of the mark of an unfinished load. That of an operator's restore is empty.
const MARK: &[u8] = b"a copy of the cluster";
const MARK_NEW: &str = "restore-unfinished.new";

/// What a node that needs a copy has.
#[derive(Debug)]
pub(in crate::store) struct NeedsCopy {
    /// The last message that it has.
    pub(in crate::store) has: StreamSeq,
    pub(in crate::store) journal: Option<JournalId>,
    /// Its last commit.
    pub(in crate::store) end: Position,
}

impl NeedsCopy {
    /// A node that has nothing.
    pub(in crate::store) fn without_data() -> Self {
        Self { has: StreamSeq(0), journal: None, end: Position::default() }
    }

    /// Refuses a stream that was written again without commits that this node has, or may have.
    pub(in crate::store::cluster) fn keeps_everything(&self, document: &CopyDocument) -> Result<(), JoinError> {
        let Some(base) = document.written_again().filter(|base| self.has < base.sequence) else { return Ok(()) };
        let (has, number) = (self.end.number.0, base.number.0);
        if has > number {
            return Err(JoinError::Ahead { has, number });
        }
        if has > 0 && !document.has_in_history(&self.end) {
            let from = document.history.first().map_or(number, |first| first.number.0);
            return Err(JoinError::OtherHistory { has, from, number });
        }
        Ok(())
    }
}

/// The position at which the stream goes on after exactly what a node of `journal` has up to `end`, if the stream was written
/// again there: such a node needs no copy.
pub(in crate::store) fn written_again_after(
    stream: &dyn Stream,
    journal: JournalId,
    end: &Position,
) -> Result<Option<Position>, StreamError> {
    let (info, objects) = (stream.info()?, stream.objects());
    let complete = Listed::read(&*objects)?.complete(&*objects)?;
    let bases = complete.iter().filter(|(_, document)| document.backup.journal() == journal);
    let mut bases = bases.filter_map(|(_, document)| document.written_again());
    let is_next =
        |base: &&Position| continues(&CopyName::of(base), &info) && (base.number, base.hash) == (end.number, end.hash);
    Ok(bases.find(is_next).copied())
}

/// Whether a load has begun on this disk and was not finished.
pub(in crate::store) fn is_loading(disk: &dyn Disk) -> io::Result<bool> {
    let file = match disk.open(UNFINISHED) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let mut mark = [0; MARK.len()];
    if file.bytes()? != MARK.len() as u64 {
        return Ok(false);
    }
    file.read_at(0, &mut mark)?;
    Ok(mark == *MARK)
}

/// The copies that `node` may load, the newest first: at least one.
pub(in crate::store::cluster) fn loadable<'a>(
    complete: &'a [(CopyName, CopyDocument)],
    info: &StreamInfo,
    node: &NeedsCopy,
) -> Result<Vec<&'a (CopyName, CopyDocument)>, JoinError> {
    let mut found = Vec::new();
    for copy in complete.iter().filter(|(name, _)| continues(name, info)) {
        let journal = copy.1.backup.journal();
        if let Some(own) = node.journal.filter(|own| *own != journal) {
            return Err(JoinError::OtherJournal { found: journal, own });
        }
        node.keeps_everything(&copy.1)?;
        // A newer one will come: nothing that this node has is given up.
        if copy.1.backup.number() >= node.end.number {
            found.push(copy);
        }
    }
    if found.is_empty() { Err(JoinError::NoCopy { first: info.first.0, has: node.has.0 }) } else { Ok(found) }
}

/// Loads the newest copy at which the stream continues. Blocks.
///
/// # Errors
///
/// [`JoinError`]. Without a copy nothing is changed; otherwise the next start loads one again.
pub(in crate::store) fn load(disk: &Arc<dyn Disk>, stream: &dyn Stream, node: &NeedsCopy) -> Result<(), JoinError> {
    let (info, objects) = (stream.info()?, stream.objects());
    let complete = Listed::read(&*objects)?.complete(&*objects)?;
    let mut failed = JoinError::NoCopy { first: info.first.0, has: node.has.0 };
    for (name, document) in loadable(&complete, &info, node)? {
        tracing::info!(copy = %name, bytes = document.backup.bytes(), "loading a copy of the cluster");
        match put(disk, &*objects, name, document) {
            Ok(()) => {
                tracing::info!(copy = %name, number = document.backup.number().0, "the copy is loaded");
                return Ok(());
            }
            Err(error @ LoadError::Damaged { .. }) => {
                tracing::error!(%error, "a copy of the cluster is not loaded; the host tries an older one");
                failed = JoinError::Load(Box::new(error));
            }
            Err(error) => return Err(JoinError::Load(Box::new(error))),
        }
    }
    Err(failed)
}

/// Puts the copy onto `disk`.
fn put(disk: &Arc<dyn Disk>, objects: &dyn Objects, name: &CopyName, document: &CopyDocument) -> Result<(), LoadError> {
    let (target, backup) = (&**disk, &document.backup);
    mark(target).map_err(at(target, UNFINISHED))?;
    clear(target)?;
    for file in backup.files() {
        fetch(target, objects, name, file)?;
    }
    let mut tell = |_: &_| ControlFlow::Continue(());
    let stage = Stage::open(disk, backup, backup.journal())?;
    stage.finish(&mut ProgressReport::new(&mut tell))?;
    let first = CommitSeq(backup.number().0.saturating_add(1));
    begin_journal_at(target, backup.journal(), first, document.position).map_err(at(target, JOURNAL_FOLDER))?;
    for folder in [SERVICES_FOLDER, JOURNAL_FOLDER, ""] {
        target.sync_folder(folder).map_err(at(target, folder))?;
    }
    let done = target.remove(UNFINISHED).and_then(|()| target.sync_folder(""));
    done.map_err(at(target, UNFINISHED))
}

fn mark(disk: &dyn Disk) -> io::Result<()> {
    // It appears with its content: an empty mark would be that of a restore, which no start repeats.
    let file = disk.create(MARK_NEW)?;
    file.write_at(0, MARK)?;
    file.sync()?;
    disk.rename(MARK_NEW, UNFINISHED)?;
    disk.sync_folder("")
}

/// Removes the stores and the journal that the copy replaces.
fn clear(disk: &dyn Disk) -> Result<(), LoadError> {
    for folder in [JOURNAL_FOLDER, SERVICES_FOLDER] {
        for name in disk.names(folder).map_err(at(disk, folder))? {
            let path = format!("{folder}/{name}");
            disk.remove(&path).map_err(at(disk, &path))?;
        }
        disk.sync_folder(folder).map_err(at(disk, folder))?;
    }
    Ok(())
}

/// Gets `file` piece by piece, and checks its digest.
fn fetch(disk: &dyn Disk, objects: &dyn Objects, name: &CopyName, file: &BackupFile) -> Result<(), LoadError> {
    let path = &file.path;
    let damaged = || LoadError::Damaged { copy: name.to_string(), path: path.clone() };
    let target = disk.create(path).map_err(at(disk, path))?;
    let (mut hash, mut offset) = (Sha256::new(), 0);
    for index in 0..pieces(file) {
        let piece = objects.get(&name.piece(path, index))?.ok_or_else(damaged)?;
        hash.update(&piece);
        target.write_at(offset, &piece).map_err(at(disk, path))?;
        offset += piece.len() as u64;
    }
    let hash: [u8; 32] = hash.finalize().into();
    if offset != file.bytes || Digest::of_hash(hash) != file.digest {
        return Err(damaged());
    }
    target.sync().map_err(at(disk, path))
}

fn at(disk: &dyn Disk, path: &str) -> impl FnOnce(io::Error) -> LoadError + use<> {
    let path = disk.full(path);
    |source| LoadError::Write { path, source }
}
