//! The other nodes of a cluster get ready for releases before a commit makes them live: each has the files, and has
//! compiled the component.

use std::collections::BTreeSet;

use super::super::loading::loader::LoadError;
use super::super::prepare::{Needed, Prepare};
use super::super::records::record::{ReleaseRecord, ServiceRecord};
use super::super::releases::{Inner, Releases};
use super::change_set::ChangeSet;
use crate::names::ServiceName;

impl Releases {
    /// From now on other nodes get ready with `prepare`. Only the first one is used.
    pub(crate) fn set_prepare(&self, prepare: Prepare) {
        let _first = self.inner.prepare.set(prepare);
    }

    /// Gets the files of what another node will run, and compiles it. Blocks.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: the commit that makes it live is applied nonetheless, and this node then tries again.
    pub(crate) fn get_ready(&self, needed: &[Needed]) -> Result<(), LoadError> {
        let loader = &self.inner.loader;
        for Needed { service, component, contracts } in needed {
            let bytes = loader.components.get_checked(component)?;
            let compiled = match contracts {
                Some(contracts) => loader.contracts(contracts).map(|_| loader.runtime.compile(&bytes))?,
                None => loader.runtime.compile_http(&bytes),
            };
            compiled.map_err(|source| LoadError::Compile { service: service.clone(), source })?;
        }
        Ok(())
    }
}

impl Inner {
    /// Waits until the other nodes are ready for the releases that `set` makes live.
    pub(super) async fn prepare_nodes(&self, set: &ChangeSet) {
        let Some(Prepare(prepare)) = self.prepare.get().filter(|_| set.swaps) else { return };
        let (before, after) = (needed(set.before.records()), needed(set.after.records()));
        let new: Vec<_> = after.difference(&before).cloned().collect();
        if !new.is_empty() {
            prepare(new).await;
        }
    }
}

/// What the running releases of `records` need.
fn needed<'r>(records: impl Iterator<Item = (&'r ServiceName, &'r ServiceRecord)>) -> BTreeSet<Needed> {
    let of = |(service, record): (&ServiceName, &'r ServiceRecord)| {
        let candidate = record.candidate.as_ref().map(|candidate| &candidate.release);
        let service = service.clone();
        let need = move |release: &ReleaseRecord| Needed {
            service: service.clone(),
            component: release.digest,
            contracts: release.contracts,
        };
        std::iter::once(&record.live).chain(candidate).map(need).collect::<Vec<_>>()
    };
    records.flat_map(of).collect()
}
