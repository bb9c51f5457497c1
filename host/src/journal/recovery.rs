//! Reads the journal at a start: the segments, their content, and their ends.
//!
//! Reading changes nothing, so a refused journal stays unchanged. Only [`seal`] writes: it cuts a torn end off.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use super::disk::{Disk, DiskFile, JOURNAL_FOLDER};
use super::frame::{Body, Damage, FrameKind, JournalId, SEGMENT_HEADER_BYTES, SegmentHeader, put_frame};
use super::frames::{End, Frames};
use super::record::Record;
use super::stream::Position;
use crate::names::CommitSeq;

/// Why the journal was not opened. It is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{} is damaged at byte {offset}: restore the data directory from a backup, or the file from a copy",
        path.display()
    )]
    Damaged { path: PathBuf, offset: usize, source: Damage },
    #[error("{} is of another journal than {}: put back the files that belong here", path.display(), other.display())]
    Foreign { path: PathBuf, other: PathBuf },
    #[error(
        "{} holds no commits {from} to {to}: a segment file is missing; restore the data directory from a backup",
        folder.display()
    )]
    Missing { folder: PathBuf, from: u64, to: u64 },
    #[error("cannot start a thread of the journal")]
    Thread { source: io::Error },
}

/// A segment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The number of its first record.
    pub(crate) first: CommitSeq,
    pub(crate) path: String,
}

impl Segment {
    pub(crate) fn new(first: CommitSeq) -> Self {
        Self::in_folder(JOURNAL_FOLDER, first)
    }

    pub(crate) fn in_folder(folder: &str, first: CommitSeq) -> Self {
        Self { first, path: format!("{folder}/{:020}.segment", first.0) }
    }
}

/// The existing segments, in order, and the journal that they belong to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) segments: Vec<Segment>,
    pub(crate) journal: Option<JournalId>,
    /// Files that were prepared to become segments: they are empty.
    pub(crate) spares: Vec<String>,
}

/// The name of a prepared segment, before it has a first number.
pub(crate) fn spare_path(count: u64) -> String {
    format!("{JOURNAL_FOLDER}/spare-{count}")
}

/// Lists the segments and checks that they are all of one journal.
pub(crate) fn find(disk: &dyn Disk) -> Result<Found, OpenError> {
    find_in(disk, JOURNAL_FOLDER)
}

/// Like [`find`], in any folder.
pub(crate) fn find_in(disk: &dyn Disk, folder: &str) -> Result<Found, OpenError> {
    let at_file = |path: &str| {
        let path = disk.full(path);
        |source| OpenError::File { path, source }
    };
    let mut found = Found::default();
    for name in disk.names(folder).map_err(at_file(folder))? {
        if name.starts_with("spare-") {
            found.spares.push(format!("{folder}/{name}"));
        } else if let Some(digits) = name.strip_suffix(".segment") {
            let path = format!("{folder}/{name}");
            let first = digits.parse().map(CommitSeq).unwrap_or_default();
            if Segment::in_folder(folder, first).path != path {
                return Err(OpenError::Damaged { path: disk.full(&path), offset: 0, source: Damage::Foreign });
            }
            found.segments.push(Segment { first, path });
        }
    }
    found.segments.sort_by_key(|segment| segment.first);
    let mut header_of: Option<(SegmentHeader, &Segment)> = None;
    for segment in &found.segments {
        let header = read_header(disk, segment)?;
        if header.first != segment.first {
            let source = Damage::Order { number: header.first.0, expected: segment.first.0 };
            return Err(OpenError::Damaged { path: disk.full(&segment.path), offset: 0, source });
        }
        if let Some((known, other)) = header_of
            && known.journal != header.journal
        {
            return Err(OpenError::Foreign { path: disk.full(&segment.path), other: disk.full(&other.path) });
        }
        header_of = Some((header, segment));
    }
    found.journal = header_of.map(|(header, _)| header.journal);
    Ok(found)
}

