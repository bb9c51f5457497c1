//! The stores that there are, and the end of what a removed service stored.

use std::sync::Arc;

use serde::Serialize;

use super::error::DeployError;
use super::record::{Event, What};
use super::state::State;
use super::tokens::Holder;
use super::{Inner, Releases};
use crate::names::ServiceName;
use crate::store::{DropError, Kept};

/// A store, of a service that exists or existed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    pub service: ServiceName,
    /// Of its keys and values.
    pub bytes: u64,
    /// Of what the host keeps of calls beside that: answers, memos, intents.
    pub platform_bytes: u64,
    /// Whether its service exists.
    pub in_use: bool,
}

impl Releases {
    /// All stores, by the name of their service.
    #[must_use]
    pub fn stores(&self) -> Vec<StoreView> {
        let Inner { stores, .. } = &*self.inner;
        let manifest = self.inner.manifest();
        let used = manifest.services.keys().filter_map(|name| {
            let store = stores.service(name)?;
            let (bytes, platform_bytes) = (store.bytes(), store.platform_bytes());
            Some(StoreView { service: name.clone(), bytes, platform_bytes, in_use: true })
        });
        let kept = stores.kept().into_iter().map(|Kept { service, bytes, platform_bytes }| StoreView {
            service,
            bytes,
            platform_bytes,
            in_use: false,
        });
        let mut all: Vec<_> = used.chain(kept).collect();
        all.sort_by(|one, other| one.service.cmp(&other.service));
        all
    }

    /// Deletes all that a removed service left: its store, and what was recorded of its releases.
    ///
    /// # Errors
    ///
    /// [`DeployError::Exists`] while the service does, [`DeployError::NothingLeft`] when it left nothing. After any other
    /// a second try ends what the first began.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end it: it goes on in the background.
    pub async fn drop_store(&self, who: &Holder, name: &ServiceName) -> Result<(), DeployError> {
        let (send, answer) = tokio::sync::oneshot::channel();
        let (inner, who, name) = (Arc::clone(&self.inner), who.clone(), name.clone());
        self.inner.tasks.spawn("drop", async move {
            // Whoever asked may be gone.
            let _unheard = send.send(inner.drop_store(&who, &name).await);
        });
        answer.await?
    }
}

impl Inner {
    /// The store goes first: a crash behind that leaves a record without a store, which a second try removes.
    async fn drop_store(&self, who: &Holder, name: &ServiceName) -> Result<(), DeployError> {
        let _changing = self.changing.lock().await;
        let state = self.state.load_full();
        if state.manifest.services.contains_key(name) {
            return Err(DeployError::Exists { service: name.clone() });
        }
        let (stores, service) = (self.stores.clone(), name.clone());
        let dropped = tokio::task::spawn_blocking(move || stores.drop_store(&service)).await?;
        let record = state.removed.get(name);
        match dropped {
            Err(DropError::Unknown { .. }) if record.is_none() => {
                return Err(DeployError::NothingLeft { service: name.clone() });
            }
            Ok(()) | Err(DropError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let from = record.map(|record| record.live.digest);
        let mut next = State::clone(&state);
        next.removed.remove(name);
        self.record(&next, vec![Event { from, ..Event::new(&who.name, name, What::Drop) }])?;
        self.state.store(Arc::new(next));
        self.sweep();
        Ok(())
    }
}
