//! Whether a raw `wasi:http` component starts: the only test without a request, which could have any effect.

use super::state::State;
use super::{HttpFrame, HttpProgram, Instances};
use crate::runtime::instance::Failure;

impl HttpProgram {
    /// Starts an instance that reaches nothing outside, and ends it.
    ///
    /// # Errors
    ///
    /// [`Failure`], when it does not start before the deadline of `frame`. It is logged here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the guest and frees its slot and memory.
    pub async fn smoke(&self, frame: HttpFrame) -> Result<(), Failure> {
        let _counted = self.service.metrics.count_instance();
        let mut store = self.store(State::isolated(&self.service, &frame.request));
        let start = async {
            match &self.instances {
                Instances::Incoming(instances) => instances.instantiate_async(&mut store).await.map(drop),
                Instances::Handler(instances) => instances.instantiate_async(&mut store).await.map(drop),
            }
        };
        let result = match tokio::time::timeout_at(frame.deadline.into(), start).await {
            Ok(result) => result.map_err(Failure::of),
            Err(_) => Err(Failure::Deadline),
        };
        self.ended(store, &frame, &"its start", result)
    }
}
