//! Lines of the history about what the operator did that is no change of releases.

use std::sync::Arc;

use super::Releases;
use super::error::DeployError;
use super::record::{Event, What};
use super::tokens::Holder;
use crate::names::ServiceName;

impl Releases {
    /// Adds a line about `service` to the history, and waits until it is durable.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; there is no line.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end it: it goes on in the background.
    pub async fn note(
        &self,
        who: &Holder,
        service: &ServiceName,
        what: What,
        reason: String,
    ) -> Result<(), DeployError> {
        let event = Event { reason: Some(reason), ..Event::new(&who.name, service, what) };
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move { Ok(inner.tell(vec![event])?) }).await
    }
}
