//! Compiled code on the disk, so that a start does not compile.
//!
//! Invariant: code is loaded only if its tag proves that this host wrote it. Anything else counts as missing: a torn
//! write, a damaged disk, or a foreign file costs one compilation.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::entries::{Entries, Id, file_name, parse};
use super::folder::{FolderError, private_folder};
use super::load::{Authenticator, Verified};
use crate::clock;
use crate::names::{Digest, HostSecret};

/// The folder of compiled code, in the data directory.
pub const COMPILED_FOLDER: &str = "compiled";

/// The purpose for which the key of the tags is derived.
const PURPOSE: &str = "compiled code";

/// The cache, once it is open: the key of its tags is read from the platform's store.
pub(in crate::runtime) type CacheSlot = OnceLock<Cache>;

/// The folder of compiled code.
#[derive(Debug)]
pub(in crate::runtime) struct Cache {
    folder: PathBuf,
    authenticator: Authenticator,
    entries: Mutex<Entries>,
}

/// A hash of everything that code depends on: the host's version, wasmtime's version, its settings and the machine.
pub(super) fn host_of(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

impl Cache {
    /// Opens `folder` for the engines of `hosts`, and creates it if it is missing. Deletes files that none of them can
    /// use: code of earlier versions, and files of interrupted writes.
    ///
    /// # Errors
    ///
    /// [`FolderError`], also when other users may write to the folder.
    pub(in crate::runtime) fn open(
        folder: &Path,
        bytes_max: u64,
        secret: &HostSecret,
        hosts: &[u64],
    ) -> Result<Self, FolderError> {
        private_folder(folder)?;
        let cache = Self {
            folder: folder.into(),
            authenticator: Authenticator::new(&secret.derive(PURPOSE)),
            entries: Mutex::new(Entries::new(bytes_max)),
        };
        cache.read_folder(hosts).map_err(|source| FolderError::Io { path: folder.into(), source })?;
        Ok(cache)
    }

    fn read_folder(&self, hosts: &[u64]) -> io::Result<()> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            let name = file.file_name().into_string().unwrap_or_default();
            match (parse(&name).filter(|(id, _)| hosts.contains(&id.host)), file.metadata()) {
                (Some((id, tag)), Ok(metadata)) => found.push((metadata.modified()?, id, tag, metadata.len())),
                _ => self.delete(&file.file_name()),
            }
        }
        // The time of a file is that of its last use.
        found.sort_by_key(|(used, ..)| *used);
        let mut entries = self.entries();
        for (_, id, tag, bytes) in found {
            for gone in entries.put(id, tag, bytes) {
                self.delete(gone.as_ref());
            }
        }
        Ok(())
    }

    /// The code of the component `digest`, if this host has compiled it for `engine` before.
    pub(super) fn get(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let id = Id { component: digest, host: host_of(engine) };
        let entry = self.entries().get(&id)?;
        let path = self.folder.join(file_name(&id, &entry.tag));
        let loaded = match Verified::open(&path, &self.authenticator, &id.subject(), &entry.tag) {
            Ok(Some(verified)) => {
                touch(&path);
                verified.load(engine).map_err(|error| format!("{error:#}"))
            }
            Ok(None) => Err("it is not what this host wrote, or others may write to it".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let error = match loaded {
            Ok(component) => return Some(component),
            Err(error) => error,
        };
        tracing::warn!(%digest, path = %path.display(), error, "compiled code is not used: compiling again");
        self.entries().remove(&id);
        self.delete(path.file_name().unwrap_or_default());
        None
    }

    /// Stores `code` as the code of the component `digest` for `engine`, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// When the disk refuses it.
    pub(super) fn put(&self, engine: &Engine, digest: Digest, code: &[u8]) -> io::Result<()> {
        let id = Id { component: digest, host: host_of(engine) };
        let tag = self.authenticator.tag(&id.subject(), code);
        // Only its owner can read it. It gets its name when it is complete.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        io::Write::write_all(&mut file, code)?;
        file.persist(self.folder.join(file_name(&id, &tag))).map_err(|error| error.error)?;
        let gone = self.entries().put(id, tag, u64::try_from(code.len()).unwrap_or(u64::MAX));
        self.delete_all(gone);
        Ok(())
    }

    /// Records which components the releases name: when there is too much code, the code of other components is deleted
    /// first.
    pub(in crate::runtime) fn set_named(&self, is_named: impl Fn(&Digest) -> bool) {
        let gone = self.entries().set_named(is_named);
        self.delete_all(gone);
    }

    fn delete_all(&self, names: Vec<String>) {
        for name in names {
            self.delete(name.as_ref());
        }
    }

    /// Deletes a file. A thread that is loading it has it open, and can read on.
    fn delete(&self, name: &std::ffi::OsStr) {
        match fs::remove_file(self.folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let folder = self.folder.display();
                tracing::warn!(%folder, ?name, %error, "a file of compiled code cannot be deleted");
            }
            _ => {}
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records the use of a file for the next start.
fn touch(path: &Path) {
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(clock::unix_micros());
    if let Err(error) = File::open(path).and_then(|file| file.set_modified(now)) {
        tracing::debug!(%error, path = %path.display(), "cannot record the use of a file of compiled code");
    }
}
