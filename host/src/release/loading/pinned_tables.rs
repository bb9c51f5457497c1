//! Releases for interrupted calls that continue on their original releases, although these are not live any more.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::super::records::state::{Running, State};
use super::super::records::stored_data::DataFit;
use super::loader::ReleaseLoader;
use crate::call::{Backend, RoutingTable};
use crate::names::{Digest, ServiceName};

/// The tables in use: many calls that were interrupted at the same time began with the same releases.
#[derive(Debug, Default)]
pub(in crate::release) struct PinnedTables(Mutex<Vec<Choice>>);

#[derive(Debug)]
struct Choice {
    releases: Vec<(ServiceName, Digest)>,
    table: Weak<RoutingTable>,
}

impl PinnedTables {
    /// A routing table with `releases`, and with the live releases of all other services; `None` if one of them cannot
    /// run.
    pub(in crate::release) fn table(
        &self,
        state: &State,
        loader: &ReleaseLoader,
        releases: &[(ServiceName, Digest)],
    ) -> Option<Arc<RoutingTable>> {
        let mut chosen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.retain(|choice| choice.table.strong_count() > 0);
        let known = chosen.iter().find(|choice| choice.releases == releases);
        if let Some(table) = known.and_then(|choice| choice.table.upgrade()) {
            return Some(table);
        }
        let backend = |(name, running): (&ServiceName, &Running)| {
            let began_with = releases.iter().find(|(service, _)| service == name);
            match began_with {
                Some((_, digest)) if *digest != running.live.digest => pinned_backend(loader, running, digest),
                _ => Some(running.live_backend()),
            }
        };
        let members = state.services.iter().map(backend).collect::<Option<Vec<_>>>()?;
        // A service that the kept releases call may be gone.
        let table = Arc::new(RoutingTable::new(members, &[]).ok()?);
        chosen.push(Choice { releases: releases.to_vec(), table: Arc::downgrade(&table) });
        Some(table)
    }
}

/// The kept release `digest`, if it can run on the current data.
fn pinned_backend(loader: &ReleaseLoader, running: &Running, digest: &Digest) -> Option<Backend> {
    let record = running.record.kept.iter().find(|kept| kept.digest == *digest)?;
    // Otherwise it would write data of an earlier version between entries of the current one.
    let same_version = record.data.writes == running.record.live.data.writes;
    let fits = matches!(running.data().fit(&record.data, false), DataFit::Same | DataFit::Migrates);
    if !fits || !same_version {
        return None;
    }
    let release = loader.load(&running.service, record).inspect_err(|error| {
        tracing::warn!(service = %running.service.name(), %digest, %error, "an earlier release cannot run: its \
            unfinished calls continue on the live release");
    });
    let generation = running.record.generation;
    Some(Backend { service: Arc::clone(&running.service), release: release.ok()?, generation })
}
