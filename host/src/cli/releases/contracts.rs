//! The contracts that a command reads without a host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::arguments::ManifestFile;
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind};
use crate::config::Flags;
use crate::contract::{ContractError, Contracts, World};

/// The folder of the contracts: from the flag, else from the manifest, else `wit`.
pub(super) fn folder(wit: Option<&Path>, manifest: &ManifestFile) -> Result<PathBuf, Failure> {
    let manifest = &manifest.manifest;
    match (wit, manifest.try_exists()) {
        (Some(wit), _) => Ok(wit.to_path_buf()),
        (None, Ok(true)) => Ok(load(manifest, Flags::default())?.manifest.host.wit),
        (None, Ok(false) | Err(_)) => Ok(PathBuf::from("wit")),
    }
}

/// The contracts in `wit`, and the world `name` among them. An error lists the worlds, and `other` that no folder has.
pub(super) fn world(wit: &Path, name: &str, other: Option<&str>) -> Result<(Contracts, Arc<World>), Failure> {
    let contracts = Contracts::read(wit).map_err(unreadable)?;
    let Some(world) = contracts.world(name) else {
        let known = contracts.worlds().map(|world| format!("  {}", world.name));
        let known: Vec<_> = known.chain(other.map(|other| format!("  {other}"))).collect();
        let detail = format!("no contract in {} is named {name}", wit.display());
        return Err(Failure::text(Kind::Usage, detail).next(format!("There are:\n{}", known.join("\n"))));
    };
    Ok((contracts, world))
}

pub(super) fn unreadable(error: ContractError) -> Failure {
    match error {
        ContractError::Read { .. } | ContractError::Empty { .. } => {
            Failure::new(Kind::Usage, error).next("Name the folder of the contracts with --wit FOLDER.")
        }
        mistakes => Failure::new(Kind::Usage, mistakes),
    }
}
