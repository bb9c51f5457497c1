//! What root calls begin on: the live releases, and in the place of some of them a candidate for a share of the calls.
//!
//! Invariant: a root call runs, with all the calls below it, on one [`RoutingTable`], chosen once and by who calls: the same
//! caller gets the same candidates for as long as they have the same share.

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};

use super::mounts::{Mount, Mounts};
use super::shadow::Shadow;
use super::table::{Backend, NotExported, RoutingTable};
use crate::contract::World;
use crate::limits::CANDIDATES_MAX;
use crate::names::{Digest, Identity, ServiceName};

/// The contract of each service, by name.
pub type Worlds = Arc<[(ServiceName, Arc<World>)]>;

/// A share of all callers, exact to a hundredth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(10_000);

    /// The share of `percent` percent; nothing where that is no share.
    #[must_use]
    pub fn of_percent(percent: f64) -> Option<Self> {
        let parts = (percent * 100.0).round();
        if !(0.0..=10_000.0).contains(&parts) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000, and whole")]
        Some(Self(parts as u32))
    }

    /// A share in hundredths of a percent; all, where that is more.
    #[must_use]
    pub fn of_parts(parts: u32) -> Self {
        Self(parts.min(Self::ALL.0))
    }

    /// In hundredths of a percent.
    #[must_use]
    pub fn parts(self) -> u32 {
        self.0
    }

    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Whether the caller `key` is in the share that the component `what` of `service` gets. Two candidates share no
    /// callers by more than chance, be they one component for two services.
    #[must_use]
    pub fn takes(self, service: &ServiceName, what: &Digest, key: &[u8]) -> bool {
        if self == Self::ALL {
            return true;
        }
        let mut hash = Sha256::new();
        hash.update(service.as_str());
        hash.update(what.bytes());
        hash.update(key);
        let hash = hash.finalize();
        let drawn = hash.iter().take(8).fold(0_u64, |drawn, byte| drawn << 8 | u64::from(*byte));
        drawn % u64::from(Self::ALL.0) < u64::from(self.0)
    }
}

/// A release that takes the place of the live one for some callers.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub backend: Backend,
    pub share: Share,
    /// Who sends this header gets it whatever the share.
    pub header: Option<(HeaderName, HeaderValue)>,
}

/// Where a root call comes from, as far as candidates are chosen by it.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The client: what its address stands for.
    pub client: &'a [u8],
    pub headers: Option<&'a HeaderMap>,
}

impl Origin<'static> {
    /// The operator, and the host itself.
    pub const HOST: Self = Self { client: &[], headers: None };
}

/// All that root calls may begin on at one instant.
#[derive(Debug)]
pub struct Routing {
    worlds: Worlds,
    candidates: Vec<Candidate>,
    /// By the candidates that are in it: bit `n` of the position stands for candidate `n`.
    tables: Vec<Arc<RoutingTable>>,
    mounts: Mounts,
    /// How many times data has changed its form before.
    migrations: u64,
}

impl Routing {
    /// `candidates` are of different services, each in place of a backend of `live`, and keep its contract; `shadows` run
    /// what the live backends of their services do.
    ///
    /// # Errors
    ///
    /// [`NotExported`], when nobody exports what a backend calls.
    ///
    /// # Panics
    ///
    /// With more than [`CANDIDATES_MAX`] candidates: every choice of them is a table.
    pub fn new(live: &[Backend], candidates: Vec<Candidate>, shadows: &[Arc<Shadow>]) -> Result<Self, NotExported> {
        assert!(candidates.len() <= CANDIDATES_MAX, "whoever adds a candidate sees to the bound");
        let tables = (0..1_usize << candidates.len())
            .map(|chosen| {
                let chosen = candidates.iter().enumerate().filter(|(bit, _)| chosen & 1 << bit != 0);
                let chosen: Vec<&Backend> = chosen.map(|(_, candidate)| &candidate.backend).collect();
                let backends = live.iter().map(|backend| {
                    let same = |candidate: &&&Backend| candidate.service.name() == backend.service.name();
                    Backend::clone(chosen.iter().find(same).map_or(backend, |candidate| *candidate))
                });
                RoutingTable::new(backends, shadows).map(Arc::new)
            })
            .collect::<Result<_, _>>()?;
        let with_contract = live.iter().filter(|backend| backend.release.program.contract().is_some());
        let mut worlds: Vec<_> =
            with_contract.map(|backend| (backend.service.name().clone(), Arc::clone(&backend.release.world))).collect();
        worlds.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(Self { worlds: worlds.into(), candidates, tables, mounts: Mounts::default(), migrations: 0 })
    }

