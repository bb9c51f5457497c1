//! The admin token's file: created at the first start, readable only by its owner.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::{AdminToken, TokenError};

/// The name of the file in the data directory.
pub const TOKEN_FILE: &str = "admin-token";

/// More than a token and a line break need: a longer file holds no token.
const FILE_BYTES_MAX: u64 = 1024;

/// Why the admin token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("cannot read the admin token in {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} has no valid admin token: delete it, and the next start creates a new one", path.display())]
    Malformed { path: PathBuf, source: TokenError },
    #[error("cannot write a new admin token to {}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the system gives no randomness")]
    Randomness(#[from] getrandom::Error),
}

/// Reads the token in `data`, or creates and stores a new one if there is none.
///
/// # Errors
///
/// [`TokenFileError`]; the file is unchanged.
pub fn kept_or_new(data: &Path) -> Result<AdminToken, TokenFileError> {
    let path = data.join(TOKEN_FILE);
    match read(&path) {
        Ok(text) => AdminToken::parse(text.trim()).map_err(|source| TokenFileError::Malformed { path, source }),
        Err(error) if error.kind() == ErrorKind::NotFound => make(data, path),
        Err(source) => Err(TokenFileError::Read { path, source }),
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "other users can read the admin token: run chmod 600 on its file");
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Creates the file with mode 0600. It appears whole or not at all, so a crash leaves no half token.
fn make(data: &Path, path: PathBuf) -> Result<AdminToken, TokenFileError> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    let token = AdminToken::from_bits(bits);
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(data)?;
        writeln!(file, "{}", token.reveal())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(&path)?;
        File::open(data)?.sync_all()
    };
    match write() {
        Ok(()) => Ok(token),
        Err(source) => Err(TokenFileError::Write { path, source }),
    }
}
