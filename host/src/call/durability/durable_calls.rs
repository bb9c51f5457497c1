//! What makes the calls of one host durable.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::claims::Claims;
use super::client_shares::ClientShares;
use super::in_flight::InFlight;
use super::open_intents::OpenIntents;
use super::sealer::Sealer;
use crate::call::engine::answer::CallError;
use crate::call::engine::root::Root;
use crate::call::routing::current::CurrentRouting;
use crate::clock;
use crate::config::RetrySettings;
use crate::names::{CallId, HostSecret};
use crate::store::system::INTENTS;
use crate::store::{Stopped, Store, Stores, Transaction};
use crate::tasks::Tasks;

#[derive(Debug)]
pub(in crate::call) struct DurableCalls {
    pub(in crate::call) stores: Stores,
    pub(in crate::call) current: Arc<CurrentRouting>,
    pub(in crate::call) intents: OpenIntents,
    pub(in crate::call::durability) settings: RetrySettings,
    pub(in crate::call::durability) tasks: Tasks,
    pub(in crate::call::durability) claims: Claims,
    pub(in crate::call::durability) sealer: Sealer,
    pub(in crate::call::durability) shares: ClientShares,
    pub(in crate::call::durability) in_flight: InFlight,
    /// Why the journal has stopped, once a call has met that.
    stopped: OnceLock<Stopped>,
    /// The time at which the last root call began, in microseconds since the Unix epoch.
    last_began_at: AtomicU64,
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
            claims: Claims::default(),
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

    /// Remembers that the journal has stopped, if that is the `error`.
    pub(in crate::call::durability) fn note(&self, error: CallError) -> CallError {
        if let CallError::Stopped(stopped) = &error {
            let _first = self.stopped.set(stopped.clone());
        }
        error
    }
}

/// A transaction of `store` that closes the intent `call`.
pub(in crate::call) fn closing_intent(store: &Store, call: CallId) -> Transaction {
    let mut transaction = store.begin();
    transaction.write_row(INTENTS.delete(&call));
    transaction
}
