//! A service: the state that stays the same when its release changes.

use std::sync::Arc;

use tokio::sync::RwLock;

use super::admission::Admission;
use super::recent_calls::RecentCalls;
use super::turns::Turns;
use crate::call::reuse::{AnswerCache, SerialNumber};
use crate::config::LimitSettings;
use crate::names::ServiceName;
use crate::observe::LogLimits;
use crate::observe::calls::{CallFigures, ServiceCalls};
use crate::store::Store;

/// The state that a service keeps from release to release.
#[derive(Debug)]
pub struct Service {
    name: ServiceName,
    /// Of this service with these limits.
    pub(in crate::call) serial: SerialNumber,
    pub(in crate::call) store: Store,
    pub(in crate::call) limits: LimitSettings,
    pub(in crate::call) admission: Admission,
    /// A call locks it shared while it commits. An exclusive run locks it exclusively.
    pub(in crate::call) exclusive: Arc<RwLock<()>>,
    /// Of calls that would change the same thing.
    pub(in crate::call) turns: Arc<Turns>,
    pub(in crate::call) calls: Arc<ServiceCalls>,
    /// For the rehearsal of the next release.
    pub(in crate::call) recent: Arc<RecentCalls>,
    /// The answers of its reading calls.
    pub(in crate::call) answers: Arc<AnswerCache>,
    /// Of lines about its calls.
    pub(in crate::call) log_limits: Arc<LogLimits<&'static str>>,
}

impl Service {
    #[must_use]
    pub fn new(name: ServiceName, store: Store, limits: LimitSettings) -> Self {
        let calls = ServiceCalls::new(&name);
        Self {
            admission: Admission::new(&limits),
            exclusive: Arc::default(),
            turns: Arc::default(),
            recent: Arc::default(),
            answers: AnswerCache::new(&name),
            log_limits: Arc::new(LogLimits::of_requests()),
            serial: SerialNumber::next(),
            name,
            store,
            limits,
            calls,
        }
    }

    /// The same service with other limits, on the same store. Its figures continue.
    ///
    /// Running calls keep their earlier limits. Until they have ended, the sum of both limits may run at once.
    #[must_use]
    pub fn within(&self, limits: LimitSettings) -> Self {
        Self {
            admission: Admission::new(&limits),
            exclusive: Arc::clone(&self.exclusive),
            turns: Arc::clone(&self.turns),
            name: self.name.clone(),
            serial: SerialNumber::next(),
            store: self.store.clone(),
            limits,
            calls: Arc::clone(&self.calls),
            recent: Arc::clone(&self.recent),
            answers: Arc::clone(&self.answers),
            log_limits: Arc::clone(&self.log_limits),
        }
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    #[must_use]
    pub fn limits(&self) -> &LimitSettings {
        &self.limits
    }

    /// The counts of its calls since the start.
    #[must_use]
    pub fn figures(&self) -> CallFigures {
        CallFigures { reused: self.answers.metrics.hits(), ..self.calls.figures() }
    }
}
