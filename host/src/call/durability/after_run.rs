//! Decides whether a root call has ended after its first run, or the host repeats it.

use tokio::sync::oneshot;

use super::claims::Claim;
use super::durable_calls::{DurableCalls, closing_intent};
use super::root_persistence::RootPersistence;
use crate::call::engine::answer::{Answer, CallError};
use crate::call::engine::call::Ended;
use crate::call::engine::root::Root;
use crate::store::{CommitDetails, CommitError};

/// A root call that has run once.
pub(in crate::call) enum AfterRun {
    Ended(Result<Answer, CallError>),
    /// It failed after an effect elsewhere. The host repeats it until it ends.
    GoesOn(oneshot::Receiver<Result<Answer, CallError>>),
}

impl DurableCalls {
    /// Decides what happens after the first run of a root call: a call that failed after an effect elsewhere continues.
    pub(in crate::call) async fn after_run(
        &self,
        root: &Root,
        persistence: &RootPersistence,
        result: Result<Ended, CallError>,
        claim: Option<Claim>,
    ) -> AfterRun {
        let error = match result {
            Ok(ended) => return AfterRun::Ended(Ok(ended.answer)),
            // The host repeats nothing until it starts again.
            Err(stopped @ CallError::Stopped(_)) => return AfterRun::Ended(Err(stopped)),
            Err(error) => error,
        };
        if !persistence.is_unfinished() || (root.effects() == 0 && self.close(root).await.is_ok()) {
            return AfterRun::Ended(Err(error));
        }
        AfterRun::GoesOn(self.intents.add(persistence.intent(root), claim, Some(&error)))
    }

    /// Repeats a root call that panicked outside of its run, if it left an open intent.
    pub(in crate::call) fn adopt(&self, root: &Root, persistence: &RootPersistence) {
        if persistence.is_unfinished() {
            let _nobody_waits = self.intents.add(persistence.intent(root), None, None);
        }
    }

    /// Closes the intent of a call that failed without an effect.
    async fn close(&self, root: &Root) -> Result<(), CommitError> {
        let Some(backend) = root.table.backend(&root.details.service) else { return Ok(()) };
        let (call, store) = (root.id(), &backend.service.store);
        let closing = closing_intent(store, call).commit(CommitDetails { call, data_version: None });
        closing.await.map(|number| root.reach(number))
    }
}
