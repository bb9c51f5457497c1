//! A mirror that runs, and how far it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::copy::{Frozen, Mirror};
use super::error::MirrorError;
use crate::call::LoadedRelease;
use crate::clock;
use crate::fail_point::fail_point;
use crate::limits::{MIRROR_HOT_PAGE_ENTITIES, MIRROR_PAGE_ENTITIES};
use crate::observe::mirror::MirrorMetrics;
use crate::store::Transaction;

/// Pages that are copied again before the mirror looks at the store again.
const PAGES_AT_ONCE: usize = 64;

/// Pages that are verified before the mirror looks at the store again: as many entities as it copies at once.
const PAGES_VERIFIED_AT_ONCE: u32 = MIRROR_PAGE_ENTITIES / MIRROR_HOT_PAGE_ENTITIES;

/// Pages of the way back that are read again when there is no other work: few, because a rollback is rare.
const BACK_PAGES_AT_ONCE: usize = 4;

/// How often it copies what is new, to find a moment at which nothing is. Beside 500 writes a second, every third is one.
const SNAPSHOT_ATTEMPTS: usize = 16;

/// What a mirror is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MirrorPhase {
    /// It copies all entities for the first time.
    Copying,
    /// It compares every entity of the copy.
    Verifying,
    /// It copies what commits touch.
    Following,
}

/// How far a mirror is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MirrorStatus {
    pub phase: MirrorPhase,
    /// Entities that the first pass has read.
    pub entities: u64,
    /// About how many there are, if the first pass has not read them all and an earlier mirror has counted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities_expected: Option<u64>,
    /// Entities that were imported since the mirror began to run in this process.
    pub imported: u64,
    /// Commits that touched the data and are not copied yet.
    pub commits_behind: usize,
    /// For how long the copy has not been complete, in milliseconds; 0 when it is.
    pub behind_ms: u64,
    /// Attempts at the swap so far.
    pub attempts: u32,
    /// Why the last attempt or the last step failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A mirror that runs.
#[derive(Debug)]
pub(in crate::release) struct MirrorHandle {
    /// The release that gets the copy.
    pub(in crate::release) release: Arc<LoadedRelease>,
    work: tokio::sync::Mutex<Work>,
    status: Mutex<MirrorStatus>,
    metrics: MirrorMetrics,
}

#[derive(Debug)]
struct Work {
    mirror: Mirror,
    phase: MirrorPhase,
    /// Where the comparison of the copy continues.
    verify_after: String,
    /// When the copy was complete last.
    complete_at: Instant,
}

impl MirrorHandle {
    pub(in crate::release) fn new(release: Arc<LoadedRelease>, mirror: Mirror) -> Self {
        let phase = if mirror.is_following() { MirrorPhase::Following } else { MirrorPhase::Copying };
        let status = MirrorStatus {
            phase,
            entities: mirror.entities,
            entities_expected: mirror.entities_expected().filter(|_| phase == MirrorPhase::Copying),
            imported: 0,
            commits_behind: 0,
            behind_ms: 0,
            attempts: 0,
            error: None,
        };
        let metrics = MirrorMetrics::new(mirror.store.name());
        let work = Work { mirror, phase, verify_after: String::new(), complete_at: clock::now() };
        Self { release, metrics, work: tokio::sync::Mutex::new(work), status: Mutex::new(status) }
    }

    fn lock(&self) -> MutexGuard<'_, MirrorStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::release) fn status(&self) -> MirrorStatus {
        self.lock().clone()
    }

    /// Notes that an attempt at the swap failed, and returns how many have.
    pub(in crate::release) fn attempt_failed(&self, why: String) -> u32 {
        let mut status = self.lock();
        status.attempts += 1;
        status.error = Some(why);
        status.attempts
    }

    pub(in crate::release) fn failed(&self, why: String) {
        self.lock().error = Some(why);
    }

    /// Does a little of the next work. Returns whether the copy is complete for now.
    pub(super) async fn step(&self) -> Result<bool, MirrorError> {
        let mut work = self.work.lock().await;
        let Work { mirror, phase, verify_after, complete_at } = &mut *work;
        match *phase {
            MirrorPhase::Copying => {
                if mirror.copy_next().await? {
                    *phase = MirrorPhase::Verifying;
                }
            }
            MirrorPhase::Verifying => {
                fail_point("mirror.before-verify");
                for _ in 0..PAGES_VERIFIED_AT_ONCE {
                    let Some(last) = mirror.verify_next(verify_after).await? else {
                        *phase = MirrorPhase::Following;
                        break;
                    };
                    *verify_after = last;
                }
            }
            MirrorPhase::Following => {}
        }
        // Before that, a page may change many times, and is copied again once at the end.
        let is_complete = match *phase {
            MirrorPhase::Following => mirror.follow(PAGES_AT_ONCE).await? == 0,
            MirrorPhase::Copying | MirrorPhase::Verifying => {
                mirror.note_commits();
                false
            }
        };
        if is_complete {
            *complete_at = clock::now();
            mirror.refresh_back(BACK_PAGES_AT_ONCE).await?;
        }
        let behind = if is_complete { Duration::ZERO } else { clock::elapsed(*complete_at) };
        self.metrics.entities.set(mirror.entities as f64);
        self.metrics.bytes.set(mirror.store.bytes_of(mirror.live.other()) as f64);
        self.metrics.commits_behind.set(mirror.commits_behind() as f64);
        self.metrics.behind_seconds.set(behind.as_secs_f64());
        let mut status = self.lock();
        status.phase = *phase;
        status.entities = mirror.entities;
        status.entities_expected = mirror.entities_expected().filter(|_| *phase == MirrorPhase::Copying);
        status.imported = mirror.imported();
        status.commits_behind = mirror.commits_behind();
        status.behind_ms = u64::try_from(behind.as_millis()).unwrap_or(u64::MAX);
        Ok(is_complete)
    }

    /// The live data and the copy, of one number at which both hold the same entities; `None` if commits come faster than it
    /// copies them.
    pub(in crate::release) async fn consistent_snapshots(
        &self,
    ) -> Result<Option<(Transaction, Transaction)>, MirrorError> {
        let mut work = self.work.lock().await;
        for _ in 0..SNAPSHOT_ATTEMPTS {
            if work.mirror.follow(PAGES_AT_ONCE).await? == 0
                && let Some(both) = work.mirror.consistent_snapshots()
            {
                return Ok(Some(both));
            }
        }
        Ok(None)
    }

    /// The mirror of the other direction, after the swap. This one is of no use any more.
    pub(in crate::release) async fn turn(&self) -> Mirror {
        self.work.lock().await.mirror.turn()
    }

    /// Makes the copy complete while no call changes the data. Returns a transaction on the copy, for the swap, and what keeps
    /// the mirror from doing anything meanwhile.
    pub(in crate::release) async fn finish(&self, deadline: Instant) -> Result<(Transaction, Frozen), MirrorError> {
        let finish = async {
            let mut work = self.work.lock().await;
            let frozen = work.mirror.finish(deadline).await?;
            Ok((work.mirror.store.begin(), frozen))
        };
        // Calls wait meanwhile, so a slow component must not decide how long this takes.
        let finished = tokio::time::timeout_at(deadline.into(), finish).await;
        finished.unwrap_or_else(|_| Err(MirrorError::NotInTime { dirty: self.status().commits_behind }))
    }
}
