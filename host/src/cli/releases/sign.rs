//! `switchyard sign`: signs a component for hosts that ask for it, or makes a key to sign with.

#[cfg(test)]
mod tests;

use std::path::Path;

use super::component::{Component, signature_file};
use super::secret_key::{SecretKey, SecretKeyError};
use crate::cli::arguments::Sign;
use crate::cli::output::failure::{Failure, Kind, Outcome};

pub(in crate::cli) fn run(command: &Sign) -> Outcome {
    match (&command.new_key, &command.file, &command.key) {
        (Some(path), _, _) => new_key(path),
        (None, Some(file), Some(key)) => sign(file, key),
        _ => Err(Failure::text(Kind::Usage, "name a component and the key to sign it with, or a --new-key")),
    }
}

/// Makes a key and gives its public half, as the manifest wants it.
fn new_key(path: &Path) -> Outcome {
    let key = SecretKey::make(path).map_err(|error| {
        let there = matches!(&error, SecretKeyError::Write(error) if error.kind() == std::io::ErrorKind::AlreadyExists);
        let failure = failure(Kind::Usage, format!("no key is made in {}", path.display()), error);
        if there { failure.next("The file stays as it is: name a new one.") } else { failure }
    })?;
    Ok(key.signer().to_string())
}

fn sign(file: &Path, key: &Path) -> Outcome {
    let digest = Component::digest_of(file)?;
    let key = SecretKey::read(key)
        .map_err(|error| failure(Kind::Usage, format!("{} is no key to sign with", key.display()), error))?;
    let target = signature_file(file);
    std::fs::write(&target, format!("{}\n", key.sign(&digest)))
        .map_err(|error| failure(Kind::Usage, format!("cannot write {}", target.display()), error))?;
    Ok(format!("{}: {digest} signed by {}", target.display(), key.signer()))
}

fn failure(kind: Kind, what: String, error: impl Into<anyhow::Error>) -> Failure {
    Failure::new(kind, error.into().context(what))
}
