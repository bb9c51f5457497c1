//! `switchyard sign`: signs a component for hosts that require it, or creates a signing key.

#[cfg(test)]
mod tests;

use std::path::Path;

use super::component::Component;
use super::secret_key::{SecretKey, SecretKeyError};
use crate::cli::arguments::Sign;
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::clock;
use crate::config::{Flags, SignedRelease, signature_file};
use crate::contract::{Contracts, World};
use crate::names::ServiceName;

pub(in crate::cli) fn run(command: &Sign) -> Outcome {
    match (&command.new_key, &command.file, &command.key, &command.service) {
        (Some(path), _, _, _) => new_key(path),
        (None, Some(file), Some(key), Some(service)) => sign(command, file, key, service),
        _ => Err(Failure::text(
            Kind::Usage,
            "name a component, --service and --key to sign it, or --new-key to create a key",
        )),
    }
}

/// Creates a key and returns its public half in the form for the manifest.
fn new_key(path: &Path) -> Outcome {
    let key = SecretKey::make(path).map_err(|error| {
        let there = matches!(&error, SecretKeyError::Write(error) if error.kind() == std::io::ErrorKind::AlreadyExists);
        let failure = failure(Kind::Usage, format!("no key is made in {}", path.display()), error);
        if there { failure.next("The file stays as it is: name a new one.") } else { failure }
    })?;
    Ok(key.signer().to_string())
}

fn sign(command: &Sign, file: &Path, key: &Path, service: &ServiceName) -> Outcome {
    let component = Component::digest_of(file)?;
    let key = SecretKey::read(key)
        .map_err(|error| failure(Kind::Usage, format!("{} is no key to sign with", key.display()), error))?;
    let contract = match &command.contract {
        Some(contract) => contract.clone(),
        None => contract(&command.manifest.manifest, service)?,
    };
    let number = command.number.unwrap_or_else(|| clock::unix_micros() / 1_000_000);
    let release = SignedRelease { service, contract: &contract, component: &component };
    let (signature, target) = (key.sign(&release, number), signature_file(file));
    std::fs::write(&target, format!("{signature}\n"))
        .map_err(|error| failure(Kind::Usage, format!("cannot write {}", target.display()), error))?;
    let signer = key.signer();
    Ok(format!("{}: {component} for {service} ({contract}), number {number}, signed by {signer}", target.display()))
}

/// The contract of `service` from the manifest, with its version.
fn contract(manifest: &Path, service: &ServiceName) -> Result<String, Failure> {
    let settings = load(manifest, Flags::default())?.manifest;
    let unknown = |what: String| Failure::text(Kind::Usage, what).next("Name the contract with --contract WORLD.");
    let found = settings.services.get(service);
    let found = found.ok_or_else(|| unknown(format!("{} has no service {service}", manifest.display())))?;
    let Some(contract) = &found.contract else { return Ok(World::http().name.to_string()) };
    let contracts = Contracts::read(&settings.host.wit).map_err(|error| Failure::new(Kind::Usage, error))?;
    let world = contracts.world(contract).ok_or_else(|| unknown(format!("the contract {contract} does not exist")))?;
    Ok(world.name.to_string())
}

fn failure(kind: Kind, what: String, error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(kind, error.into().context(what))
}
