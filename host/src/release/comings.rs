//! Services that come and go while the host runs: their stores, and the data in them.
//!
//! A crash leaves no more than a store that no service uses, which is kept until it is dropped or its service comes:
//! what the ledger says counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Inner;
use super::data::DataStamp;
use super::draft::Coming;
use super::error::DeployError;
use super::judge::Judged;
use super::migrate::commit_migration;
use super::record::ReleaseRecord;
use super::state::State;
use crate::call::Service;
use crate::names::ServiceName;
use crate::store::{Store, Stores};

/// A store that was added for a service that comes.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) store: Store,
    is_new: bool,
}

/// Adds the stores of services that come.
///
/// # Errors
///
/// [`DeployError::Store`]; the stores are as they were.
pub(super) async fn add(
    stores: &Stores,
    comings: &BTreeMap<ServiceName, Coming>,
) -> Result<BTreeMap<ServiceName, Added>, DeployError> {
    let stores = stores.clone();
    let wanted: Vec<_> = comings.iter().map(|(name, coming)| (name.clone(), coming.store_bytes_max)).collect();
    let adding = tokio::task::spawn_blocking(move || {
        let mut added = BTreeMap::new();
        for (name, bytes_max) in wanted {
            let is_new = stores.kept_store(&name).is_none();
            match stores.add(&name, bytes_max) {
                Ok(store) => added.insert(name, Added { store, is_new }),
                Err(error) => {
                    take_back(&stores, added);
                    return Err(error);
                }
            };
        }
        Ok(added)
    });
    Ok(adding.await??)
}

/// Makes the stores what they were before they were added.
pub(super) fn take_back(stores: &Stores, added: BTreeMap<ServiceName, Added>) {
    for (name, Added { is_new, .. }) in added {
        stores.detach(&name);
        if is_new && let Err(error) = stores.drop_store(&name) {
            tracing::warn!(service = %name, %error, "the empty store of a service that did not come is kept");
        }
    }
}

impl Inner {
    /// Brings the data of a service that comes to what its release writes. Nobody calls it yet, so that no call waits.
    pub(super) async fn bring_data(
        &self,
        coming: &Coming,
        service: &Arc<Service>,
        judged: &Judged,
    ) -> Result<(), DeployError> {
        let Some(release) = judged.release.as_ref().filter(|_| coming.needs_migration(judged)) else { return Ok(()) };
        let name = service.name();
        let failed = |why: String| DeployError::Migration { service: name.clone(), why };
        let from = coming.oldest_data;
        let from = u32::try_from(from).map_err(|_| failed(format!("no component migrates from version {from}")))?;
        let stamp = DataStamp::after(&judged.record, judged.data.version);
        let wait = Duration::from_millis(judged.data.pause_ms_max.into());
        // Without releases of its own to come back with, the store itself says all of its data.
        self.mark_removed(name, coming, Some(&judged.record))?;
        let migrated = commit_migration(service, release, from, stamp, wait).await;
        if migrated.is_err() && !DataStamp::of(service.store()).is_by(&judged.record) {
            self.mark_removed(name, coming, None)?;
        }
        migrated.map_err(failed)
    }

    /// Notes which release the data of a removed service is being migrated for.
    fn mark_removed(
        &self,
        name: &ServiceName,
        coming: &Coming,
        migrating: Option<&ReleaseRecord>,
    ) -> Result<(), DeployError> {
        let Some(earlier) = &coming.earlier else { return Ok(()) };
        self.mark(name, earlier, migrating)?;
        let mut next = State::clone(&self.state.load());
        let mut record = earlier.clone();
        record.migrating = migrating.cloned();
        next.removed.insert(name.clone(), record);
        self.state.store(Arc::new(next));
        Ok(())
    }
}
