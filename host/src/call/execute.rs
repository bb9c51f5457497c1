//! Runs one call to its commit: again when another call came first, in the lane when that happens too often.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::RwLockReadGuard;
use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::directory::Member;
use super::nested::{Held, Nested, NestedError};
use super::root::{Root, Seed};
use crate::clock;
use crate::contract::Function;
use crate::names::{CallId, ServiceName};
use crate::observe::calls::Outcome;
use crate::runtime::{Failure, Finished, Frame};
use crate::store::{CommitDetails, CommitError, Reads, Transaction};

/// Runs beside others before a call takes the lane: a loser has cost a run, the lane holds up every writer of the
/// service.
const RUNS_BESIDE_OTHERS: usize = 3;

/// One call: what runs, on whose behalf, and within which bounds.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) root: Arc<Root>,
    pub(super) member: Member,
    pub(super) function: Arc<Function>,
    pub(super) arguments: Vec<Val>,
    pub(super) calling_service: Option<ServiceName>,
    /// 1 for a root call.
    pub(super) depth: usize,
    pub(super) deadline: Instant,
    pub(super) seed: Seed,
    /// Whether it, or a call above it, may only read.
    pub(super) read_only: bool,
    /// The lanes that calls above it hold.
    pub(super) held: Option<Arc<Held>>,
}

impl Call {
    /// A call from outside.
    pub(super) fn root(root: &Arc<Root>, member: &Member, function: &Arc<Function>, arguments: Vec<Val>) -> Self {
        let deadline = clock::now() + Duration::from_millis(member.service.limits.deadline_ms);
        Self {
            root: Arc::clone(root),
            member: member.clone(),
            read_only: function.reads_only(),
            function: Arc::clone(function),
            arguments,
            calling_service: None,
            depth: 1,
            deadline,
            seed: root.seed,
            held: None,
        }
    }

    /// Runs the call until its effects are in the order of the journal, though maybe not yet durable.
    pub(super) async fn execute(self) -> Result<Answer, CallError> {
        self.counted().await.map(|(answer, _reads)| answer)
    }

    /// Runs a read-only call, and tells what it read.
    pub(super) async fn read(self) -> Result<(Answer, Reads), CallError> {
        let service = self.member.service.name().clone();
        let (answer, reads) = self.counted().await?;
        reads.map(|reads| (answer, reads)).ok_or(CallError::Failed { service })
    }

    async fn counted(self) -> Result<(Answer, Option<Reads>), CallError> {
        let begin = clock::now();
        let result = self.admitted().await;
        let outcome = match &result {
            Ok((Answer::Ok(_), _)) => Outcome::Ok,
            Ok((Answer::Err(_), _)) => Outcome::Refused,
            Err(error) => error.outcome(),
        };
        self.member.service.calls.ended(outcome, begin.elapsed());
        result
    }

    async fn admitted(&self) -> Result<(Answer, Option<Reads>), CallError> {
        let Member { service, release } = &self.member;
        if !release.breaker.lets_through() {
            return Err(CallError::unavailable(service.name(), "its circuit is open after failures in a row"));
        }
        let _permit = match service.admission.enter(self.deadline, &service.calls).await {
            Ok(permit) => permit,
            Err(refused) => return Err(CallError::unavailable(service.name(), refused.why())),
        };
        let _running = service.calls.run();
        let result = self.run_until_committed().await;
        match &result {
            Ok(_) => release.breaker.succeeded(),
            Err(error) if error.blames_component() && release.breaker.failed() => {
                tracing::error!(service = %service.name(), digest = %release.digest, "circuit opened");
            }
            Err(_) => {}
        }
        result
    }

    async fn run_until_committed(&self) -> Result<(Answer, Option<Reads>), CallError> {
        let nested = Arc::new(Nested::of(self));
        for _ in 0..RUNS_BESIDE_OTHERS {
            if let Some(ended) = self.run_once(&nested, Lane::Beside).await? {
                return Ok(ended);
            }
        }
        let deadline = tokio::time::Instant::from_std(self.deadline);
        let lane = match self.holds_lane() {
            true => None,
            false => match tokio::time::timeout_at(deadline, self.member.service.lane.write()).await {
                Ok(lane) => Some(lane),
                Err(_elapsed) => return Err(self.deadline_passed()),
            },
        };
        nested.hold_lane();
        let ended = self.run_once(&nested, Lane::Alone).await?;
        drop(lane);
        // Only its own nested calls can have come between: the contract's services call each other in a circle.
        ended.ok_or_else(|| self.failed("a call below it changed what it had read"))
    }

