//! The list of stores, and the end of a removed service's data.

use serde::Serialize;

use super::super::error::DeployError;
use super::super::records::record::{ChangeKind, NewEntry};
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::change_set::ChangeSet;
use crate::names::ServiceName;
use crate::store::UnusedStore;

/// A store, of a service that exists or existed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreView {
    pub service: ServiceName,
    /// The size of the component's keys and values.
    pub bytes: u64,
    /// The size of the host's own rows about calls: answers, memos, intents.
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
        let kept = stores.unused().into_iter().map(|UnusedStore { service, bytes, platform_bytes }| StoreView {
            service,
            bytes,
            platform_bytes,
            in_use: false,
        });
        let mut all: Vec<_> = used.chain(kept).collect();
        all.sort_by(|one, other| one.service.cmp(&other.service));
        all
    }

    /// Deletes everything of a removed service: its store, and the records of its releases.
    ///
    /// # Errors
    ///
    /// [`DeployError::Exists`] while the service exists, [`DeployError::NothingLeft`] when nothing of it remains.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end it: it continues in the background.
    pub async fn drop_store(&self, who: &Holder, name: &ServiceName) -> Result<(), DeployError> {
        let (who, name) = (who.name.clone(), name.clone());
        self.change(move |inner, state| {
            if state.manifest.services.contains_key(&name) {
                return Err(DeployError::Exists { service: name });
            }
            let record = state.removed.get(&name);
            if record.is_none() && inner.stores.kept_store(&name).is_none() {
                return Err(DeployError::NothingLeft { service: name });
            }
            let from = record.map(|record| record.live.digest);
            let event = NewEntry { from, ..NewEntry::new(&who, &name, ChangeKind::Drop) };
            let mut set = ChangeSet::note(state, vec![event]);
            set.after.removed.remove(&name);
            set.dropped = Some(name);
            Ok((set, ()))
        })
        .await
    }
}
