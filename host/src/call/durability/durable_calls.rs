//! All that makes the calls of one host durable, and what happens to a root call that has run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;

use super::claims::Claim;
use super::client_shares::ClientShares;
use super::in_flight::InFlight;
use super::intent::Intent;
use super::open_intents::OpenIntents;
use super::root_persistence::RootPersistence;
use super::sealer::Sealer;
use crate::call::engine::answer::{Answer, CallError};
use crate::call::engine::call::Ended;
use crate::call::engine::root::Root;
use crate::call::routing::current::CurrentRouting;
use crate::clock;
use crate::config::RetrySettings;
use crate::names::{CallId, CommitSeq, HostSecret};
use crate::store::system::INTENTS;
use crate::store::{CommitDetails, CommitError, Stopped, Store, Stores, Transaction};
use crate::tasks::Tasks;

#[derive(Debug)]
pub(in crate::call) struct DurableCalls {
    pub(in crate::call) stores: Stores,
    pub(in crate::call) current: Arc<CurrentRouting>,
    pub(in crate::call) intents: OpenIntents,
    pub(in crate::call::durability) settings: RetrySettings,
    pub(in crate::call::durability) tasks: Tasks,
    pub(in crate::call::durability) claims: super::claims::Claims,
    pub(in crate::call::durability) sealer: Sealer,
    pub(in crate::call::durability) shares: ClientShares,
    pub(in crate::call::durability) in_flight: InFlight,
    /// Why the journal has stopped, once a call has met that.
    stopped: OnceLock<Stopped>,
    /// The time at which the last root call began, in microseconds since the Unix epoch.
    last_began_at: AtomicU64,
}

/// A root call that has run once.
pub(in crate::call) enum AfterRun {
    Ended(Result<Answer, CallError>),
    /// It failed after an effect elsewhere. The host repeats it until it ends.
    GoesOn(oneshot::Receiver<Result<Answer, CallError>>),
}

impl DurableCalls {
    pub(in crate::call) fn new(
        current: &Arc<CurrentRouting>,
        stores: Stores,
        tasks: Tasks,
        settings: RetrySettings,
        secret: &HostSecret,
    ) -> Arc<Self> {
        Arc::new(Self {
            current: Arc::clone(current),
            stores,
            tasks,
            intents: OpenIntents::default(),
            claims: super::claims::Claims::default(),
            sealer: Sealer::new(secret),
            shares: ClientShares::new(settings.answers_kept_ms),
            in_flight: InFlight::default(),
            stopped: OnceLock::new(),
            last_began_at: AtomicU64::new(0),
            settings,
        })
    }

    /// The time at which a root call begins now. It never goes back, whatever the clock does.
    pub(in crate::call) fn begins_at(&self) -> u64 {
        let now = clock::unix_micros();
        self.last_began_at.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// Refuses calls that may write once the journal has stopped: a guest must not run for nothing.
    pub(in crate::call) fn check_running(&self) -> Result<(), CallError> {
        self.stopped.get().map_or(Ok(()), |stopped| Err(CallError::Stopped(stopped.clone())))
    }

    pub(in crate::call::durability) fn has_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    /// Waits until all that the call made or saw is durable. Also an error tells something of that.
    pub(in crate::call) async fn wait_durable(&self, root: &Root) -> Result<(), CallError> {
        self.stores.wait_durable(root.reached()).await.map_err(|stopped| self.note(CallError::Stopped(stopped)))
    }

    fn note(&self, error: CallError) -> CallError {
        if let CallError::Stopped(stopped) = &error {
            let _first = self.stopped.set(stopped.clone());
        }
        error
    }

    /// Decides what happens after the first run of a root call: a call that failed after an effect elsewhere goes on.
    pub(in crate::call) async fn after_run(
        &self,
        root: &Root,
        persistence: &RootPersistence,
        result: Result<Ended, CallError>,
        claim: Option<Claim>,
    ) -> AfterRun {
        let error = match result.map_err(|error| self.note(error)) {
            Ok(ended) => return AfterRun::Ended(Ok(ended.answer)),
            // The host repeats nothing until it starts again.
            Err(stopped @ CallError::Stopped(_)) => return AfterRun::Ended(Err(stopped)),
            Err(error) => error,
        };
        if !persistence.is_unfinished() || (root.effects() == 0 && self.close(root).await.is_ok()) {
            return AfterRun::Ended(Err(error));
        }
        AfterRun::GoesOn(self.intents.add(Intent::of(root, persistence), claim, Some(&error)))
    }

    /// Repeats a root call that panicked outside of its run, if it left an open intent.
    pub(in crate::call) fn adopt(&self, root: &Root, persistence: &RootPersistence) {
        if persistence.is_unfinished() {
            let _nobody_waits = self.intents.add(Intent::of(root, persistence), None, None);
        }
    }

    /// Closes the intent of a call that failed without an effect.
    async fn close(&self, root: &Root) -> Result<(), CommitError> {
        let Some(backend) = root.table.backend(&root.details.service) else { return Ok(()) };
        close(&backend.service.store, root.id()).await.map(|number| root.reach(number))
    }
}

async fn close(store: &Store, call: CallId) -> Result<CommitSeq, CommitError> {
    closing_intent(store, call).commit(CommitDetails { call, data_version: None }).await
}

/// A transaction of `store` that closes the intent `call`.
pub(in crate::call) fn closing_intent(store: &Store, call: CallId) -> Transaction {
    let mut transaction = store.begin();
    transaction.write_row(INTENTS.delete(&call));
    transaction
}
