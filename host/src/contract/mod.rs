//! The contract: a WIT package that says how its functions are reached.

mod compare;
mod compat;
mod display;
mod host;
mod openapi;
mod read;
mod surface;
#[cfg(test)]
mod tests;
mod track;
mod types;
mod verdict;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use read::{source, worlds};

pub use compare::VerdictProblem;
pub use compat::{Break, Bump, Compatibility, Level, Neighbour};
pub use host::HttpVersion;
pub use openapi::openapi;
pub use read::clash::check_together;
pub use read::mistake::{ContractError, Mistake};
pub use read::source::{NamedPackage, Sources, needed_packages, wit_files};
pub use surface::{Surface, Unreadable};
pub use track::track;
pub use types::{
    Case, Enum, Field, Flags, Function, Interface, Method, Name, Reach, Record, Route, StateInterface, Type, Variant,
    World,
};
pub use verdict::{OutboundHttp, Verdict, judge_http, judge_http_surface};

/// Every contract of one folder of WIT packages.
///
/// Invariant: each contract is valid. [`check_together`] checks separately whether their worlds fit together in one
/// host.
#[derive(Debug)]
pub struct Contracts {
    worlds: BTreeMap<Arc<str>, Arc<World>>,
    encoded: verdict::Encoded,
}

impl Contracts {
    /// Reads the packages in subfolders of `wit`; the names of the folders do not matter.
    ///
    /// # Errors
    /// All mistakes at once, each with file, line, function and correction. Only a file that is not WIT at all hides
    /// the mistakes of the others.
    pub fn read(wit: &Path) -> Result<Self, ContractError> {
        Self::of(Sources::read(wit)?)
    }

    /// Builds the contracts from `sources`, which are already read.
    ///
    /// # Errors
    ///
    /// As [`Contracts::read`].
    pub fn of(sources: Sources) -> Result<Self, ContractError> {
        let resolve = source::resolve(sources.packages)?;
        let worlds = worlds::worlds(&resolve).map_err(|mistakes| ContractError::Mistakes { mistakes })?;
        let worlds = worlds.into_iter().map(|world| (Arc::clone(&world.name), world)).collect();
        let encoded = verdict::Encoded::new(&resolve)
            .map_err(|error| ContractError::Wit { texts: vec![format!("{error:#}")] })?;
        Ok(Self { worlds, encoded })
    }

    /// The world `name`: `shop:cart/cart-service@1.0.0`. The version may be left out if there is only one.
    #[must_use]
    pub fn world(&self, name: &str) -> Option<Arc<World>> {
        if let Some(world) = self.worlds.get(name) {
            return Some(Arc::clone(world));
        }
        let unversioned = |world: &&Arc<World>| world.name.split_once('@').is_some_and(|(plain, _)| plain == name);
        let mut found = self.worlds.values().filter(unversioned);
        match (found.next(), found.next()) {
            (Some(only), None) => Some(Arc::clone(only)),
            _ => None,
        }
    }

    /// All worlds, by name. The host's own are not among them.
    pub fn worlds(&self) -> impl Iterator<Item = &Arc<World>> {
        self.worlds.values()
    }

    /// Judges whether a component fits `world`: it must have every function of the world's exports with the world's
    /// types, and import only what the world and the host offer. It may export more and import less.
    ///
    /// `component` may be any bytes; bytes that are no component are a problem like any other. Do not call this on an
    /// async thread: reading a component of 40 MiB takes about a second.
    #[must_use]
    pub fn judge(&self, world: &World, component: &[u8], outbound: OutboundHttp) -> Verdict {
        self.judge_surface(world, Surface::read(component).as_ref(), outbound)
    }

    /// Like [`Contracts::judge`], for a component that was already read, or could not be read.
    #[must_use]
    pub fn judge_surface(
        &self,
        world: &World,
        surface: Result<&Surface, &Unreadable>,
        outbound: OutboundHttp,
    ) -> Verdict {
        verdict::judge(&self.encoded, world, surface, outbound)
    }
}
