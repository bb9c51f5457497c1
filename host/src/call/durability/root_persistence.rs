//! The persistence of one root call: its intent, the memos of its nested calls, and the rows at its end.
//!
//! Invariant: before a nested call that may write, the intent of its root call and all answers that its caller has
//! received are in the journal's order. So a run after a crash takes the same path up to the last effect.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::time::timeout_at;

use super::durable_calls::DurableCalls;
use super::in_flight::InFlightCall;
use super::intent::Intent;
use super::kept_answers::encoded;
use super::request_key::RequestKey;
use crate::call::engine::answer::{Answer, CallError};
use crate::call::engine::root::{BeforeEffect, Persistence, Root};
use crate::call::engine::seed::Seed;
use crate::call::routing::Backend;
use crate::contract::Function;
use crate::fail_point::fail_point;
use crate::limits::{ARGUMENTS_BYTES_MAX, COMMIT_BYTES_MAX};
use crate::names::CallId;
use crate::store::system::{INTENTS, MEMOS, MemoKey, RowKey, RowWrite, Table};
use crate::store::{CommitDetails, CommitError};

#[derive(Debug)]
pub(in crate::call) struct RootPersistence {
    durable: Arc<DurableCalls>,
    /// The client's key: the answer is kept under it.
    key: Option<RequestKey>,
    /// Rows to commit with the call's writes.
    rows: Vec<RowWrite>,
    /// Whether the caller repeats the call itself, so that it needs no intent.
    is_repeated: bool,
    intent_is_open: AtomicBool,
    has_ended: AtomicBool,
    /// Set before the first memo that a later run may need.
    in_flight: OnceLock<InFlightCall>,
}

impl RootPersistence {
    pub(in crate::call) fn new(
        durable: &Arc<DurableCalls>,
        key: Option<RequestKey>,
        rows: Vec<RowWrite>,
        is_repeated: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            durable: Arc::clone(durable),
            key,
            rows,
            is_repeated,
            intent_is_open: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            in_flight: OnceLock::new(),
        })
    }

    /// The persistence of a call whose intent is open.
    pub(in crate::call::durability) fn of_intent(durable: &Arc<DurableCalls>, intent: &Intent) -> Arc<Self> {
        let persistence = Self::new(durable, intent.key.clone(), intent.rows.clone(), false);
        persistence.intent_is_open.store(true, Ordering::Relaxed);
        persistence
    }

    /// Whether the host must repeat the call after a failure.
    pub(in crate::call::durability) fn is_unfinished(&self) -> bool {
        self.intent_is_open.load(Ordering::Relaxed) && !self.has_ended.load(Ordering::Relaxed)
    }

    /// Whether the commit that ends the call has its place in the journal.
    pub(in crate::call) fn is_committed(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    pub(in crate::call::durability) fn intent(&self, root: &Root) -> Intent {
        Intent::of(root, self.key.as_ref(), &self.rows)
    }

    async fn persist(&self, before: BeforeEffect<'_>) -> Result<(), CallError> {
        let BeforeEffect { root, caller, answers, .. } = &before;
        self.in_flight.get_or_init(|| self.durable.in_flight.enter(root.details.time_unix_micros, root.id()));
        let mut rows = Vec::with_capacity(answers.len() + 1);
        for (seed, answer) in answers {
            rows.push(self.memo(root, caller, seed, answer)?);
        }
        if !self.is_repeated && !self.intent_is_open.load(Ordering::Relaxed) {
            fail_point("intent.before-open");
            let service = &root.details.service;
            let no_service = || CallError::unavailable(service, "no such service");
            let backend = root.table.backend(service).ok_or_else(no_service)?;
            let opening = self.opening(root, backend)?;
            if caller.service.name() == service {
                rows.push(opening);
                commit(&before, caller, std::mem::take(&mut rows)).await?;
            } else {
                commit(&before, backend, vec![opening]).await?;
            }
            self.intent_is_open.store(true, Ordering::Relaxed);
            fail_point("intent.after-open");
        }
        commit(&before, caller, rows).await
    }

    fn opening(&self, root: &Root, backend: &Backend) -> Result<RowWrite, CallError> {
        let (intent, service) = (self.intent(root), &backend.service);
        if intent.arguments_bytes() > ARGUMENTS_BYTES_MAX {
            return Err(CallError::OverLimit { service: service.name().clone(), limit: "arguments_bytes" });
        }
        if service.store.usage(&INTENTS).bytes >= INTENTS.bytes_max(service.limits.kept_bytes_max) {
            return Err(CallError::unavailable(service.name(), "there is no room for more open intents"));
        }
        Ok(row(root, &INTENTS, &root.id(), intent.encode()))
    }
}

