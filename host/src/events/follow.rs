//! Runs a loop for each pair and each schedule of the live releases, and follows their changes.

use std::sync::Arc;
use std::time::Duration;

use super::registry::Events;
use super::{delivery_loop, handlers, retention, schedule};
use crate::call::Worlds;

/// How often the contracts are compared with those that the loops run by.
const COMPARE_EVERY: Duration = Duration::from_millis(200);

impl Events {
    /// Delivers events and runs schedules, as the contracts of the live releases say, until the tasks are stopped.
    pub async fn run(self) {
        let mut stop = self.inner.tasks.stop();
        let (inner, stopped) = (Arc::clone(&self.inner), stop.clone());
        self.inner.tasks.spawn("event retention", async move { retention::run(&inner, stopped).await });
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
                    && let Some(claim) = subscription.claim_loop()
                {
                    let stop = self.inner.tasks.stop();
                    let run = async move { delivery_loop::run(&claim.0, stop).await };
                    self.inner.tasks.spawn("event delivery", run);
                }
            }
            for schedule in self.inner.set_schedules(&schedules) {
                if changed {
                    schedule.wake.notify_one();
                }
                if schedules.contains(&schedule.id)
                    && let Some(claim) = schedule.claim_loop()
                {
                    let stop = self.inner.tasks.stop();
                    self.inner.tasks.spawn("schedule", claim.run(stop));
                }
            }
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = tokio::time::sleep(COMPARE_EVERY) => {}
            }
        }
    }
}
