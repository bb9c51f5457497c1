//! Runs one call to its commit: again when another call came first, in the lane when that happens too often.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::RwLockWriteGuard;
use tokio::time::timeout_at;

use super::answer::{Answer, CallError};
use super::execute::{Call, Ended};
use super::nested::{self, Held, NestedError};
use super::shadow::{Recorded, Watch};
use super::table::Backend;
use crate::fail_point::fail_point;
use crate::names::CallId;
use crate::runtime::{Failure, Finished, Frame, Outbound};
use crate::store::{CommitDetails, CommitError, StoreError, Transaction};

/// Runs beside others before a call takes the lane: a loser has cost a run, the lane holds up every writer of the
/// service.
const RUNS_BESIDE_OTHERS: usize = 3;

/// Runs in the lane before a call fails: only calls below it, or below one in another service's lane, come before it
/// there.
const RUNS_IN_LANE: usize = 3;

/// How a run stands to the other writers of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Shared,
    Own,
}

/// What came of one run.
enum Ran {
    Ended(Ended),
    /// Another call committed first what this one would have had to see.
    Lost(Box<dyn Outbound>),
}

impl Call {
    pub(super) async fn run_until_committed(&self) -> Result<Ended, CallError> {
        let mut watch = self.watch();
        let mut outbound = nested::outbound(self, watch.is_some());
        for _ in 0..RUNS_BESIDE_OTHERS {
            match self.run(outbound, Lane::Shared, &mut watch).await? {
                Ran::Ended(ended) => return Ok(ended),
                Ran::Lost(lost) => outbound = lost,
            }
            nested::run_again(&mut *outbound, self.held.as_ref());
        }
        let (_lane, held) = self.take_lane().await?;
        for _ in 0..RUNS_IN_LANE {
            nested::run_again(&mut *outbound, Some(&held));
            match self.run(outbound, Lane::Own, &mut watch).await? {
                Ran::Ended(ended) => return Ok(ended),
                Ran::Lost(lost) => outbound = lost,
            }
        }
        let service = self.backend.service.name();
        let (function, request) = (&self.function.name.wit, self.root.request.as_str());
        tracing::error!(%service, %function, request, "the calls below a call change again and again what it reads");
        Err(CallError::Failed { service: service.clone() })
    }

    /// Runs on a fresh snapshot. The run that ends the call is compared with what a candidate does, if there is a `watch`.
    async fn run(&self, outbound: Box<dyn Outbound>, lane: Lane, watch: &mut Option<Watch>) -> Result<Ran, CallError> {
        let Some(program) = self.backend.release.program.contract() else {
            return Err(CallError::unavailable(self.backend.service.name(), "its release has no contract"));
        };
        let finished = program.run(&self.function, &self.arguments, self.frame(outbound)).await;
        let Finished { result, transaction, outbound } = finished;
        let result = match result {
            Ok(result) => result,
            Err(failure) => {
                self.root.reach(transaction.saw());
                return Err(self.failed(failure));
            }
        };
        let answer = Answer::of(&self.function, result);
        let recorded =
            watch.as_ref().map(|_| Recorded { snapshot: transaction.snapshot(), effects: transaction.effects() });
        let mut ended = Ended { answer, reads: None, has_memo: false };
        if self.read_only {
            self.root.reach(transaction.saw());
            ended.reads = Some(transaction.into_reads());
        } else if !self.end(transaction, lane, &mut ended).await? {
            return Ok(Ran::Lost(outbound));
        }
        if let Some((watch, recorded)) = watch.take().zip(recorded) {
            watch.compare(self, &ended.answer, recorded, nested::made(outbound));
        }
        Ok(Ran::Ended(ended))
    }

    /// Commits what the answer lets stay, and with it what is kept of the call; false when another call came first.
    async fn end(&self, mut transaction: Transaction, lane: Lane, ended: &mut Ended) -> Result<bool, CallError> {
        let commits = ended.answer.commits(&self.function);
        if !commits {
            self.root.reach(transaction.saw());
            transaction = self.backend.service.store.begin();
        }
        if self.is_root() {
            if self.root.intent_is_open() {
                fail_point("intent.before-close");
            }
            let closing = self.root.closing(&ended.answer);
            closing.into_iter().for_each(|write| transaction.write_row(write));
        } else if commits && transaction.has_effects() {
            transaction.write_row(self.root.memo(&self.seed, &ended.answer));
            ended.has_memo = true;
            fail_point("memo.before-commit");
        }
        let committed = self.commit(transaction, lane).await?;
        if committed && ended.has_memo {
            fail_point("memo.after-commit");
            self.root.had_effect();
        }
        if self.is_root() && self.root.intent_is_open() {
            fail_point("intent.after-close");
        }
        Ok(committed)
    }

    fn frame(&self, outbound: Box<dyn Outbound>) -> Frame {
        let store = &self.backend.service.store;
        Frame {
            transaction: if self.read_only { store.begin_read() } else { store.begin() },
            identity: self.root.identity.clone(),
            calling_service: self.calling_service.clone(),
            seed: self.seed,
            time_unix_micros: self.root.time_unix_micros,
            deadline: self.deadline,
            outbound,
            request: self.root.request.clone(),
        }
    }

