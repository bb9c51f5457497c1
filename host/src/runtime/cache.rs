//! Compiled code on the disk, so that a start does not compile.
//!
//! An entry is `<digest>-<host>`, the code, and beside it `<digest>-<host>.sum`, the digest of that file. `<host>`
//! stands for everything that the code depends on: the host's version, wasmtime's, its settings and the machine.
//! Invariant: an entry without a matching sum is as good as none, so a torn write or a damaged disk costs a compilation.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use super::load::Verified;
use crate::names::Digest;

/// The folder of compiled code, for one engine.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
    host: String,
}

impl Cache {
    /// Opens `folder`, which is made if it is not there, open to nobody but its owner.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made.
    pub(super) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut hasher = DefaultHasher::new();
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { folder: folder.into(), host: format!("{:016x}", hasher.finish()) })
    }

    /// What names the entries of this cache: `<digest>-<host>`.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The code of the component `digest`, if it is here and whole.
    pub(super) fn get(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let code = self.code(digest);
        let sum = fs::read_to_string(sum(&code)).ok()?;
        let loaded = Digest::parse(sum.trim()).ok().and_then(|expected| Verified::file(&code, expected).ok().flatten());
        let loaded = loaded.map(|verified| verified.load(engine));
        match loaded {
            Some(Ok(component)) => Some(component),
            Some(Err(error)) => {
                tracing::warn!(%digest, error = format!("{error:#}"), "compiled code does not load: compiling again");
                None
            }
            None => {
                tracing::warn!(%digest, path = %code.display(), "compiled code is damaged: compiling again");
                None
            }
        }
    }

    /// Keeps `code` as that of the component `digest`, in place of what was there.
    ///
    /// # Errors
    ///
    /// When the disk does not take it. What was there stays, or counts as damaged.
    pub(super) fn put(&self, digest: Digest, code: &[u8]) -> io::Result<()> {
        let path = self.code(digest);
        self.write(&path, code)?;
        self.write(&sum(&path), Digest::of(code).to_string().as_bytes())
    }

    /// A new file takes the name at once: who has the earlier one mapped keeps it.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        io::Write::write_all(&mut file, bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    fn code(&self, digest: Digest) -> PathBuf {
        self.folder.join(format!("{}-{}", digest.hex(), self.host))
    }
}

/// Removes from `folder` what no host of `hosts` can use: code of earlier versions, and files of interrupted writes.
///
/// # Errors
///
/// When the folder cannot be read. What cannot be removed stays; it is in nobody's way.
pub(super) fn sweep(folder: &Path, hosts: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let stem = name.strip_suffix(".sum").unwrap_or(&name);
        if !hosts.iter().any(|host| stem.ends_with(host)) {
            let _stays = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

fn sum(code: &Path) -> PathBuf {
    let mut path = code.as_os_str().to_owned();
    path.push(".sum");
    path.into()
}
