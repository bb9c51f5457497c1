//! Reads the journal in folders from outside: archived segments, and those of a data directory.
//!
//! It changes nothing and skips nothing: it reports everything damaged or missing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, JOURNAL_FOLDER};
use super::frame::{Body, Damage, FrameKind, JournalId, SegmentHeader, put_frame};
use super::frames::End;
use super::record::Record;
use super::recovery::{OpenError, Segment, find_in, read_header, read_records};
use super::stream::Position;
use crate::names::CommitSeq;

/// Why the journal in some folders cannot be read as far as required.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{} belongs to the journal {found}, not to {journal}: name the right folder", folder.display())]
    OtherJournal { folder: PathBuf, found: JournalId, journal: JournalId },
    #[error("the commits {from} to {to} are missing: name the folder with the segment that has them")]
    Gap { from: u64, to: u64 },
    #[error(
        "{} begins with commit {first}, and {} has that too: two histories are mixed; keep the files of one",
        path.display(), other.display()
    )]
    Overlap { path: PathBuf, other: PathBuf, first: u64 },
}

/// A folder with segments, on some disk.
pub(crate) type Folder<'a> = (Arc<dyn Disk>, &'a str);

/// The segments of one journal, in order, from all folders.
#[derive(Debug)]
pub(crate) struct History {
    segments: Vec<LocatedSegment>,
    /// Whether the journal of a data directory is among the folders: it contains the last commit.
    reaches_end: bool,
}

/// A segment, and its disk.
#[derive(Debug, Clone)]
struct LocatedSegment {
    disk: Arc<dyn Disk>,
    segment: Segment,
}

impl LocatedSegment {
    fn path(&self) -> PathBuf {
        self.disk.full(&self.segment.path)
    }
}

/// How a segment ends.
struct Whole {
    next: CommitSeq,
    torn_at: Option<usize>,
}

/// The content of a segment.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) path: PathBuf,
    pub(crate) journal: JournalId,
    /// The number of its first record, if it has one.
    pub(crate) first: CommitSeq,
    /// The number after its last record.
    pub(crate) next: CommitSeq,
    /// The time of the last commit, in microseconds since the Unix epoch.
    pub(crate) last_unix_micros: Option<u64>,
    /// The offset of an unfinished write after the last record: the power failed during it, or it is still going on.
    pub(crate) torn_at: Option<usize>,
}

impl Checked {
    pub(crate) fn commits(&self) -> u64 {
        self.next.0 - self.first.0
    }
}