pub(super) fn read_header(disk: &dyn Disk, segment: &Segment) -> Result<SegmentHeader, OpenError> {
    let path = || disk.full(&segment.path);
    let at_file = |source| OpenError::File { path: path(), source };
    let damaged = |source| OpenError::Damaged { path: path(), offset: 0, source };
    let file = disk.open(&segment.path).map_err(at_file)?;
    let mut bytes = [0; SEGMENT_HEADER_BYTES];
    if file.bytes().map_err(at_file)? < SEGMENT_HEADER_BYTES as u64 {
        return Err(damaged(Damage::Foreign));
    }
    file.read_at(0, &mut bytes).map_err(at_file)?;
    let header = SegmentHeader::decode(&bytes).map_err(damaged)?;
    Ok(header)
}

/// The position where the journal continues.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The number of the next record.
    pub(crate) next: CommitSeq,
    /// The end of the last segment, which must be sealed there.
    pub(crate) seal: Option<Seal>,
    /// The position in the stream of the cluster, if the journal is part of one. Some of the records may follow it.
    pub(crate) position: Option<Position>,
    /// That position and the records after it, as if they were of its epoch.
    pub(crate) reached: Option<Position>,
}

/// The end of a segment.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(super) segment: Segment,
    /// The offset after its last frame: the bytes from there are cut off.
    end: usize,
    /// The number after its last record.
    next: CommitSeq,
    /// Whether all of its records are known to be durable.
    all_durable: bool,
}

/// Gives every record after `from` to `visit`, in order.
///
/// # Errors
///
/// [`OpenError`] for a damaged or missing segment, or the first error of `visit`.
pub(crate) fn replay<E: From<OpenError>>(
    disk: &dyn Disk,
    segments: &[Segment],
    from: CommitSeq,
    mut visit: impl FnMut(CommitSeq, Record) -> Result<(), E>,
) -> Result<Tail, E> {
    let first = segments.first().map_or(CommitSeq(1), |segment| segment.first);
    if first.0 > from.0 + 1 || (segments.is_empty() && from.0 > 0) {
        let to = if segments.is_empty() { from.0 } else { first.0 - 1 };
        let from = if segments.is_empty() { 1 } else { from.0 + 1 };
        return Err(OpenError::Missing { folder: disk.full(JOURNAL_FOLDER), from, to }.into());
    }
    let mut tail = Tail { next: first, seal: None, position: None, reached: None };
    for (position, segment) in segments.iter().enumerate() {
        let behind = segments.get(position + 1);
        if behind.is_some_and(|next| next.first.0 <= from.0 + 1) {
            continue;
        }
        let read = read_segment(
            disk,
            segment,
            behind,
            |number, record| {
                if number > from { visit(number, record) } else { Ok(()) }
            },
        )?;
        let seal = Seal { segment: segment.clone(), end: read.end, next: read.next, all_durable: read.all_durable };
        let (position, reached) = (read.position.or(tail.position), read.reached.or(tail.reached));
        tail = Tail { next: read.next, seal: Some(seal), position, reached };
    }
    Ok(tail)
}

/// The content of a segment.
pub(super) struct Read {
    /// The number after its last record.
    pub(super) next: CommitSeq,
    /// The offset after that record.
    pub(super) end: usize,
    /// Whether a later frame shows for each record that it is durable.
    pub(super) all_durable: bool,
    pub(super) position: Option<Position>,
    pub(super) reached: Option<Position>,
    pub(super) how: End,
}

/// Gives every record of the segment at `path` to `visit`, in order. It does not judge how the segment ends.
pub(super) fn read_records<E: From<OpenError>>(
    disk: &dyn Disk,
    path: &str,
    mut visit: impl FnMut(CommitSeq, Record) -> Result<(), E>,
) -> Result<Read, E> {
    let full = || disk.full(path);
    let damaged = |offset, source| OpenError::Damaged { path: full(), offset, source };
    let bytes = read_file(disk, path).map_err(|source| OpenError::File { path: full(), source })?;
    let mut frames = Frames::read(&bytes).map_err(|source| damaged(0, source))?;
    let mut end = frames.offset();
    while let Some((number, body)) = frames.next() {
        let record =
            Record::decode(&body).map_err(|source| damaged(end, Damage::Record { number: number.0, source }))?;
        visit(number, record)?;
        end = frames.offset();
    }
    Ok(Read {
        next: frames.next_number(),
        end: frames.offset(),
        all_durable: frames.all_durable(),
        position: frames.position(),
        reached: frames.reached(),
        how: frames.end(),
    })
}

