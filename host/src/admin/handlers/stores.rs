//! The stores for the operator, and the deletion of those that no service uses.

use serde::Serialize;

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::server::Admin;
use crate::names::ServiceName;
use crate::release::{Holder, StoreView};

#[derive(Debug, Serialize)]
pub(in crate::admin) struct StoreList {
    items: Vec<StoreView>,
}

impl Admin {
    pub(in crate::admin) fn stores(&self) -> StoreList {
        StoreList { items: self.releases.stores() }
    }

    /// Deletes the store of a removed service.
    pub(in crate::admin) async fn drop_store(&self, who: &Holder, name: &str) -> Result<(), AdminError> {
        admin_only(who, "delete a store")?;
        let name = ServiceName::parse(name)
            .map_err(|error| AdminError::not_found(format!("There is no store of {name:?}: {error}.")))?;
        self.releases.drop_store(who, &name).await.map_err(AdminError::from)
    }
}
