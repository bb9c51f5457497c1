//! The contract: what a WIT package says about how its functions are reached.

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
pub use read::source::{Sources, wit_files};
pub use surface::{Surface, Unreadable};
pub use track::track;
pub use types::{
    Case, Enum, Field, Flags, Function, Interface, Method, Name, Reach, Record, Route, Type, Variant, World,
};
pub use verdict::{OutboundHttp, Verdict, judge_http, judge_http_surface};

/// Every contract of one folder of WIT packages.
///
/// Invariant: what is in it has no mistake; only how its worlds go together in one host is asked separately, with
/// [`check_together`].
#[derive(Debug)]
pub struct Contracts {
    worlds: BTreeMap<Arc<str>, Arc<World>>,
    encoded: verdict::Encoded,
}

impl Contracts {
    /// Reads the packages under the folder `wit`, each in a folder of its own, whatever the folder's name.
    ///
    /// # Errors
    ///
    /// Every mistake in them at once, each with file, line, function and what to write instead; only a file that is
    /// not WIT at all hides what else is wrong.
    pub fn read(wit: &Path) -> Result<Self, ContractError> {
        Self::of(Sources::read(wit)?)
    }

    /// Reads `sources`, which were read from their folder before.
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

    /// The world `name`: `shop:cart/cart-service@1.0.0`, or without the version where there is one only.
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

    /// Judges whether a component can stand for `world`: that it has every function of the world's exports with the
    /// world's types, and imports nothing but what the world and the host offer. It may export more and import less.
    ///
    /// Any bytes at all can be judged; what is no component is a problem like every other. Reading a component of
    /// 40 MiB takes about a second: this is no work for an async thread.
    #[must_use]
    pub fn judge(&self, world: &World, component: &[u8], outbound: OutboundHttp) -> Verdict {
        self.judge_surface(world, Surface::read(component).as_ref(), outbound)
    }

    /// The same of a component that was read before, or could not be.
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
