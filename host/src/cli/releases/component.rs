//! A component file to send to a host, with its signature.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, Read as _};
use std::path::Path;

use bytes::Bytes;

use crate::cli::output::failure::{Failure, Kind};
use crate::config::{Signature, signature_file};
use crate::limits::COMPONENT_BYTES_MAX;
use crate::names::Digest;

#[derive(Debug)]
pub(in crate::cli) struct Component {
    /// The name of its file.
    pub(in crate::cli) name: String,
    pub(in crate::cli) content: Bytes,
    pub(in crate::cli) digest: Digest,
    pub(in crate::cli) signature: Option<Signature>,
}

impl Component {
    /// Reads the component in `file` and its signature: from the given file, else from `FILE.sig` if it exists.
    pub(in crate::cli) fn read(file: &Path, signature: Option<&Path>) -> Result<Self, Failure> {
        let content = content(file)?;
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let digest = Digest::of(&content);
        Ok(Self { name, digest, content: content.into(), signature: signature_of(file, signature)? })
    }

    /// The digest of the component in `file`; the signature does not matter.
    pub(in crate::cli) fn digest_of(file: &Path) -> Result<Digest, Failure> {
        Ok(Digest::of(&content(file)?))
    }
}

fn content(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    // One byte over the limit shows that the file is too large; the rest is not read.
    let length_max = u64::try_from(COMPONENT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(file).and_then(|opened| opened.take(length_max).read_to_end(&mut content));
    read.map_err(|error| unreadable(file, error))?;
    if content.len() > COMPONENT_BYTES_MAX {
        let detail = format!("{} is larger than the limit of {COMPONENT_BYTES_MAX} bytes", file.display());
        return Err(Failure::text(Kind::Usage, detail));
    }
    Ok(content)
}

fn signature_of(file: &Path, given: Option<&Path>) -> Result<Option<Signature>, Failure> {
    let path = given.map_or_else(|| signature_file(file), Path::to_path_buf);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if given.is_none() && error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, error)),
    };
    let signature = Signature::parse(text.trim()).map_err(|error| {
        let what = format!("{} holds no signature", path.display());
        Failure::new(Kind::Usage, anyhow::Error::new(error).context(what))
            .next(format!("`switchyard sign {} --key KEYFILE` makes one.", file.display()))
    })?;
    Ok(Some(signature))
}

/// The failure of reading the file at `path`, which the command line names.
pub(in crate::cli) fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    let what = format!("cannot read {}", path.display());
    Failure::new(Kind::Usage, anyhow::Error::new(error).context(what))
}
