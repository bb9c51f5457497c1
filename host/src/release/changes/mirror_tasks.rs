//! The tasks of mirrors: they keep copies up to date, swap when a copy is complete, and delete data that nothing needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::error::DeployError;
use super::super::mirror::{Mirror, MirrorError, MirrorHandle, MirrorPhase, ProgramSide};
use super::super::records::record::{ChangeKind, MirrorRecord};
use super::super::records::state::{CopyUse, Running};
use super::super::releases::Releases;
use super::change_set::HOST;
use super::handover::end_mirror;
use crate::clock;
use crate::fail_point::fail_point;
use crate::limits::{HANDOVER_ATTEMPTS_MAX, MIRROR_CLEAR_ENTRIES};
use crate::names::ServiceName;
use crate::observe::error_chain;
use crate::store::system::MIRRORED_ENTITIES;
use crate::store::{CommitDetails, CommitError};
use crate::tasks::blocking;

/// How often it looks whether a service has a mirror, or data to delete.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long a mirror without work waits.
const IDLE: Duration = Duration::from_millis(50);

/// The same while a shadow compares calls: it can do so only when the copy holds every commit.
const IDLE_IN_SHADOW: Duration = Duration::from_millis(2);

/// How long a mirror waits after an error, and before the next attempt at a swap.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest wait after several errors: each logs a line.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// A first pass pauses after each step for this part of the time that the step took, so that the commits of calls get
/// between its own.
const PAUSE_PART: u32 = 8;

/// The longest of these pauses.
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// How often it looks for a moment at which recent calls can be repeated on the live data and on the copy: for ten seconds at
/// least.
const COMPARISONS_MAX: u32 = 200;

