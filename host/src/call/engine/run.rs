//! Runs one call to its commit: in its turn after a conflict, and exclusively after several.

use std::sync::Arc;

use super::answer::{Answer, CallError};
use super::call::{Call, Ended};
use super::commit::{Conflict, NotCommitted, commit};
use super::exclusive::ExclusiveRun;
use super::nested::outbound;
use super::record::NestedRecord;
use super::shadow::{Observed, ShadowCall};
use crate::call::routing::turns::HeldTurns;
use crate::fail_point::fail_point;
use crate::names::CallId;
use crate::runtime::{Finished, Frame};
use crate::store::Transaction;

/// Concurrent runs before a call runs exclusively: a conflict costs a run, an exclusive run delays other writers.
pub(in crate::call::engine) const RUNS_BESIDE_OTHERS: usize = 3;

/// The maximum of runs. Only nested calls of a call can conflict with its exclusive run, and a component that causes
/// this repeatedly is faulty.
const RUNS_MAX: usize = RUNS_BESIDE_OTHERS + 3;

/// The result of one run.
enum RunResult {
    Ended(Ended),
    Conflict(Conflict),
}

impl Call {
    pub(in crate::call::engine) async fn run_until_committed(self: &Arc<Self>) -> Result<Ended, CallError> {
        let mut shadow = self.shadow();
        let record = NestedRecord::of(self, shadow.is_some());
        let mut exclusive = self.exclusive.clone();
        let mut keys = self.expected_keys();
        for run in 1..=RUNS_MAX {
            let turns = if exclusive.is_none() { self.take_turns(&keys).await? } else { HeldTurns::default() };
            match self.run(&record, exclusive.as_ref(), &turns, &mut shadow).await? {
                RunResult::Ended(ended) => return Ok(ended),
                RunResult::Conflict(conflict) => keys.extend(self.lost_key(conflict, &record)),
            }
            drop(turns);
            if run >= RUNS_BESIDE_OTHERS && exclusive.is_none() {
                let (table, service) = (&self.root.table, self.backend.service.name());
                exclusive = Some(Arc::new(ExclusiveRun::begin(table, service, self.deadline).await?));
            }
            record.rewind();
        }
        let service = self.backend.service.name();
        if self.backend.service.log_limits.allows("nested calls change what a call reads") {
            let (function, request) = (&self.function.name.wit, self.root.details.request.as_str());
            tracing::error!(%service, %function, request, "nested calls of a call change data that it reads, in every \
                run: change the component");
        }
        Err(CallError::Failed { service: service.clone() })
    }

    /// Runs on a fresh snapshot. If there is a `shadow`, the run that ends the call is compared with the candidate's
    /// run.
    async fn run(
        self: &Arc<Self>,
        record: &NestedRecord,
        exclusive: Option<&Arc<ExclusiveRun>>,
        turns: &HeldTurns,
        shadow: &mut Option<ShadowCall>,
    ) -> Result<RunResult, CallError> {
        let Some(program) = self.backend.release.program.contract() else {
            return Err(CallError::unavailable(self.backend.service.name(), "its release has no contract"));
        };
        let frame = self.frame(record, exclusive, turns);
        let Finished { result, transaction, uses } =
            program.run(&self.function, Arc::clone(&self.arguments), frame).await;
        let result = match result {
            Ok(result) => result,
            Err(failure) => {
                self.root.reach(transaction.saw());
                return Err(self.failed(failure, record.take_error()));
            }
        };
        let answer = Answer::of(&self.function, result);
        let observed =
            shadow.as_ref().map(|_| Observed { snapshot: transaction.snapshot(), effects: transaction.effects() });
        let mut ended = Ended { answer, provenance: None, has_memo: false, cached: None, is_reused: false };
        if self.read_only {
            self.root.reach(transaction.saw());
            if self.root.table.reuses() {
                ended.provenance = Some(self.provenance(transaction, uses, record.take_below()));
            }
        } else if let Err(conflict) = self.end(transaction, exclusive, &mut ended).await? {
            return Ok(RunResult::Conflict(conflict));
        }
        if let Some((shadow, observed)) = shadow.take().zip(observed) {
            shadow.compare(self, &ended.answer, observed, record.take_calls());
        }
        Ok(RunResult::Ended(ended))
    }

    /// Commits the writes, if the answer keeps them, and the rows of the call.
    async fn end(
        &self,
        mut transaction: Transaction,
        exclusive: Option<&Arc<ExclusiveRun>>,
        ended: &mut Ended,
    ) -> Result<Result<(), Conflict>, CallError> {
        let Self { root, seed, .. } = self;
        let commits = ended.answer.commits(&self.function);
        if !commits {
            root.reach(transaction.saw());
            transaction = self.backend.service.store.begin().in_generation(self.backend.generation);
        }
        if self.is_root() {
            let rows = root.persistence.rows_at_end(root, &self.backend, &ended.answer)?;
            rows.into_iter().for_each(|row| transaction.write_row(row));
        } else if commits && transaction.has_effects() {
            transaction.write_row(root.persistence.memo(root, &self.backend, seed, &ended.answer)?);
            ended.has_memo = true;
            fail_point("memo.before-commit");
        }
        let committed = self.commit(transaction, exclusive).await?;
        if committed.is_ok() && ended.has_memo {
            root.had_effect();
            fail_point("memo.after-commit");
        }
        if committed.is_ok() && self.is_root() {
            root.persistence.has_ended();
        }
        Ok(committed)
    }

    fn frame(
        self: &Arc<Self>,
        record: &NestedRecord,
        exclusive: Option<&Arc<ExclusiveRun>>,
        turns: &HeldTurns,
    ) -> Frame {
        let (details, store) = (&self.root.details, &self.backend.service.store);
        Frame {
            transaction: if self.read_only { store.begin_read() } else { store.begin() }
                .in_generation(self.backend.generation),
            identity: details.identity.clone(),
            calling_service: self.calling_service.clone(),
            seed: self.seed,
            time_unix_micros: details.time_unix_micros,
            deadline: self.deadline,
            outbound: outbound(self, record, exclusive, turns),
            request: details.request.clone(),
        }
    }

    async fn commit(
        &self,
        transaction: Transaction,
        exclusive: Option<&Arc<ExclusiveRun>>,
    ) -> Result<Result<(), Conflict>, CallError> {
        let service = &self.backend.service;
        let is_exclusive = exclusive.is_some_and(|exclusive| exclusive.covers(service.name()));
        let transaction = transaction.in_span(self.span.clone());
        let call = CallId::of_seed(&self.seed);
        match commit(service, transaction, call, is_exclusive, self.deadline).await {
            Ok(number) => {
                self.root.reach(number);
                Ok(Ok(()))
            }
            Err(NotCommitted::Conflict(conflict)) => Ok(Err(conflict)),
            Err(NotCommitted::Refused(refused)) => Err(self.refused(&refused)),
            Err(NotCommitted::Deadline) => Err(self.deadline_passed()),
        }
    }
}
