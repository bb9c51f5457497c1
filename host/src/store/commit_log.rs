//! The recent commits of one store: which keys each wrote, and what they took then.
//!
//! Invariant: all commits behind the horizon are there. What is older than the horizon is not known to be unchanged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::read_set::{ReadSet, compared};
use crate::limits::COMMIT_LOG_BYTES_MAX;
use crate::names::{CommitSeq, Key, KeyRange};

/// About what a commit and a write take in the log beside their keys.
const COMMIT_BYTES: usize = 96;
const WRITE_BYTES: usize = 48;

/// One commit in the log.
#[derive(Debug)]
pub(super) struct LoggedCommit {
    pub(super) number: CommitSeq,
    /// In the order of the keys.
    writes: Box<[LoggedWrite]>,
}

#[derive(Debug)]
pub(super) struct LoggedWrite {
    pub(super) key: Key,
    /// Bytes that count for a budget from then on.
    pub(super) bytes: u64,
}

impl LoggedCommit {
    /// `writes` are in the order of their keys.
    pub(super) fn new(number: CommitSeq, writes: Box<[LoggedWrite]>) -> Self {
        Self { number, writes }
    }

    pub(super) fn writes(&self) -> &[LoggedWrite] {
        &self.writes
    }

    pub(super) fn write_of(&self, key: &Key) -> Option<&LoggedWrite> {
        let mut found = None;
        compared(|| {
            found = self.writes.binary_search_by(|write| write.key.cmp(key)).ok().and_then(|at| self.writes.get(at));
            found.is_some()
        });
        found
    }

    pub(super) fn writes_in(&self, range: &KeyRange) -> bool {
        compared(|| {
            let first = self.writes.partition_point(|write| write.key.as_bytes() < range.start());
            self.writes.get(first).is_some_and(|write| write.key.as_bytes() < range.end())
        })
    }

    fn bytes(&self) -> usize {
        COMMIT_BYTES + self.writes.iter().map(|write| write.key.as_bytes().len() + WRITE_BYTES).sum::<usize>()
    }
}

#[derive(Debug)]
pub(super) struct CommitLog(Mutex<Log>);

#[derive(Debug)]
struct Log {
    commits: VecDeque<Arc<LoggedCommit>>,
    bytes: usize,
    horizon: CommitSeq,
}

impl CommitLog {
    /// A log that begins behind `horizon`.
    pub(super) fn new(horizon: CommitSeq) -> Self {
        Self(Mutex::new(Log { commits: VecDeque::new(), bytes: 0, horizon }))
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, commit: LoggedCommit) {
        let mut log = self.lock();
        log.bytes += commit.bytes();
        log.commits.push_back(Arc::new(commit));
        // The newest stays, so that two calls at once are compared in any case.
        while log.bytes > COMMIT_LOG_BYTES_MAX && log.commits.len() > 1 {
            let Some(oldest) = log.commits.pop_front() else { break };
            log.bytes -= oldest.bytes();
            log.horizon = oldest.number;
        }
    }

    /// The commits behind `number`, oldest first; nothing when the log does not reach back to it.
    pub(super) fn since(&self, number: CommitSeq) -> Option<Vec<Arc<LoggedCommit>>> {
        let log = self.lock();
        if number < log.horizon {
            return None;
        }
        let first = log.commits.partition_point(|commit| commit.number <= number);
        Some(log.commits.range(first..).cloned().collect())
    }

    /// Whether no commit changed anything of `reads`, as far as that is known. `catch_up` sees each commit since.
    pub(super) fn is_unchanged(&self, reads: &ReadSet, mut catch_up: impl FnMut(&LoggedCommit)) -> bool {
        let Some(commits) = self.since(reads.number()) else { return false };
        for commit in commits {
            if reads.is_changed_by(&commit) {
                return false;
            }
            catch_up(&commit);
            reads.is_good_at(commit.number);
        }
        true
    }
}
