//! The subscriptions and schedules of one host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handlers::Pair;
use super::loop_slot::LoopSlot;
use super::schedule::{Schedule, ScheduleId};
use super::subscription::{StartSetting, Subscription};
use crate::call::{Backend, Calls};
use crate::config::{EventSettings, EventsFrom};
use crate::names::ServiceName;
use crate::observe::LogLimits;
use crate::store::{Store, Stores};
use crate::tasks::Tasks;

/// The events and schedules of one host. Clones share their state.
#[derive(Debug, Clone)]
pub struct Events {
    pub(super) inner: Arc<Registry>,
}

#[derive(Debug)]
pub(super) struct Registry {
    pub(super) calls: Calls,
    pub(super) stores: Stores,
    pub(super) settings: EventSettings,
    start: StartSetting,
    pub(super) tasks: Tasks,
    subscriptions: Mutex<BTreeMap<Pair, Arc<Subscription>>>,
    schedules: Mutex<BTreeMap<ScheduleId, Arc<Schedule>>>,
    /// Of the lines of retention, each about one service.
    pub(super) log_limits: LogLimits<(&'static str, ServiceName)>,
    /// Locked while an operator's request changes dead letters: two requests never replay the same event.
    pub(super) operating: tokio::sync::Mutex<()>,
}

impl Events {
    /// `starts_from` returns where a service starts with events that it has not subscribed to before. The loops run in
    /// `tasks`.
    #[must_use]
    pub fn new(
        calls: Calls,
        stores: Stores,
        settings: EventSettings,
        starts_from: impl Fn(&ServiceName) -> EventsFrom + Send + Sync + 'static,
        tasks: &Tasks,
    ) -> Self {
        let inner = Registry {
            calls,
            stores,
            settings,
            start: StartSetting(Arc::new(starts_from)),
            tasks: tasks.clone(),
            subscriptions: Mutex::default(),
            schedules: Mutex::default(),
            log_limits: LogLimits::default(),
            operating: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }
}

impl Registry {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<Pair, Arc<Subscription>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked_schedules(&self) -> MutexGuard<'_, BTreeMap<ScheduleId, Arc<Schedule>>> {
        self.schedules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps one subscription for each of `pairs`, and returns them. A subscription of another pair stays while its
    /// loop runs, so that no second one replaces it.
    pub(super) fn set_pairs(&self, pairs: &[Pair]) -> Vec<Arc<Subscription>> {
        let new = |pair| Subscription::new(pair, self.calls.clone(), self.settings.clone(), self.start.clone());
        set(&mut self.locked(), pairs, |subscription| &subscription.loop_slot, new)
    }

    /// The same for schedules.
    pub(super) fn set_schedules(&self, ids: &[ScheduleId]) -> Vec<Arc<Schedule>> {
        let new = |id| Schedule::new(id, self.calls.clone());
        set(&mut self.locked_schedules(), ids, |schedule| &schedule.loop_slot, new)
    }

    pub(super) fn schedules(&self) -> Vec<Arc<Schedule>> {
        self.locked_schedules().values().cloned().collect()
    }

    pub(super) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.locked().values().cloned().collect()
    }

    pub(super) fn subscription(&self, pair: &Pair) -> Option<Arc<Subscription>> {
        self.locked().get(pair).filter(|found| found.loop_slot.is_claimed()).cloned()
    }

    pub(super) fn store(&self, service: &ServiceName) -> Option<Store> {
        self.calls.routing().live().backend(service).map(|backend| backend.service.store().clone())
    }

    /// All services.
    pub(super) fn backends(&self) -> Vec<Backend> {
        self.calls.routing().live().backends().cloned().collect()
    }
}

fn set<K: Ord + Clone, T>(
    all: &mut BTreeMap<K, Arc<T>>,
    wanted: &[K],
    slot: impl Fn(&T) -> &LoopSlot,
    new: impl Fn(K) -> T,
) -> Vec<Arc<T>> {
    all.retain(|key, known| wanted.contains(key) || slot(known).is_claimed());
    for key in wanted {
        all.entry(key.clone()).or_insert_with(|| Arc::new(new(key.clone())));
    }
    all.values().cloned().collect()
}
