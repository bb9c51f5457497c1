//! What a call makes certain before it has an effect elsewhere: that it is made again after a crash, and that the run
//! which goes on then is told the same.
//!
//! Invariant: before a call makes one that may write, all that its run has been told by then is in the order of the
//! journal, and so is the intent of its root call.

use std::sync::Arc;

use tokio::time::timeout_at;
use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::derive::Seed;
use super::nested::{Nested, NestedError};
use super::table::Backend;
use crate::contract::Function;
use crate::fail_point::fail_point;
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::CallId;
use crate::store::system::{MEMOS, RowWrite};
use crate::store::{CommitDetails, CommitError};

impl Nested {
    /// What an earlier run, be it of a host that ended, was told by this call: kept by the service that it called, where
    /// it wrote something, and by the caller's own where not.
    pub(in crate::call) fn recall(&self, function: &Arc<Function>, seed: &Seed) -> Result<Option<Option<Val>>, NestedError> {
        if !self.root.again {
            return Ok(None);
        }
        let key = self.root.memo_key(seed);
        let callee = self.root.table.exporter(function).map(|(backend, _)| backend);
        for backend in [Some(&self.backend), callee].into_iter().flatten() {
            let service = backend.service.name();
            let lost = |why| NestedError::Call { error: CallError::unavailable(service, why) };
            let mut transaction = backend.service.store.begin_read();
            let unreadable = |error: &dyn std::fmt::Display| {
                tracing::error!(%service, request = self.root.request.as_str(), %error, "a memo cannot be read");
            };
            let memo = transaction.get_row(&MEMOS, &key).inspect_err(|error| unreadable(error));
            let Some(memo) = memo.map_err(|_| lost("its store cannot be read"))? else { continue };
            self.root.reach(transaction.saw());
            // Also of one that was made before: whoever called for it did not fail without an effect.
            self.root.had_effect();
            let answer = Answer::decode(function, &memo).inspect_err(|error| unreadable(error));
            let answer = answer.map_err(|_| lost("it answered before by another contract"))?;
            return Ok(Some(answer.into_result(function)));
        }
        Ok(None)
    }

    /// Sees to it that a run that goes on after a crash is told the same as this one, up to `position`, and that there
    /// is one: all that it commits is in the order of the journal before what the call that comes next does.
    pub(in crate::call) async fn make_certain(&mut self, position: usize) -> Result<(), NestedError> {
        let mut entries = Vec::new();
        for made in self.made.iter().take(position).filter(|made| !made.is_kept) {
            entries.push(self.root.memo(&made.seed, &Answer::of(&made.function, made.result.clone())));
        }
        if self.root.needs_intent() {
            fail_point("intent.before-open");
            if self.depth == 1 {
                entries.push(self.root.opening());
                self.commit(&self.backend, std::mem::take(&mut entries)).await?;
            } else {
                let Some(backend) = self.root.table.backend(&self.root.service) else {
                    return Err(NestedError::NoService { interface: Arc::clone(&self.root.function.interface) });
                };
                self.commit(backend, vec![self.root.opening()]).await?;
            }
            self.root.opened();
            fail_point("intent.after-open");
        }
        if !entries.is_empty() {
            self.commit(&self.backend, entries).await?;
        }
        self.made.iter_mut().take(position).for_each(|made| made.is_kept = true);
        Ok(())
    }

    /// Commits entries of the platform's own in the store of `backend`: in their order, by several commits where one would be
    /// too large.
    async fn commit(&self, backend: &Backend, entries: Vec<RowWrite>) -> Result<(), NestedError> {
        let (mut next, mut bytes) = (Vec::new(), 0);
        for write in entries {
            let more = write.bytes();
            if bytes + more > COMMIT_BYTES_MAX && !next.is_empty() {
                self.commit_at_once(backend, std::mem::take(&mut next)).await?;
                bytes = 0;
            }
            bytes += more;
            next.push(write);
        }
        self.commit_at_once(backend, next).await
    }

    async fn commit_at_once(&self, backend: &Backend, entries: Vec<RowWrite>) -> Result<(), NestedError> {
        let mut transaction = backend.service.store.begin();
        entries.into_iter().for_each(|write| transaction.write_row(write));
        let details = CommitDetails { call: CallId::of_seed(&self.seed), data_version: None };
        let service = backend.service.name();
        let error = match timeout_at(self.deadline.into(), transaction.commit(details)).await {
            Ok(Ok(number)) => {
                self.root.reach(number);
                return Ok(());
            }
            Ok(Err(CommitError::Stopped(stopped))) => CallError::Stopped(stopped),
            Ok(Err(error)) => {
                tracing::warn!(%service, request = self.root.request.as_str(), %error, "a call cannot be made certain");
                CallError::unavailable(service, "what it is to go on with after a crash cannot be kept")
            }
            Err(_elapsed) => CallError::Deadline { service: service.clone() },
        };
        Err(NestedError::Call { error })
    }
}