impl Releases {
    /// Runs the mirrors of all services until the tasks are stopped.
    pub async fn run_mirrors(self) {
        let mut stop = self.inner.tasks.stop();
        let running: Arc<Mutex<BTreeSet<ServiceName>>> = Arc::default();
        let mut clear_again = BTreeMap::new();
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.wait() => return,
                _ = ticks.tick() => {}
            }
            let state = self.state();
            for (name, service) in &state.services {
                match &service.record.mirror {
                    Some(mirror) => {
                        if !running.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
                            continue;
                        }
                        let (releases, mirror, service) = (self.clone(), mirror.clone(), service.clone());
                        let task =
                            RunningMirror { releases: self.clone(), running: Arc::clone(&running), name: name.clone() };
                        self.inner.tasks.spawn("mirror", async move {
                            releases.mirror_both_ways(&task.name, service, mirror).await;
                            drop(task);
                        });
                    }
                    None if clear_again.get(name).is_some_and(|at| clock::now() < *at) => {}
                    None => {
                        if let Err(error) = self.clear(name).await {
                            tracing::warn!(
                                service = %name,
                                error = &error as &dyn std::error::Error,
                                "the data of an ended handover cannot be deleted yet"
                            );
                            clear_again.insert(name.clone(), clock::now() + RETRY_AFTER_MAX);
                        }
                    }
                }
            }
        }
    }

    /// Runs the mirror of a service, and after each swap the one of the other direction, until the handover is ended.
    async fn mirror_both_ways(&self, name: &ServiceName, mut service: Running, mut record: MirrorRecord) {
        let mut earlier = None;
        while let Some(handle) = self.mirror(name, &service, &record, earlier.take()).await {
            let state = self.state();
            let Some((now, next)) = state.services.get(name).and_then(|now| Some((now, now.record.mirror.as_ref()?)))
            else {
                return;
            };
            let (before, after) = (&service.record, &now.record);
            let is_turned = after.generation == before.generation.other()
                && (after.live.digest, next.release.digest) == (record.release.digest, before.live.digest);
            earlier = if is_turned { Some(handle.turn().await) } else { None };
            (record, service) = (next.clone(), now.clone());
        }
    }

    /// Runs one mirror until it is ended or turned around. Returns it, unless the host stops or it never ran.
    async fn mirror(
        &self,
        name: &ServiceName,
        service: &Running,
        record: &MirrorRecord,
        mut turned: Option<Mirror>,
    ) -> Option<Arc<MirrorHandle>> {
        let mut stop = self.inner.tasks.stop();
        let mut wait = RETRY_AFTER;
        while self.is_current(name, record) {
            let (why, is_temporary) = match self.start_mirror(service, record, turned.take()).await {
                Err(error) => (error_chain(&error), false),
                Ok(handle) => {
                    self.inner.mirrors.set(name, Some(Arc::clone(&handle)));
                    let error = tokio::select! {
                        () = stop.wait() => return None,
                        ended = self.copy_until_ended(name, record, &handle) => match ended {
                            Ok(()) => return Some(handle),
                            Err(error) => error,
                        },
                    };
                    handle.failed(error_chain(&error));
                    (error_chain(&error), error.is_temporary())
                }
            };
            tracing::warn!(service = %name, error = why, "a mirror cannot continue");
            if !is_temporary && !record.was_live {
                self.abandon(name, record, why.clone()).await;
            }
            self.use_copy(name, record, None, &why).await;
            // The way back may open again, such as when an entity that is in its way has changed. And a handover that
            // could not be ended is ended later.
            tokio::select! {
                () = stop.wait() => return None,
                () = tokio::time::sleep(wait) => {}
            }
            wait = wait.saturating_mul(2).min(RETRY_AFTER_MAX);
        }
        None
    }

    /// Loads the release that gets the copy. A mirror of the other direction goes on where it was.
    async fn start_mirror(
        &self,
        service: &Running,
        record: &MirrorRecord,
        turned: Option<Mirror>,
    ) -> Result<Arc<MirrorHandle>, DeployError> {
        let (inner, owner, release) = (Arc::clone(&self.inner), Arc::clone(&service.service), record.release.clone());
        let loaded = blocking(move || inner.loader.load(&owner, &release)).await??;
        let no_contract = || DeployError::NoHandover { service: service.service.name().clone() };
        let source = service.live.program.contract().ok_or_else(no_contract)?;
        let target = loaded.program.contract().ok_or_else(no_contract)?;
        let (source, target) = (ProgramSide(Arc::clone(source)), ProgramSide(Arc::clone(target)));
        let store = service.service.store().clone();
        let new = || Mirror::new(store, service.record.generation, Arc::new(source), Arc::new(target));
        let mirror = turned.unwrap_or_else(new);
        fail_point("mirror.before-start");
        Ok(Arc::new(MirrorHandle::new(loaded, mirror)))
    }

    /// Copies until the mirror is ended or turned around.
    async fn copy_until_ended(
        &self,
        name: &ServiceName,
        record: &MirrorRecord,
        handle: &Arc<MirrorHandle>,
    ) -> Result<(), MirrorError> {
        // The way back goes to an implementation that these calls come from.
        let mut is_compared = record.was_live || record.answers_may_differ;
        let mut comparisons_left = COMPARISONS_MAX;
        loop {
            if !self.is_current(name, record) {
                return Ok(());
            }
            let began = clock::now();
            let is_complete = self.inner.mirrors.step(handle).await?;
            if is_complete && !is_compared {
                is_compared = self.compare_answers(name, handle).await?;
                comparisons_left -= 1;
                if !is_compared && comparisons_left == 0 {
                    tracing::warn!(service = %name, "recent calls are not repeated on the copy: its data changes too often");
                    is_compared = true;
                }
            }
            let is_usable = is_complete && is_compared;
            let has_passed = self.shadow_has_passed(name, record, handle, is_usable).await?;
            if is_usable && has_passed && record.header.is_some() {
                // The operator tries it with requests that read. The swap is a `promote`.
                let readers = CopyUse::Readers(Arc::clone(&handle.release));
                let why = "the copy is complete: requests with the header read it";
                self.use_copy(name, record, Some(readers), why).await;
            } else if is_usable && has_passed && !record.was_live {
                match self.swap(name, record).await {
                    Ok(()) => return Ok(()),
                    Err(error) => self.attempt_failed(name, record, handle, &error).await,
                }
            }
            match is_complete {
                true if self.is_in_shadow(name) => tokio::time::sleep(IDLE_IN_SHADOW).await,
                true => tokio::time::sleep(IDLE).await,
                // It must be faster than the calls that change the data, or it never reaches them.
                false if handle.status().phase == MirrorPhase::Following => tokio::task::yield_now().await,
                false => tokio::time::sleep((clock::elapsed(began) / PAUSE_PART).min(PAUSE_MAX)).await,
            }
        }
    }

    /// Tries to make the mirrored release live.
    async fn swap(&self, name: &ServiceName, record: &MirrorRecord) -> Result<(), DeployError> {
        let (inner, name, record) = (Arc::clone(&self.inner), name.clone(), record.clone());
        self.to_the_end(async move {
            let _changing = inner.changing.lock().await;
            let state = inner.state.load_full();
            if state.record(&name).and_then(|now| now.mirror.as_ref()) != Some(&record) {
                return Ok(());
            }
            let set = inner.hand_over(&state, &record.by, &name, ChangeKind::Handover, record.reason.clone())?;
            inner.run(set).await
        })
        .await
    }

    async fn attempt_failed(
        &self,
        name: &ServiceName,
        record: &MirrorRecord,
        handle: &MirrorHandle,
        error: &DeployError,
    ) {
        let why = error_chain(error);
        let attempts = handle.attempt_failed(why.clone());
        tracing::warn!(service = %name, attempts, error = why, "an attempt at a handover failed");
        if attempts >= HANDOVER_ATTEMPTS_MAX {
            let why = format!("{attempts} attempts failed; the last one: {why}");
            return self.abandon(name, record, why).await;
        }
        tokio::time::sleep(RETRY_AFTER.saturating_mul(attempts)).await;
    }

    /// Ends a handover that cannot succeed.
    async fn abandon(&self, name: &ServiceName, record: &MirrorRecord, why: String) {
        tracing::error!(service = %name, error = why, "a handover is given up");
        let (service, record) = (name.clone(), record.clone());
        let ended = self.change(move |inner, state| {
            let is_current = state.record(&service).and_then(|now| now.mirror.as_ref()) == Some(&record);
            if !is_current {
                return Err(DeployError::NoHandover { service });
            }
            let figures = inner.mirror_figures(state, &service);
            Ok((end_mirror(state, HOST, &service, Some(why), figures)?, ()))
        });
        if let Err(error) = ended.await {
            tracing::warn!(service = %name, error = &error as &dyn std::error::Error, "a handover is not ended yet");
        }
    }

    /// Deletes the data of the generation of `name` that no release runs on.
    async fn clear(&self, name: &ServiceName) -> Result<(), DeployError> {
        loop {
            // No handover begins between the look at the state and the commit.
            let _changing = self.inner.changing.lock().await;
            let state = self.state();
            let Some(service) = state.services.get(name).filter(|service| service.record.mirror.is_none()) else {
                return Ok(());
            };
            let (store, other) = (service.service.store(), service.record.generation.other());
            if store.bytes_of(other) == 0 && store.usage(&MIRRORED_ENTITIES).rows == 0 {
                return Ok(());
            }
            let mut transaction = store.begin().in_generation(other);
            let _more = transaction.clear(MIRROR_CLEAR_ENTRIES).map_err(CommitError::from)?;
            for key in store.row_keys(&MIRRORED_ENTITIES, .., MIRROR_CLEAR_ENTRIES).map_err(CommitError::from)? {
                transaction.write_row(MIRRORED_ENTITIES.delete(&key));
            }
            fail_point("mirror.before-clear");
            transaction.commit(CommitDetails::OF_THE_HOST).await?;
            fail_point("mirror.after-clear");
        }
    }

    fn is_current(&self, name: &ServiceName, record: &MirrorRecord) -> bool {
        self.state().record(name).and_then(|now| now.mirror.as_ref()) == Some(record)
    }
}

/// A mirror whose task runs. When the task ends, also by a panic, the mirror can be started again.
struct RunningMirror {
    releases: Releases,
    running: Arc<Mutex<BTreeSet<ServiceName>>>,
    name: ServiceName,
}

impl Drop for RunningMirror {
    fn drop(&mut self) {
        self.releases.inner.mirrors.set(&self.name, None);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