/// The positions in the stream of a cluster that the journal in `segments` has, in order: at most the newest `count_max`.
pub(crate) fn positions(
    disk: &dyn Disk,
    segments: &[Segment],
    count_max: usize,
) -> Result<VecDeque<Position>, OpenError> {
    let mut positions = VecDeque::new();
    for segment in segments {
        let path = disk.full(&segment.path);
        let bytes = match read_file(disk, &segment.path) {
            Ok(bytes) => bytes,
            Err(source) => return Err(OpenError::File { path, source }),
        };
        let damaged = |source| OpenError::Damaged { path, offset: 0, source };
        let mut frames = Frames::read(&bytes).map_err(damaged)?;
        let mut goes_on = true;
        while goes_on {
            goes_on = frames.next().is_some();
            let position = frames.position().filter(|position| positions.back() != Some(position));
            positions.extend(position);
            if positions.len() > count_max {
                positions.pop_front();
            }
        }
    }
    Ok(positions)
}

fn read_segment<E: From<OpenError>>(
    disk: &dyn Disk,
    segment: &Segment,
    behind: Option<&Segment>,
    visit: impl FnMut(CommitSeq, Record) -> Result<(), E>,
) -> Result<Read, E> {
    let path = || disk.full(&segment.path);
    let damaged = |offset, source| OpenError::Damaged { path: path(), offset, source };
    let read = read_records(disk, &segment.path, visit)?;
    let (next, offset) = (read.next, read.end);
    match (&read.how, behind) {
        (End::Damaged(source), _) => return Err(damaged(offset, source.clone()).into()),
        // All of this segment was durable when the next one began.
        (End::Torn, Some(_)) => return Err(damaged(offset, Damage::Frame { number: next.0 }).into()),
        (End::Clean, Some(behind)) if behind.first != next => {
            return Err(damaged(offset, Damage::Order { number: behind.first.0, expected: next.0 }).into());
        }
        (End::Torn, None) => {
            tracing::warn!(path = %path().display(), offset, "the end of the journal was incomplete and was cut \
                off: it was never durable");
        }
        (End::Clean, _) => {}
    }
    Ok(read)
}

fn read_file(disk: &dyn Disk, path: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; usize::try_from(file.bytes()?).map_err(io::Error::other)?];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Cuts the last segment at its end and makes the rest durable.
pub(crate) fn seal(disk: &dyn Disk, journal: JournalId, seal: &Seal) -> io::Result<()> {
    let file = disk.open(&seal.segment.path)?;
    let end = seal.end as u64;
    if !seal.all_durable {
        // After a failed sync, bytes may be readable although they are not on the disk. A later sync does not write
        // them unless they are written again.
        let mut bytes = vec![0; seal.end];
        file.read_at(0, &mut bytes)?;
        file.write_at(0, &bytes)?;
    }
    // A segment that was closed in order may be in the archive: it is not changed.
    let was_open = file.bytes()? != end;
    if was_open {
        file.cut(end)?;
    }
    file.sync()?;
    if was_open && !seal.all_durable && seal.end > SEGMENT_HEADER_BYTES {
        mark(&*file, journal, seal)?;
    }
    Ok(())
}

/// Records in the segment that all of it is durable, so that the next start need not write it again. Without room for
/// this, the next start does.
fn mark(file: &dyn DiskFile, journal: JournalId, seal: &Seal) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mark = Body::of_kind(FrameKind::Mark, Vec::new());
    put_frame(&mut bytes, journal, seal.next, CommitSeq(seal.next.0 - 1), &mark);
    if file.write_at(seal.end as u64, &bytes).and_then(|()| file.sync()).is_err() {
        file.cut(seal.end as u64)?;
        file.sync()?;
    }
    Ok(())
}