    /// Commits; false when another call came first.
    async fn commit(&self, mut transaction: Transaction, lane: Lane) -> Result<bool, CallError> {
        self.entries.iter().cloned().for_each(|write| transaction.write_row(write));
        // A call below one that holds a lane waits for no other: else two of them could wait for each other.
        let shares = lane == Lane::Shared && self.held.is_none() && transaction.has_effects();
        let commit = async {
            let _shared = if shares { Some(self.backend.service.lane.read().await) } else { None };
            transaction.commit(CommitDetails { call: CallId::of_seed(&self.seed), data_version: None }).await
        };
        match timeout_at(self.deadline.into(), commit).await {
            Ok(Ok(number)) => {
                self.root.reach(number);
                Ok(true)
            }
            Ok(Err(CommitError::Conflict)) => {
                self.backend.service.calls.conflicted();
                Ok(false)
            }
            Ok(Err(refused)) => Err(self.refused(refused)),
            Err(_elapsed) => Err(self.deadline_passed()),
        }
    }

    /// Waits until this call alone may write in its service; nothing to wait for when a call above it has seen to that.
    async fn take_lane(&self) -> Result<(Option<RwLockWriteGuard<'_, ()>>, Arc<Held>), CallError> {
        let Backend { service, .. } = &self.backend;
        if let Some(held) = self.held.as_ref().filter(|held| held.contains(service.name())) {
            return Ok((None, Arc::clone(held)));
        }
        match timeout_at(self.deadline.into(), service.lane.write()).await {
            Ok(lane) => Ok((Some(lane), Arc::new(Held::new(service.name(), self.held.as_ref())))),
            Err(_elapsed) => Err(self.deadline_passed()),
        }
    }

    /// What the caller is told of a run that gave no answer. The runtime has logged why.
    fn failed(&self, failure: Failure) -> CallError {
        let Backend { service, release } = &self.backend;
        // A call that is made again and again must not close the service to others.
        if !self.root.again && self.blames_component(&failure) && release.breaker.failed() {
            tracing::error!(service = %service.name(), digest = %release.digest, "circuit opened");
        }
        let service = service.name();
        let over = |limit| CallError::OverLimit { service: service.clone(), limit };
        match failure {
            Failure::Deadline => self.deadline_passed(),
            Failure::Trap { .. } | Failure::Store(_) => CallError::Failed { service: service.clone() },
            Failure::Memory { .. } => over("memory_bytes_max"),
            Failure::Limit { name, .. } => over(name),
            Failure::Slots { .. } => CallError::unavailable(service, "no instance is free"),
            Failure::Nested(error) => match NestedError::of(error) {
                Some(NestedError::Call { error }) => error,
                Some(NestedError::Limit { name, .. }) => over(name),
                Some(NestedError::NoService { .. } | NestedError::ReadOnly { .. }) | None => {
                    CallError::Failed { service: service.clone() }
                }
            },
        }
    }

    /// Whether a failure counts against the release: what another service, the host or a caller in a hurry brought
    /// about does not.
    fn blames_component(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Trap { .. } | Failure::Memory { .. } | Failure::Limit { .. } => true,
            Failure::Deadline => {
                let own = Duration::from_millis(self.backend.service.limits.deadline_ms);
                self.deadline.duration_since(self.begun) >= own / 2
            }
            Failure::Store(error) => !matches!(error, StoreError::Index(_) | StoreError::KeyNotText),
            Failure::Slots { .. } => false,
            Failure::Nested(error) => !matches!(error.0.downcast_ref(), Some(NestedError::Call { .. })),
        }
    }

    /// What the caller is told of a commit that the store did not take.
    fn refused(&self, refused: CommitError) -> CallError {
        let service = self.backend.service.name();
        let error = match &refused {
            CommitError::Stopped(stopped) => return CallError::Stopped(stopped.clone()),
            CommitError::Quota { .. } => CallError::unavailable(service, "its store is full"),
            CommitError::NoRoom { .. } => CallError::unavailable(service, "the disk is full"),
            CommitError::TooLarge { .. } | CommitError::Store(StoreError::CommitTooLarge) => {
                CallError::OverLimit { service: service.clone(), limit: "commit_bytes" }
            }
            CommitError::Store(_) => CallError::unavailable(service, "its store cannot be read"),
            CommitError::Dropped { .. } => CallError::unavailable(service, "it was removed, and its store dropped"),
            CommitError::Conflict | CommitError::Rehearsal => CallError::Failed { service: service.clone() },
        };
        let (function, request) = (&self.function.name.wit, self.root.request.as_str());
        tracing::warn!(%service, %function, request, error = %refused, "commit refused");
        error
    }

    fn deadline_passed(&self) -> CallError {
        CallError::Deadline { service: self.backend.service.name().clone() }
    }
}
