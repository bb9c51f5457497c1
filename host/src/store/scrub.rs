//! Scrubbing: reads every entry of every index slowly and repeatedly. So damage of the disk is found while the journal
//! may still have the lost data.
//!
//! A damaged entry is rebuilt from its last write in the journal or the archive. If there is none, the entry stays
//! damaged, and each read of it returns an error with the key and the file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::commit::state::StoreState;
use super::index::error::IndexError;
use super::services::{Member, Services};
use super::system::{outbox_rows, outbox_value};
use crate::clock;
use crate::journal::{Folder, History, HistoryError, JOURNAL_FOLDER, Record};
use crate::names::{CommitSeq, Key, KeyRange, ServiceName};

/// How often a part of an index is read and damaged entries are rebuilt.
const STEP: Duration = Duration::from_secs(1);

/// Bytes of keys and values per step: 10 GB take 40 minutes, and about one percent of a core.
const STEP_BYTES: usize = 4 << 20;

/// The pause between two rounds over all indexes.
const ROUND_PAUSE: Duration = Duration::from_secs(3600);

/// Rebuilt entries by key; `None` for a deleted key.
type Entries = BTreeMap<Key, Option<Bytes>>;

#[derive(Debug)]
pub(super) struct Scrubber {
    services: Arc<Services>,
    /// The progress of the round: the store, and the key in it.
    place: Option<(ServiceName, Vec<u8>)>,
    next_round: Instant,
    /// Damaged entries that are not in the journal.
    lost: BTreeMap<ServiceName, BTreeSet<Key>>,
}

