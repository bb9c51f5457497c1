//! Releases that calls go on with although they are live no more.

use std::sync::{Arc, Weak};

use super::Releases;
use super::state::Running;
use crate::call::{Backend, PinnedReleases, RoutingTable};
use crate::names::{Digest, ServiceName};

/// Such choices of releases, as long as a call runs on them: many calls that were cut short at once began with the same.
#[derive(Debug, Default)]
pub(super) struct Chosen(Vec<Choice>);

#[derive(Debug)]
struct Choice {
    releases: Vec<(ServiceName, Digest)>,
    table: Weak<RoutingTable>,
}

impl PinnedReleases for Releases {
    fn table(&self, releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>> {
        let mut chosen = self.inner.chosen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        chosen.0.retain(|choice| choice.table.strong_count() > 0);
        let known = chosen.0.iter().find(|choice| choice.releases == releases);
        if let Some(table) = known.and_then(|choice| choice.table.upgrade()) {
            return Some(table);
        }
        let state = self.state();
        let backend = |(name, running): (&ServiceName, &Running)| {
            let began_with = releases.iter().find(|(service, _)| service == name);
            match began_with {
                Some((_, digest)) if *digest != running.live.digest => self.kept(running, digest),
                _ => Some(running.live_backend()),
            }
        };
        let members = state.services.iter().map(backend).collect::<Option<Vec<_>>>()?;
        // What the kept releases call may be gone by now.
        let table = Arc::new(RoutingTable::new(members, &[]).ok()?);
        chosen.0.push(Choice { releases: releases.to_vec(), table: Arc::downgrade(&table) });
        Some(table)
    }
}

impl Releases {
    /// The kept release `digest`, where it can be run on the data as it is.
    fn kept(&self, running: &Running, digest: &Digest) -> Option<Backend> {
        let record = running.record.kept.iter().find(|kept| kept.digest == *digest)?;
        // An earlier form of the data would be written between entries of the one that it has now.
        let same_form = record.data.writes == running.record.live.data.writes;
        if record.data.reads_up_to < running.data_version() || !same_form {
            return None;
        }
        let release = self.inner.workshop.load(&running.service, record);
        let release = release.inspect_err(|error| {
            tracing::warn!(service = %running.service.name(), %digest, %error, "an earlier release cannot be run");
        });
        Some(Backend { service: Arc::clone(&running.service), release: release.ok()? })
    }
}
