//! The recent commits of one store: the keys that each wrote, and the size of their entries.
//!
//! Invariant: the log has every commit after the horizon. Reads older than the horizon cannot be validated.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::logged_commit::LoggedCommit;
use super::read_set::ReadSet;
use crate::limits::COMMIT_LOG_BYTES_MAX;
use crate::names::{CommitSeq, component_text};
use crate::store::error::CommitError;

/// Whether a read set is what a new transaction would read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    Unchanged,
    Changed,
    /// So much was committed since that this is not known, or the store was dropped.
    Unknown,
}

#[derive(Debug)]
pub(in crate::store) struct CommitLog(Mutex<Log>);

#[derive(Debug)]
struct Log {
    commits: VecDeque<Arc<LoggedCommit>>,
    bytes: usize,
    horizon: CommitSeq,
}

impl Log {
    /// The commits after `number`, newest first. They are few of many, so a search would read more of them.
    fn newer(&self, number: CommitSeq) -> impl Iterator<Item = &Arc<LoggedCommit>> {
        self.commits.iter().rev().take_while(move |commit| commit.number > number)
    }
}

impl CommitLog {
    /// An empty log whose horizon is `horizon`.
    pub(in crate::store) fn new(horizon: CommitSeq) -> Self {
        Self(Mutex::new(Log { commits: VecDeque::new(), bytes: 0, horizon }))
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn push(&self, commit: LoggedCommit) {
        let mut log = self.lock();
        log.bytes += commit.bytes();
        log.commits.push_back(Arc::new(commit));
        // The newest stays, so that two concurrent calls can always be compared.
        while log.bytes > COMMIT_LOG_BYTES_MAX && log.commits.len() > 1 {
            let Some(oldest) = log.commits.pop_front() else { break };
            log.bytes -= oldest.bytes();
            log.horizon = oldest.number;
        }
    }

    /// The commits after `number`, oldest first; `None` when the log does not reach back to it.
    pub(in crate::store) fn since(&self, number: CommitSeq) -> Option<Vec<Arc<LoggedCommit>>> {
        let log = self.lock();
        if number < log.horizon {
            return None;
        }
        let newer = log.newer(number).count();
        Some(log.commits.range(log.commits.len() - newer..).cloned().collect())
    }

    /// How `reads` stand now. Looks at no more than `commits_max` commits.
    pub(in crate::store) fn validity(&self, reads: &ReadSet, commits_max: usize) -> Validity {
        let commits: Vec<_> = {
            let log = self.lock();
            let number = reads.number();
            if number < log.horizon {
                return Validity::Unknown;
            }
            let newer = log.newer(number).take(commits_max + 1).count();
            if newer > commits_max {
                return Validity::Unknown;
            }
            log.commits.range(log.commits.len() - newer..).cloned().collect()
        };
        for commit in commits {
            if reads.is_changed_by(&commit) {
                return Validity::Changed;
            }
            reads.is_good_at(commit.number);
        }
        Validity::Unchanged
    }

    /// Validates `reads` against the commits since, and calls `catch_up` with each of them.
    ///
    /// # Errors
    ///
    /// [`CommitError::Conflict`], when one of them changed anything of `reads`, or the log does not reach back so far.
    pub(in crate::store) fn validate(
        &self,
        reads: &ReadSet,
        mut catch_up: impl FnMut(&LoggedCommit),
    ) -> Result<(), CommitError> {
        let commits = self.since(reads.number()).ok_or(CommitError::Conflict { read: None })?;
        for commit in commits {
            if let Some(key) = reads.changed_by(&commit) {
                return Err(CommitError::Conflict { read: component_text(key).map(Arc::from) });
            }
            catch_up(&commit);
            reads.is_good_at(commit.number);
        }
        Ok(())
    }
}
