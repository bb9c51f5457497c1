//! Tests of the contract: small WIT texts and their results.

mod compat;
mod corpus;
mod edits;
mod lines;
mod oracles;
mod reading;
mod refusals;
mod shop;
mod state;
mod verdicts;

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi};

use super::{ContractError, Contracts, Sources, source};

/// The interfaces that the host offers, from its own WIT.
const SERVICE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/service/service.wit"));

/// Reads packages of one file each, `a.wit`, `b.wit` and so on.
fn read(packages: &[&str]) -> Result<Contracts, ContractError> {
    let paths = ('a'..='z').map(|letter| format!("{letter}.wit"));
    let packages = paths.zip(packages).map(|(path, text)| vec![(path, (*text).into())]).collect();
    Contracts::of(Sources { packages })
}

/// A component that has exactly the world `world` of the first package of `packages`, and does nothing.
#[track_caller]
fn component(packages: &[&str], world: &str) -> Vec<u8> {
    try_component(packages, world).unwrap_or_else(|error| panic!("{error:#}"))
}

/// The same for packages that may not be WIT at all.
fn try_component(packages: &[&str], world: &str) -> anyhow::Result<Vec<u8>> {
    let files = packages.iter().enumerate().map(|(index, text)| vec![(format!("{index}.wit"), (*text).into())]);
    let resolve = source::resolve(files.collect())?;
    let found = resolve.worlds.iter().find(|(_, candidate)| candidate.name == world);
    let (id, _) = found.ok_or_else(|| anyhow::anyhow!("there is no world {world}"))?;
    let mut module = dummy_module(&resolve, id, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, id, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.validate(true).encode()
}