/// Why an entry was not rebuilt.
#[derive(Debug, thiserror::Error)]
enum RebuildError {
    #[error("cannot read the journal")]
    Journal(#[from] HistoryError),
    #[error("cannot write the index")]
    Index(#[from] IndexError),
}

impl Scrubber {
    pub(super) fn new(services: Arc<Services>) -> Self {
        let place = Some((ServiceName::platform(), Vec::new()));
        Self { services, place, next_round: clock::now(), lost: BTreeMap::new() }
    }

    /// Runs until the stores are closed.
    pub(super) fn run(&mut self) {
        let due = &Arc::clone(&self.services).pipeline.due;
        let mut next = clock::now() + STEP;
        loop {
            let look = due.look();
            if look.closing {
                return;
            }
            let now = clock::now();
            if now < next {
                due.wait(&look, Some(next - now));
                continue;
            }
            self.step(STEP_BYTES);
            next = clock::now() + STEP;
        }
    }

    /// Rebuilds known damaged entries, and reads about `bytes_max` of entries.
    pub(super) fn step(&mut self, bytes_max: usize) {
        let members = self.services.members();
        for member in &members {
            if let Some(failure) = member.index.health.failure() {
                self.services.pipeline.stop_commits(&format!("{failure}; restart the host"));
            }
            if let Err(error) = self.rebuild(member)
                && member.index.health.log_limits.allows("a damaged entry was not rebuilt")
            {
                let path = member.index.health.path.display();
                tracing::error!(error = &error as &dyn std::error::Error, %path, "a damaged entry was not rebuilt");
            }
        }
        if self.place.is_none() && clock::now() < self.next_round {
            return;
        }
        let (from, key) = self.place.take().unwrap_or((ServiceName::platform(), Vec::new()));
        let Some(member) = members.iter().find(|member| *member.store.name() >= from) else {
            self.next_round = clock::now() + ROUND_PAUSE;
            return;
        };
        let name = member.store.name().clone();
        let start = if name == from { key } else { Vec::new() };
        let next_store = || members.iter().map(|member| member.store.name()).find(|other| **other > name).cloned();
        self.place = match read(member, start, bytes_max) {
            Some(key) => Some((name, key)),
            None => next_store().map(|next| (next, Vec::new())),
        };
        if self.place.is_none() {
            self.next_round = clock::now() + ROUND_PAUSE;
        }
    }

    /// Rebuilds the known damaged entries of one store.
    fn rebuild(&mut self, member: &Member) -> Result<(), RebuildError> {
        let health = &member.index.health;
        let mut damaged = health.damaged_keys();
        let lost = self.lost.entry(member.store.name().clone()).or_default();
        let reader = Arc::clone(&member.store.snapshot().index);
        // Others may have been overwritten since.
        damaged.retain(|key| matches!(reader.get(key), Err(IndexError::Damaged { .. })));
        health.forget_all_but(&damaged);
        lost.retain(|key| damaged.contains(key));
        damaged.retain(|key| !lost.contains(key));
        if damaged.is_empty() {
            return Ok(());
        }
        // The claim keeps other threads from writing the index. If another thread has it, a later step does this.
        let Some(_claim) = self.services.pipeline.due.claim(member.store.name()) else { return Ok(()) };
        let found = last_writes(&self.services, member, &damaged)?;
        let missing: Vec<_> = damaged.into_iter().filter(|key| !found.contains_key(key)).collect();
        if let Some(first) = missing.first() {
            // One line for all: damage of the disk is often damage of many entries.
            let (entries, path) = (missing.len(), health.path.display());
            tracing::error!(entries, %first, %path, "entries are damaged, and the journal does not have them: restore a \
                backup");
        }
        lost.extend(missing);
        if found.is_empty() {
            return Ok(());
        }
        member.index.repair(&found)?;
        self.services.pipeline.renew(member.store.state(), member.index.reader()?);
        health.metrics.rebuilt.increment(found.len() as u64);
        if health.log_limits.allows("damaged entries were rebuilt") {
            let path = health.path.display();
            tracing::warn!(entries = found.len(), %path, "damaged entries were rebuilt from the journal");
        }
        Ok(())
    }
}

/// The last writes of `keys` in the journal, up to the number of `member`'s index.
fn last_writes(services: &Services, member: &Member, keys: &BTreeSet<Key>) -> Result<Entries, HistoryError> {
    let Services { disk, archive, journal, .. } = services;
    let id = journal.to_string();
    let here: [Folder<'_>; 1] = [(Arc::clone(disk), JOURNAL_FOLDER)];
    let folders: Vec<_> = here.into_iter().chain(archive.clone().map(|archive| (archive, id.as_str()))).collect();
    let history = History::gather(&folders, Some(*journal))?;
    let (mut found, number) = (Entries::new(), member.index.number());
    let before_first = history.first().map_or(0, |first| first.0.saturating_sub(1));
    history.each(CommitSeq(before_first), |at, record| {
        if at <= number {
            take_writes(&mut found, member.store.state(), keys, at, record);
        }
        Ok::<_, HistoryError>(at < number)
    })?;
    Ok(found)
}

/// Adds the writes of the commit `number` under `keys` in the store `state` to `found`.
fn take_writes(found: &mut Entries, state: &StoreState, keys: &BTreeSet<Key>, number: CommitSeq, record: Record) {
    for section in record.sections.into_iter().filter(|section| section.service == state.name) {
        if section.dropped {
            found.clear();
        }
        let rows = outbox_rows(number, record.time_unix_micros, section.events.iter().map(outbox_value));
        let writes = section.writes.into_iter().chain(rows.map(|(key, row)| (key, Some(row))));
        found.extend(writes.filter(|(key, _)| keys.contains(key)));
    }
}

/// Reads about `bytes_max` of entries from the key `start` on; returns the key to continue at, if there are more.
fn read(member: &Member, start: Vec<u8>, bytes_max: usize) -> Option<Vec<u8>> {
    let reader = Arc::clone(&member.store.snapshot().index);
    let range = KeyRange::everything().up_to(&start, false);
    let (mut bytes, mut last) = (0, start);
    let end = reader.range(&range, true).and_then(|entries| {
        for entry in entries {
            match entry {
                Ok((key, value)) => {
                    bytes += key.len() + value.len();
                    last = key;
                }
                // The reader has recorded it; continue with the others.
                Err(IndexError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
            if bytes >= bytes_max {
                return Ok(false);
            }
        }
        Ok(true)
    });
    let metrics = &member.index.health.metrics;
    metrics.scrubbed_bytes.increment(bytes as u64);
    match end {
        Ok(true) => None,
        Ok(false) => {
            // The smallest key after it.
            last.push(0);
            Some(last)
        }
        Err(error) => {
            if member.index.health.log_limits.allows("an index cannot be scrubbed") {
                let path = member.index.health.path.display();
                tracing::error!(error = &error as &dyn std::error::Error, %path, "an index cannot be scrubbed");
            }
            None
        }
    }
}
