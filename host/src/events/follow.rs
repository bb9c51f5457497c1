//! Runs a loop for each pair and each schedule of the live releases, and follows their changes.

use std::sync::Arc;
use std::time::Duration;

use super::loop_slot::LoopClaim;
use super::registry::Events;
use super::{delivery_loop, handlers, retention, schedule};
use crate::call::Worlds;
use crate::tasks::{Lifetime, Stop};

/// How often the current contracts are compared with those of the loops.
const COMPARE_EVERY: Duration = Duration::from_millis(200);

impl Events {
    /// Deletes handled events until the tasks are stopped.
    pub async fn run_retention(self) {
        retention::run(&self.inner, self.inner.tasks.stop()).await;
    }

    /// Delivers events and runs schedules according to the contracts of the live releases, until the tasks are stopped.
    pub async fn run(self) {
        let mut stop = self.inner.tasks.stop();
        let mut known: Option<Worlds> = None;
        let (mut pairs, mut schedules) = (Vec::new(), Vec::new());
        while !stop.is_set() {
            let worlds = Arc::clone(self.inner.calls.routing().worlds());
            let changed = known.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &worlds));
            if changed {
                (pairs, schedules) = (handlers::pairs(&worlds), schedule::all(&worlds));
                known = Some(worlds);
            }
            for subscription in self.inner.set_pairs(&pairs) {
                if changed {
                    subscription.wake.notify_one();
                }
                if pairs.contains(&subscription.pair)
                    && let Some(claim) = subscription.loop_slot.claim()
                {
                    let name = format!("events of {} for {}", subscription.pair.emitter, subscription.pair.subscriber);
                    self.supervise(name, claim, move |stop| {
                        let subscription = Arc::clone(&subscription);
                        async move { delivery_loop::run(&subscription, stop).await }
                    });
                }
            }
            for schedule in self.inner.set_schedules(&schedules) {
                if changed {
                    schedule.wake.notify_one();
                }
                if schedules.contains(&schedule.id)
                    && let Some(claim) = schedule.loop_slot.claim()
                {
                    let name = format!("schedule {} of {}", schedule.id.name, schedule.id.service);
                    self.supervise(name, claim, move |stop| {
                        let schedule = Arc::clone(&schedule);
                        async move { schedule.run(stop).await }
                    });
                }
            }
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = tokio::time::sleep(COMPARE_EVERY) => {}
            }
        }
    }

    /// Runs a loop until it ends, and then releases its claim.
    fn supervise<F>(&self, name: String, claim: LoopClaim, run: impl Fn(Stop) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.inner.tasks.stop();
        self.inner.tasks.supervise(name, Lifetime::Work, move || {
            let _held = &claim;
            run(stop.clone())
        });
    }
}
