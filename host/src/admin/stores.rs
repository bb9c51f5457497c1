//! The stores as the operator sees them, and the end of those that no service uses.

use serde::Serialize;

use super::Admin;
use super::releases::refused;
use super::routes::Refused;
use super::tokens::admin_only;
use crate::names::ServiceName;
use crate::release::{Holder, StoreView};

#[derive(Debug, Serialize)]
pub(super) struct StoreList {
    items: Vec<StoreView>,
}

impl Admin {
    pub(super) fn stores(&self) -> StoreList {
        StoreList { items: self.releases.stores() }
    }

    /// Deletes what a removed service stored.
    pub(super) async fn drop_store(&self, who: &Holder, name: &str) -> Result<(), Refused> {
        admin_only(who, "delete a store")?;
        let name = ServiceName::parse(name)
            .map_err(|error| Refused::not_found(format!("There is no store of {name:?}: {error}.")))?;
        self.releases.drop_store(who, &name).await.map_err(refused)
    }
}