    /// The same with services that answer what is under their prefixes.
    #[must_use]
    pub fn with_mounts(self, mounts: Vec<Mount>) -> Self {
        Self { mounts: Mounts::new(mounts), ..self }
    }

    /// What is mounted where `path` is: at a prefix, or under it; of several the one with the longest prefix.
    #[must_use]
    pub fn mount_of(&self, path: &str) -> Option<&Mount> {
        self.mounts.find(path)
    }

    /// Contracts that nobody serves: for tests of what reads contracts.
    #[cfg(test)]
    pub(crate) fn of_contracts(worlds: Worlds) -> Self {
        let table = RoutingTable::new([], &[]).expect("nothing is called");
        Self { worlds, candidates: Vec::new(), tables: vec![Arc::new(table)], mounts: Mounts::default(), migrations: 0 }
    }

    /// The services with exactly these releases, by name, if there is such a choice.
    pub(super) fn with_releases(&self, releases: &[(ServiceName, Digest)]) -> Option<&Arc<RoutingTable>> {
        self.tables.iter().find(|table| {
            table.backends().count() == releases.len()
                && releases.iter().all(|(service, digest)| {
                    table.backend(service).is_some_and(|backend| backend.release.digest == *digest)
                })
        })
    }

    /// The contracts of the live releases that have one. Two routings with the same contracts may share it.
    #[must_use]
    pub fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// What comes after `other`: where the contracts are the same, who has derived something from them need not do it
    /// again. Once data `has_migrated`, no call may begin on what was before.
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

    pub(super) fn has_contracts_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.worlds, &other.worlds)
    }

    pub(super) fn migrations(&self) -> u64 {
        self.migrations
    }

    pub(super) fn tables(&self) -> &[Arc<RoutingTable>] {
        &self.tables
    }

    /// The live releases.
    ///
    /// # Panics
    ///
    /// Never: there is always a table without candidates.
    #[must_use]
    pub fn live(&self) -> &Arc<RoutingTable> {
        self.tables.first().expect("the table without candidates")
    }

    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// What a root call of `identity` that comes from `origin` runs on.
    #[must_use]
    pub fn choose(&self, identity: Option<&Identity>, origin: Origin<'_>) -> &Arc<RoutingTable> {
        if self.candidates.is_empty() {
            return self.live();
        }
        let key = identity.map_or(origin.client, |identity| identity.id.as_bytes());
        let chosen = self.candidates.iter().enumerate().filter(|(_, candidate)| candidate.takes(key, origin));
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cart() -> ServiceName {
        ServiceName::parse("cart").expect("a name")
    }

    #[test]
    fn percents_are_shares() {
        let check = |percent: f64, share: Option<u32>| {
            assert_eq!(Share::of_percent(percent), share.map(Share), "{percent}");
        };
        check(0.0, Some(0));
        check(0.01, Some(1));
        check(33.333, Some(3333));
        check(100.0, Some(10_000));
        check(100.01, None);
        check(-1.0, None);
        check(f64::NAN, None);
        check(f64::INFINITY, None);
    }

    proptest! {
        #[test]
        fn who_is_in_a_share_stays_in_a_larger_one(key: Vec<u8>, small in 0_u32..=10_000, more in 0_u32..=10_000) {
            let (what, large) = (Digest::of(b"a"), Share((small + more).min(10_000)));
            prop_assert!(!Share(small).takes(&cart(), &what, &key) || large.takes(&cart(), &what, &key));
        }

        #[test]
        fn all_take_everybody_and_none_nobody(key: Vec<u8>) {
            let what = Digest::of(b"a");
            prop_assert!(Share::ALL.takes(&cart(), &what, &key) && !Share::NONE.takes(&cart(), &what, &key));
        }
    }

    #[test]
    fn a_share_of_many_callers_is_as_large_as_it_says() {
        let what = Digest::of(b"a");
        for percent in [1.0, 5.0, 50.0, 99.0] {
            let share = Share::of_percent(percent).expect("a share");
            let taken = (0..100_000_u32).filter(|caller| share.takes(&cart(), &what, &caller.to_be_bytes())).count();
            let expected = 1000.0 * percent;
            // Four standard deviations of a binomial distribution: a hash that is even passes, and the seed is fixed.
            let deviation = (100_000.0 * percent / 100.0 * (1.0 - percent / 100.0)).sqrt();
            assert!((taken as f64 - expected).abs() < 4.0 * deviation, "{percent}: {taken}");
        }
    }
}
