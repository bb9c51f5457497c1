//! The state that makes the calls of one host durable.

use std::sync::Arc;

use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

use super::claims::Claims;
use super::client_shares::ClientShares;
use super::in_flight::InFlight;
use super::open_intents::OpenIntents;
use super::sealer::Sealer;
use crate::call::engine::answer::CallError;
use crate::call::engine::root::Root;
use crate::call::routing::current::CurrentRouting;
use crate::call::routing::instances::Instances;
use crate::clock;
use crate::config::RetrySettings;
use crate::names::{CallId, HostSecret, ServiceName};
use crate::observe::LogLimits;
use crate::observe::traces::Span;
use crate::store::system::INTENTS;
use crate::store::{Store, Stores, Transaction};
use crate::tasks::Tasks;

#[derive(Debug)]
pub(in crate::call) struct DurableCalls {
    pub(in crate::call) stores: Stores,
    pub(in crate::call) current: Arc<CurrentRouting>,
    pub(in crate::call) instances: Arc<Instances>,
    pub(in crate::call) intents: OpenIntents,
    pub(in crate::call::durability) settings: RetrySettings,
    pub(in crate::call::durability) tasks: Tasks,
    pub(in crate::call::durability) claims: Claims,
    pub(in crate::call::durability) sealer: Sealer,
    pub(in crate::call::durability) shares: ClientShares,
    pub(in crate::call::durability) in_flight: InFlight,
    /// Notified when kept answers use most of their budget.
    pub(in crate::call::durability) full: Notify,
    /// Of lines about one cause in one service, each by its name.
    log_limits: LogLimits<(&'static str, ServiceName)>,
    /// The time at which the last root call began, in microseconds since the Unix epoch.
    last_began_at: AtomicU64,
}

impl DurableCalls {
    pub(in crate::call) fn new(
        current: &Arc<CurrentRouting>,
        instances: Arc<Instances>,
        stores: Stores,
        tasks: Tasks,
        settings: RetrySettings,
        secret: &HostSecret,
    ) -> Arc<Self> {
        Arc::new(Self {
            current: Arc::clone(current),
            instances,
            stores,
            tasks,
            intents: OpenIntents::default(),
            claims: Claims::default(),
            sealer: Sealer::new(secret),
            shares: ClientShares::new(settings.answers_kept_ms),
            in_flight: InFlight::default(),
            full: Notify::new(),
            log_limits: LogLimits::default(),
            last_began_at: AtomicU64::new(0),
            settings,
        })
    }

    /// The start time of a new root call. It never goes back, whatever the clock does.
    pub(in crate::call) fn begins_at(&self) -> u64 {
        let now = clock::unix_micros();
        self.last_began_at.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// Refuses calls that may write after the journal has stopped: a guest must not run for nothing.
    pub(in crate::call) fn check_running(&self) -> Result<(), CallError> {
        self.stores.stopped().map_or(Ok(()), |stopped| Err(CallError::Stopped(stopped)))
    }

    /// Whether `line` about `service` may be logged now.
    pub(in crate::call) fn may_log(&self, line: &'static str, service: &ServiceName) -> bool {
        self.log_limits.allows((line, service.clone()))
    }

    pub(in crate::call::durability) fn has_stopped(&self) -> bool {
        self.stores.stopped().is_some()
    }

    /// Waits until everything that the call committed or read is durable. This applies to errors too, because they also
    /// reveal something.
    pub(in crate::call) async fn wait_durable(&self, root: &Root) -> Result<(), CallError> {
        let (details, number) = (&root.details, root.reached());
        let waits = details.span.is_some() && (!details.function.reads_only() || self.stores.durable() < number);
        let mut span = if waits { details.span.child("commit wait") } else { Span::none() };
        span.describe(|details| details.number("switchyard.commit", number.0));
        Ok(self.stores.wait_durable(number).await?)
    }
}

/// A transaction of `store` that closes the intent `call`.
pub(in crate::call) fn closing_intent(store: &Store, call: CallId) -> Transaction {
    let mut transaction = store.begin();
    transaction.write_row(INTENTS.delete(&call));
    transaction
}
