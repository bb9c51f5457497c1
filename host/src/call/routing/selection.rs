//! The releases that root calls begin on: the live ones, and candidates that replace some of them for a share of the
//! calls.
//!
//! Invariant: a root call and all calls below it run on one [`RoutingTable`], chosen once by the caller. One caller
//! gets the same candidates while their shares stay the same.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::mounts::{Mount, Mounts};
use super::release::Backend;
use super::shadow::Shadow;
use super::share::Share;
use super::table::{NotExported, RoutingTable};
use crate::contract::World;
use crate::limits::CANDIDATES_MAX;
use crate::names::{Digest, Identity, ServiceName};

/// The contract of each service, by name.
pub type Worlds = Arc<[(ServiceName, Arc<World>)]>;

/// A release that replaces the live one for some callers.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub backend: Backend,
    pub share: Share,
    /// Requests with this header use it whatever the share.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// Whether it gets only calls that write nothing, because its data is a copy that only the host writes.
    pub reads_only: bool,
}

/// The origin of a root call, which decides about candidates.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The hash of the client's address.
    pub client: &'a [u8],
    pub headers: Option<&'a HeaderMap>,
}

impl Origin<'static> {
    /// The operator, and the host itself.
    pub const HOST: Self = Self { client: &[], headers: None };
}

/// Everything that root calls may begin on at one moment.
#[derive(Debug)]
pub struct Routing {
    worlds: Worlds,
    candidates: Vec<Candidate>,
    /// Indexed by the candidates in the table: bit `n` of the index stands for candidate `n`.
    tables: Vec<Arc<RoutingTable>>,
    mounts: Mounts,
    /// The number of migrations so far.
    migrations: u64,
}