    /// Runs on a fresh snapshot; nothing when another call committed first what this one would have had to see.
    async fn run_once(&self, nested: &Arc<Nested>, lane: Lane) -> Result<Option<(Answer, Option<Reads>)>, CallError> {
        nested.rewind();
        let Finished { result, transaction, .. } =
            self.member.release.program.run(&self.function, &self.arguments, self.frame(nested)).await;
        let result = match result {
            Ok(result) => result,
            Err(failure) => {
                self.root.reach(transaction.saw());
                return Err(self.explain(failure));
            }
        };
        let answer = Answer::of(&self.function, result);
        if self.read_only || !answer.commits(&self.function) {
            self.root.reach(transaction.saw());
            return Ok(Some((answer, self.read_only.then(|| transaction.into_reads()))));
        }
        let _shared = match lane {
            Lane::Beside if transaction.has_effects() && !self.holds_lane() => Some(self.share_lane().await?),
            _ => None,
        };
        match transaction.commit(CommitDetails { call: CallId::of_seed(&self.seed), memo: None }).await {
            Ok(number) => {
                self.root.reach(number);
                Ok(Some((answer, None)))
            }
            Err(CommitError::Conflict) => {
                self.member.service.calls.conflicted();
                Ok(None)
            }
            Err(CommitError::Stopped(stopped)) => Err(CallError::Stopped(stopped)),
            Err(refused) => {
                tracing::warn!(service = %self.member.service.name(), function = %self.function.name.wit, error = %refused, "commit refused");
                Err(CallError::unavailable(self.member.service.name(), "its store takes no more"))
            }
        }
    }

    /// What the caller is told of a run that gave no answer. The runtime has logged why.
    fn explain(&self, failure: Failure) -> CallError {
        let service = self.member.service.name();
        match failure {
            Failure::Deadline => self.deadline_passed(),
            Failure::Trap { .. } | Failure::Store(_) => CallError::Failed { service: service.clone() },
            Failure::Memory { .. } => CallError::OverLimit { service: service.clone(), limit: "memory_bytes_max" },
            Failure::Limit { name, .. } => CallError::OverLimit { service: service.clone(), limit: name },
            Failure::Slots { .. } => CallError::unavailable(service, "no instance is free"),
            Failure::Nested(error) => match NestedError::of(error) {
                Some(NestedError::Call { error }) => error,
                Some(NestedError::TooDeep { .. }) => {
                    CallError::OverLimit { service: service.clone(), limit: "call_depth_max" }
                }
                Some(NestedError::NoService { .. } | NestedError::ReadOnly { .. }) | None => {
                    CallError::Failed { service: service.clone() }
                }
            },
        }
    }

    fn frame(&self, nested: &Arc<Nested>) -> Frame {
        let store = &self.member.service.store;
        let transaction: Transaction = if self.read_only { store.begin_read() } else { store.begin() };
        Frame {
            transaction,
            identity: self.root.identity.clone(),
            calling_service: self.calling_service.clone(),
            seed: self.seed,
            time_unix_micros: self.root.time_unix_micros,
            deadline: self.deadline,
            outbound: Box::new(Arc::clone(nested)),
            request: self.root.request.clone(),
        }
    }

    fn holds_lane(&self) -> bool {
        Held::contains(self.held.as_ref(), self.member.service.name())
    }

    async fn share_lane(&self) -> Result<RwLockReadGuard<'_, ()>, CallError> {
        let lane = &self.member.service.lane;
        if let Ok(guard) = lane.try_read() {
            return Ok(guard);
        }
        let deadline = tokio::time::Instant::from_std(self.deadline);
        tokio::time::timeout_at(deadline, lane.read()).await.map_err(|_elapsed| self.deadline_passed())
    }

    fn deadline_passed(&self) -> CallError {
        CallError::Deadline { service: self.member.service.name().clone() }
    }

    fn failed(&self, why: &str) -> CallError {
        let service = self.member.service.name();
        tracing::error!(%service, function = %self.function.name.wit, request = self.root.request.as_str(), why, "call failed");
        CallError::Failed { service: service.clone() }
    }
}

/// How a run stands to the other writers of its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Beside,
    Alone,
}