impl Persistence for RootPersistence {
    fn recall(
        &self,
        root: &Root,
        backends: &[&Backend],
        function: &Function,
        seed: &Seed,
    ) -> Result<Option<Answer>, CallError> {
        let key = memo_key(root, seed);
        for Backend { service, .. } in backends {
            let unreadable = |error: &dyn std::fmt::Display| {
                if service.log_limits.allows("a memo cannot be read") {
                    let request = root.details.request.as_str();
                    tracing::error!(service = %service.name(), request, %error, "a memo cannot be read");
                }
            };
            let mut transaction = service.store.begin_read();
            let memo = transaction.get_row(&MEMOS, &key).inspect_err(|error| unreadable(error));
            let unavailable = |why| CallError::unavailable(service.name(), why);
            let Some(memo) = memo.map_err(|_| unavailable("its store cannot be read"))? else { continue };
            root.reach(transaction.saw());
            let answer = Answer::decode(function, &memo).inspect_err(|error| unreadable(error));
            return answer.map(Some).map_err(|_| unavailable("it answered before by another contract"));
        }
        Ok(None)
    }

    fn persist_before_effect<'a>(&'a self, before: BeforeEffect<'a>) -> BoxFuture<'a, Result<(), CallError>> {
        Box::pin(self.persist(before))
    }

    fn memo(&self, root: &Root, backend: &Backend, seed: &Seed, answer: &Answer) -> Result<RowWrite, CallError> {
        let service = &backend.service;
        if service.store.usage(&MEMOS).bytes >= MEMOS.bytes_max(service.limits.kept_bytes_max) {
            return Err(CallError::unavailable(service.name(), "there is no room for more memos"));
        }
        Ok(row(root, &MEMOS, &memo_key(root, seed), encoded(service, answer)?))
    }

    fn rows_at_end(&self, root: &Root, backend: &Backend, answer: &Answer) -> Result<Vec<RowWrite>, CallError> {
        let (function, mut rows) = (&root.details.function, Vec::new());
        if self.intent_is_open.load(Ordering::Relaxed) {
            fail_point("intent.before-close");
            rows.push(INTENTS.delete(&root.id()));
        }
        if let Some(key) = self.key.as_ref().filter(|_| answer.is_kept(function)) {
            rows.extend(self.durable.keep(key, root.details.time_unix_micros, &backend.service, answer)?);
        }
        if answer.commits(function) {
            rows.extend(self.rows.iter().cloned());
        }
        Ok(rows)
    }

    fn has_ended(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
        if self.intent_is_open.load(Ordering::Relaxed) {
            fail_point("intent.after-close");
        }
    }
}

/// A row of a call. The first run of a call finds none of them.
fn row<K: RowKey>(root: &Root, table: &Table<K>, key: &K, value: impl Into<Bytes>) -> RowWrite {
    if root.details.may_have_run { table.put(key, value) } else { table.add(key, value) }
}

fn memo_key(root: &Root, seed: &Seed) -> MemoKey {
    MemoKey { began_at: root.details.time_unix_micros, root: root.id(), call: CallId::of_seed(seed) }
}

/// Commits rows in the store of `backend`, in their order. Uses several commits if one would be too large.
async fn commit(before: &BeforeEffect<'_>, backend: &Backend, rows: Vec<RowWrite>) -> Result<(), CallError> {
    let (mut next, mut bytes) = (Vec::new(), 0);
    for row in rows {
        if bytes + row.bytes() > COMMIT_BYTES_MAX {
            commit_at_once(before, backend, std::mem::take(&mut next)).await?;
            bytes = 0;
        }
        bytes += row.bytes();
        next.push(row);
    }
    commit_at_once(before, backend, next).await
}

async fn commit_at_once(before: &BeforeEffect<'_>, backend: &Backend, rows: Vec<RowWrite>) -> Result<(), CallError> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut transaction = backend.service.store.begin();
    rows.into_iter().for_each(|row| transaction.write_row(row));
    let details = CommitDetails { call: CallId::of_seed(before.caller_seed), data_version: None };
    let deadline: Instant = before.deadline;
    let service = backend.service.name();
    match timeout_at(deadline.into(), transaction.commit(details)).await {
        Ok(Ok(number)) => {
            before.root.reach(number);
            Ok(())
        }
        Ok(Err(CommitError::Stopped(stopped))) => Err(CallError::Stopped(stopped)),
        Ok(Err(error)) => {
            if backend.service.log_limits.allows("the state of a call cannot be persisted") {
                let request = before.root.details.request.as_str();
                tracing::warn!(%service, request, %error, "the state of a call cannot be persisted before its next \
                    effect");
            }
            Err(CallError::unavailable(service, "the state of the call cannot be persisted"))
        }
        Err(_elapsed) => Err(CallError::Deadline { service: service.clone() }),
    }
}
