//! What the host calls by itself: events are delivered to those who take them, and schedules run on time.
//!
//! Invariant: an event takes effect once, as what it brings about is committed with the position behind it. Nobody waits
//! for another subscriber.

mod deliver;
mod entries;
mod letter;
mod needed;
mod operate;
mod parked;
mod position;
mod retry;
mod schedule;
mod slot;
mod subscription;
mod taken;
mod upkeep;
mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::call::{Calls, Worlds};
use crate::config::{EventSettings, EventsFrom};
use crate::names::ServiceName;
use crate::store::Store;
use crate::tasks::Tasks;
use schedule::{Schedule, ScheduleId};
use subscription::Subscription;
use taken::Pair;

pub use letter::LetterId;
pub use operate::{LetterError, Letters};
pub use view::{LetterView, ScheduleView, SubscriptionView};

/// How often it is looked whether the releases are others.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The events and schedules of one host. Clones are the same ones.
#[derive(Debug, Clone)]
pub struct Events {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    calls: Calls,
    settings: EventSettings,
    begins: Begins,
    tasks: Tasks,
    subscriptions: Mutex<BTreeMap<Pair, Arc<Subscription>>>,
    schedules: Mutex<BTreeMap<ScheduleId, Arc<Schedule>>>,
    /// Held by whoever changes dead letters for the operator.
    operating: tokio::sync::Mutex<()>,
}

/// Says where a service begins with events that it has not taken before.
#[derive(Clone)]
struct Begins(Arc<dyn Fn(&ServiceName) -> EventsFrom + Send + Sync>);

impl fmt::Debug for Begins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Begins").finish_non_exhaustive()
    }
}

impl Events {
    /// `begins` says where a service begins with events that it has not taken before. What runs, runs in `tasks`.
    #[must_use]
    pub fn new(
        calls: Calls,
        settings: EventSettings,
        begins: impl Fn(&ServiceName) -> EventsFrom + Send + Sync + 'static,
        tasks: &Tasks,
    ) -> Self {
        let inner = Inner {
            calls,
            settings,
            begins: Begins(Arc::new(begins)),
            tasks: tasks.clone(),
            subscriptions: Mutex::default(),
            schedules: Mutex::default(),
            operating: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Delivers events and runs schedules, as the releases have them that are live, until the tasks are told to stop.
    pub async fn keep(self) {
        let mut stop = self.inner.tasks.stop();
        let (inner, stopped) = (Arc::clone(&self.inner), stop.clone());
        self.inner.tasks.spawn("event upkeep", async move { upkeep::run(&inner, stopped).await });
        let mut seen: Option<Worlds> = None;
        let (mut pairs, mut schedules) = (Vec::new(), Vec::new());
        while !stop.is_set() {
            let worlds = Arc::clone(self.inner.calls.routing().worlds());
            let changed = seen.as_ref().is_none_or(|seen| !Arc::ptr_eq(seen, &worlds));
            if changed {
                (pairs, schedules) = (taken::pairs(&worlds), schedule::all(&worlds));
                seen = Some(worlds);
            }
            self.inner.follow(&pairs, changed);
            self.inner.keep_time(&schedules, changed);
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }
}

impl Inner {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<Pair, Arc<Subscription>>> {
        self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the subscriptions to `pairs`. Where these have `changed`, those that run are told.
    fn follow(&self, pairs: &[Pair], changed: bool) {
        let mut subscriptions = self.locked();
        // One that is wanted no more ends by itself. Until then no other may take its place.
        subscriptions.retain(|pair, subscription| pairs.contains(pair) || subscription.is_running());
        for subscription in subscriptions.values().filter(|_| changed) {
            subscription.wake.notify_one();
            subscription.retry.notify_one();
        }
        for pair in pairs {
            let subscription = subscriptions.entry(pair.clone()).or_insert_with(|| {
                let (calls, settings, begins) = (self.calls.clone(), self.settings.clone(), self.begins.clone());
                Arc::new(Subscription::new(pair.clone(), calls, settings, begins))
            });
            subscription.start(&self.tasks);
        }
    }

    /// The same for schedules.
    fn keep_time(&self, ids: &[ScheduleId], changed: bool) {
        let mut schedules = self.schedules.lock().unwrap_or_else(PoisonError::into_inner);
        schedules.retain(|id, schedule| ids.contains(id) || schedule.has_task());
        for schedule in schedules.values().filter(|_| changed) {
            schedule.wake.notify_one();
        }
        for id in ids {
            let schedule =
                schedules.entry(id.clone()).or_insert_with(|| Arc::new(Schedule::new(id.clone(), self.calls.clone())));
            schedule.start(&self.tasks);
        }
    }

    fn schedules(&self) -> Vec<Arc<Schedule>> {
        self.schedules.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.locked().values().cloned().collect()
    }

    fn store(&self, service: &ServiceName) -> Option<Store> {
        self.calls.routing().live().backend(service).map(|member| member.service.store().clone())
    }

    /// The stores of all services.
    fn stores(&self) -> Vec<(ServiceName, Store)> {
        let routing = self.calls.routing();
        let stores =
            routing.live().backends().map(|member| (member.service.name().clone(), member.service.store().clone()));
        stores.collect()
    }
}
