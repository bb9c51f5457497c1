//! The keys of one generation that commits wrote after some number, to find out whose reads they changed.

use super::commit_log::CommitLog;
use super::logged_commit::{LoggedCommit, LoggedWrite};
use super::read_set::ReadSet;
use crate::names::{CommitSeq, Generation};

/// What the commits after some number wrote.
#[derive(Debug)]
pub struct RecentWrites {
    /// All of them as one commit, with the number of the last one.
    merged: LoggedCommit,
    commits: usize,
}

impl RecentWrites {
    /// The writes after `since` to the entries of `generation`; `None` when the log does not reach back to it.
    pub(in crate::store) fn after(log: &CommitLog, since: CommitSeq, generation: Generation) -> Option<Self> {
        let commits = log.since(since)?;
        let number = commits.last().map_or(since, |commit| commit.number);
        let is_of = |write: &&LoggedWrite| write.key.generation() == Some(generation);
        let touches = |commit: &&std::sync::Arc<LoggedCommit>| commit.writes().iter().any(|write| is_of(&write));
        let count = commits.iter().filter(touches).count();
        let writes = commits.iter().flat_map(|commit| commit.writes()).filter(is_of);
        let mut writes: Vec<_> =
            writes.map(|write| LoggedWrite { key: write.key.clone(), bytes: write.bytes }).collect();
        writes.sort_by(|one, other| one.key.cmp(&other.key));
        writes.dedup_by(|one, other| one.key == other.key);
        Some(Self { merged: LoggedCommit::new(number, writes.into()), commits: count })
    }

    /// The number of the last commit in it.
    #[must_use]
    pub fn number(&self) -> CommitSeq {
        self.merged.number
    }

    /// How many commits wrote entries.
    #[must_use]
    pub fn commits(&self) -> usize {
        self.commits
    }

    /// Whether any of them wrote something that `reads` contains. `reads` is at most as old as the first of them.
    #[must_use]
    pub fn touch(&self, reads: &ReadSet) -> bool {
        reads.number() < self.merged.number && reads.is_changed_by(&self.merged)
    }

    /// The writes of keys that `reads` contains; `None` without any. `reads` is at most as old as the first of them.
    #[must_use]
    pub fn within(&self, reads: &ReadSet) -> Option<Self> {
        if !self.touch(reads) {
            return None;
        }
        let contained = self.merged.writes().iter().filter(|write| reads.contains(&write.key));
        let writes = contained.map(|write| LoggedWrite { key: write.key.clone(), bytes: write.bytes }).collect();
        Some(Self { merged: LoggedCommit::new(self.merged.number, writes), commits: self.commits })
    }
}