impl History {
    /// Lists the segments in `folders`. A segment in several folders is taken from the first.
    ///
    /// # Errors
    ///
    /// [`HistoryError::OtherJournal`] for a folder of a journal other than `journal`; other errors when a folder or a
    /// segment's header cannot be read.
    pub(crate) fn gather(folders: &[Folder<'_>], journal: Option<JournalId>) -> Result<Self, HistoryError> {
        let mut segments: Vec<LocatedSegment> = Vec::new();
        let mut journal = journal;
        for (disk, folder) in folders {
            let found = find_in(&**disk, folder)?;
            if let Some(found) = found.journal
                && found != *journal.get_or_insert(found)
            {
                let journal = journal.unwrap_or(found);
                return Err(HistoryError::OtherJournal { folder: disk.full(folder), found, journal });
            }
            for segment in found.segments {
                if segments.iter().all(|known| known.segment.first != segment.first) {
                    segments.push(LocatedSegment { disk: Arc::clone(disk), segment });
                }
            }
        }
        segments.sort_by_key(|located| located.segment.first);
        Ok(Self { segments, reaches_end: folders.iter().any(|(_, folder)| *folder == JOURNAL_FOLDER) })
    }

    /// The segment in the file `path` of `disk`, whatever its name is.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Open`] when it cannot be read, or is no segment.
    pub(crate) fn of_file(disk: Arc<dyn Disk>, path: &str) -> Result<Self, HistoryError> {
        let mut segment = Segment { first: CommitSeq::default(), path: path.into() };
        segment.first = read_header(&*disk, &segment)?.first;
        Ok(Self { segments: vec![LocatedSegment { disk, segment }], reaches_end: false })
    }

    /// Whether no later commit can exist.
    pub(crate) fn reaches_end(&self) -> bool {
        self.reaches_end
    }

    /// The number of the first record, or of the future first one.
    pub(crate) fn first(&self) -> Option<CommitSeq> {
        self.segments.first().map(|located| located.segment.first)
    }

    /// Reads everything, and describes each segment.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] for damaged or missing segments.
    pub(crate) fn check(&self) -> Result<Vec<Checked>, HistoryError> {
        let mut checked: Vec<Checked> = Vec::new();
        for located in &self.segments {
            let first = located.segment.first;
            if let Some(before) = checked.last() {
                follows(before.next, first, &before.path, located)?;
            }
            let journal = read_header(&*located.disk, &located.segment)?.journal;
            let mut last_unix_micros = None;
            let whole = self.read(located, |_, record| {
                last_unix_micros = Some(record.time_unix_micros);
                Ok::<_, HistoryError>(true)
            })?;
            let Some(Whole { next, torn_at }) = whole else { continue };
            checked.push(Checked { path: located.path(), journal, first, next, last_unix_micros, torn_at });
        }
        Ok(checked)
    }

    /// Gives every record after `after` to `visit`, in order, until it returns false. Returns the number of the last
    /// record for which it returned true, or `after` if there is none.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] for damaged or missing segments on the way, or the first error of `visit`.
    pub(crate) fn each<E: From<HistoryError>>(
        &self,
        after: CommitSeq,
        mut visit: impl FnMut(CommitSeq, Record) -> Result<bool, E>,
    ) -> Result<CommitSeq, E> {
        let mut next = CommitSeq(after.0 + 1);
        let begin = self.segments.iter().rposition(|located| located.segment.first <= next);
        let needed = self.segments.get(begin.unwrap_or(0)..).unwrap_or_default();
        let mut before: Option<&LocatedSegment> = None;
        for located in needed {
            let first = located.segment.first;
            match before {
                Some(before) => follows(next, first, &before.path(), located)?,
                // The first segment may begin before the requested number.
                None if first > next => return Err(HistoryError::Gap { from: next.0, to: first.0 - 1 }.into()),
                None => {}
            }
            before = Some(located);
            let read = self.read(located, |number, record| {
                let goes_on = number < next || visit(number, record)?;
                if goes_on {
                    next = next.max(CommitSeq(number.0 + 1));
                }
                Ok::<_, E>(goes_on)
            })?;
            if read.is_none() {
                break;
            }
        }
        Ok(CommitSeq(next.0 - 1))
    }

    /// Reads one segment until `visit` returns false, and then returns `None`. Otherwise it checks the end: a segment
    /// with a successor must be complete.
    ///
    /// # Errors
    ///
    /// [`HistoryError::Open`] when it is damaged, or the first error of `visit`.
    fn read<E: From<HistoryError>>(
        &self,
        located: &LocatedSegment,
        mut visit: impl FnMut(CommitSeq, Record) -> Result<bool, E>,
    ) -> Result<Option<Whole>, E> {
        let read = read_records(&*located.disk, &located.segment.path, |number, record| match visit(number, record) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Broken::Enough),
            Err(error) => Err(Broken::Visit(error)),
        });
        let read = match read {
            Ok(read) => read,
            Err(Broken::Enough) => return Ok(None),
            Err(Broken::Visit(error)) => return Err(error),
            Err(Broken::Open(error)) => return Err(HistoryError::from(error).into()),
        };
        let damaged = |source| OpenError::Damaged { path: located.path(), offset: read.end, source };
        let is_last = self.segments.last().is_some_and(|last| last.segment.first <= located.segment.first);
        match read.how {
            End::Clean => Ok(Some(Whole { next: read.next, torn_at: None })),
            End::Torn if is_last => Ok(Some(Whole { next: read.next, torn_at: Some(read.end) })),
            End::Torn => Err(HistoryError::from(damaged(Damage::Frame { number: read.next.0 })).into()),
            End::Damaged(source) => Err(HistoryError::from(damaged(source)).into()),
        }
    }
}

/// Checks that a segment that begins with `first` continues where `before`, the one before it, ended.
fn follows(due: CommitSeq, first: CommitSeq, before: &Path, located: &LocatedSegment) -> Result<(), HistoryError> {
    if first > due {
        return Err(HistoryError::Gap { from: due.0, to: first.0 - 1 });
    }
    if first < due {
        let other = before.to_owned();
        return Err(HistoryError::Overlap { path: located.path(), other, first: first.0 });
    }
    Ok(())
}

/// Why reading a segment ended early.
enum Broken<E> {
    Open(OpenError),
    Visit(E),
    Enough,
}

impl<E> From<OpenError> for Broken<E> {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

/// Writes the beginning of the journal `journal`: a segment without records, whose first record will be `first`.
///
/// Its name is durable once the folder is synced.
pub(crate) fn begin_journal(disk: &dyn Disk, journal: JournalId, first: CommitSeq) -> std::io::Result<()> {
    let file = disk.create(&Segment::new(first).path)?;
    file.write_at(0, &SegmentHeader { journal, first }.encode())?;
    file.sync()
}

/// Like [`begin_journal`], for a journal that continues after `position` in the stream of a cluster.
pub(crate) fn begin_journal_at(
    disk: &dyn Disk,
    journal: JournalId,
    first: CommitSeq,
    position: Position,
) -> std::io::Result<()> {
    let file = disk.create(&Segment::new(first).path)?;
    file.write_at(0, &head_at(journal, first, position))?;
    file.sync()
}

/// The beginning of a segment whose records follow `position`. Everything before it is durable.
pub(super) fn head_at(journal: JournalId, first: CommitSeq, position: Position) -> Vec<u8> {
    let mut bytes = SegmentHeader { journal, first }.encode().to_vec();
    let mark = Body::of_kind(FrameKind::Mark, position.encode());
    put_frame(&mut bytes, journal, first, CommitSeq(first.0.saturating_sub(1)), &mark);
    bytes
}