impl Routing {
    /// `candidates` are of different services. Each replaces a backend of `live`, and has the same contract. `shadows`
    /// repeat the calls of the live backends of their services.
    ///
    /// # Errors
    ///
    /// [`NotExported`], when no service exports an interface that a backend imports.
    ///
    /// # Panics
    ///
    /// With more than [`CANDIDATES_MAX`] candidates, because every combination of them needs a table.
    pub fn new(live: &[Backend], candidates: Vec<Candidate>, shadows: &[Arc<Shadow>]) -> Result<Self, NotExported> {
        assert!(candidates.len() <= CANDIDATES_MAX, "the change that adds a candidate checks the bound");
        let tables = (0..1_usize << candidates.len())
            .map(|chosen| {
                let chosen = candidates.iter().enumerate().filter(|(bit, _)| chosen & 1 << bit != 0);
                let chosen: Vec<&Backend> = chosen.map(|(_, candidate)| &candidate.backend).collect();
                let backends = live.iter().map(|backend| {
                    let same = |candidate: &&&Backend| candidate.service.name() == backend.service.name();
                    Backend::clone(chosen.iter().find(same).map_or(backend, |candidate| *candidate))
                });
                let compared = || candidates.iter().map(|candidate| candidate.backend.service.name().clone());
                RoutingTable::new(backends, shadows)
                    .map(|table| Arc::new(if chosen.is_empty() { table.live(compared().collect()) } else { table }))
            })
            .collect::<Result<_, _>>()?;
        let with_contract = live.iter().filter(|backend| backend.release.program.contract().is_some());
        let mut worlds: Vec<_> =
            with_contract.map(|backend| (backend.service.name().clone(), Arc::clone(&backend.release.world))).collect();
        worlds.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self { worlds: worlds.into(), candidates, tables, mounts: Mounts::default(), migrations: 0 })
    }

    /// The same routing with services that answer the paths under their prefixes.
    #[must_use]
    pub fn with_mounts(self, mounts: Vec<Mount>) -> Self {
        Self { mounts: Mounts::new(mounts), ..self }
    }

    /// The mount with the longest prefix of `path`.
    #[must_use]
    pub fn mount_of(&self, path: &str) -> Option<&Mount> {
        self.mounts.find(path)
    }

    /// Whether a contract says who the owner of a bearer token is.
    #[must_use]
    pub fn authenticates(&self) -> bool {
        self.live().authenticator().is_some()
    }

    /// Contracts without services, to test code that reads contracts.
    #[cfg(test)]
    pub(crate) fn of_contracts(worlds: Worlds) -> Self {
        let table = RoutingTable::new([], &[]).expect("nothing is called");
        Self { worlds, candidates: Vec::new(), tables: vec![Arc::new(table)], mounts: Mounts::default(), migrations: 0 }
    }

    /// The table with exactly these releases, if there is one.
    pub(in crate::call) fn with_releases(&self, releases: &[(ServiceName, Digest)]) -> Option<&Arc<RoutingTable>> {
        self.tables.iter().find(|table| {
            table.backends().count() == releases.len()
                && releases.iter().all(|(service, digest)| {
                    table.backend(service).is_some_and(|backend| backend.release.digest == *digest)
                })
        })
    }

    /// The contracts of the live releases that have one. Two routings with the same contracts may share this value.
    #[must_use]
    pub fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// This routing as the successor of `other`. It shares equal contracts, so that nothing is derived from them again.
    /// If data `has_migrated`, no call may begin on an earlier routing.
    #[must_use]
    pub fn after(mut self, other: &Self, has_migrated: bool) -> Self {
        self.migrations = other.migrations + u64::from(has_migrated);
        let same = |((name, world), (other_name, other)): (&(_, Arc<World>), &(_, Arc<World>))| {
            name == other_name && Arc::ptr_eq(world, other)
        };
        if self.worlds.len() == other.worlds.len() && self.worlds.iter().zip(other.worlds.iter()).all(same) {
            self.worlds = Arc::clone(&other.worlds);
        }
        self
    }

    pub(in crate::call) fn has_contracts_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.worlds, &other.worlds)
    }

    pub(in crate::call) fn migrations(&self) -> u64 {
        self.migrations
    }

    pub(in crate::call) fn tables(&self) -> &[Arc<RoutingTable>] {
        &self.tables
    }

    /// The live releases.
    ///
    /// # Panics
    ///
    /// Never: a table without candidates always exists.
    #[must_use]
    pub fn live(&self) -> &Arc<RoutingTable> {
        self.tables.first().expect("the table without candidates")
    }

    /// The services that answer no calls: the circuits of all their releases are open.
    pub fn unavailable_services(&self) -> impl Iterator<Item = &ServiceName> {
        let names = self.live().backends().map(|backend| backend.service.name());
        names.filter(|service| {
            let mut backends = self.tables.iter().filter_map(|table| table.backend(service));
            backends.all(|backend| backend.release.circuit_is_open())
        })
    }

    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The table for a root call of `identity` that comes from `origin`, and that may write unless it `reads_only`.
    #[must_use]
    pub fn choose(&self, identity: Option<&Identity>, origin: Origin<'_>, reads_only: bool) -> &Arc<RoutingTable> {
        if self.candidates.is_empty() {
            return self.live();
        }
        let key = identity.map_or(origin.client, |identity| identity.id.as_bytes());
        let takes = |candidate: &Candidate| (reads_only || !candidate.reads_only) && candidate.takes(key, origin);
        let chosen = self.candidates.iter().enumerate().filter(|(_, candidate)| takes(candidate));
        let position = chosen.fold(0, |position, (bit, _)| position | 1_usize << bit);
        self.tables.get(position).unwrap_or_else(|| self.live())
    }
}

impl Candidate {
    fn takes(&self, key: &[u8], origin: Origin<'_>) -> bool {
        let header = self.header.as_ref().zip(origin.headers);
        header.is_some_and(|((name, value), headers)| headers.get_all(name).iter().any(|given| given == value))
            || self.share.takes(self.backend.service.name(), &self.backend.release.digest, key)
    }
}
