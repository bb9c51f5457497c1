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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::RuntimeSettings;
    use crate::runtime::engine::{Kind, engine};

    /// A component with nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn small() -> Engine {
        let settings = RuntimeSettings {
            instances_max: 1,
            core_instances_per_component_max: 1,
            memories_per_component_max: 1,
            memory_keep_resident_bytes: 0,
            epoch_ms: 1,
        };
        engine(Kind::Domain, &settings).unwrap()
    }

    /// A cache with the code of one component, and the path of that.
    fn filled(folder: &Path) -> (Engine, Cache, PathBuf) {
        let engine = small();
        let cache = Cache::open(folder, &engine).unwrap();
        let code = Component::from_binary(&engine, EMPTY).unwrap().serialize().unwrap();
        cache.put(Digest::of(EMPTY), &code).unwrap();
        let path = cache.code(Digest::of(EMPTY));
        (engine, cache, path)
    }

    #[test]
    fn code_is_there_for_the_next_start_of_the_same_host() {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path()));
        let engine = small();
        let cache = Cache::open(folder.path(), &engine).unwrap();
        assert!(cache.get(&engine, Digest::of(EMPTY)).is_some());
        assert!(cache.get(&engine, Digest::of(b"another")).is_none());
    }

    #[test]
    fn a_damaged_entry_counts_as_none() {
        let damages: [fn(&Path); 5] = [
            |code| fs::write(code, b"").unwrap(),
            |code| {
                let mut bytes = fs::read(code).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(code, bytes).unwrap();
            },
            |code| fs::remove_file(code).unwrap(),
            |code| fs::remove_file(sum(code)).unwrap(),
            |code| fs::write(sum(code), "sha256:").unwrap(),
        ];
        for (number, damage) in damages.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let (engine, cache, path) = filled(folder.path());
            damage(&path);
            assert!(cache.get(&engine, Digest::of(EMPTY)).is_none(), "damage {number}");
        }
    }

    #[test]
    fn nobody_else_may_look_into_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("compiled");
        drop(filled(&folder));
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn what_no_host_can_use_is_swept_out() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, cache, _) = filled(folder.path());
        for left in ["0123-earlier", "0123-earlier.sum", ".tmpx1"] {
            fs::write(folder.path().join(left), b"x").unwrap();
        }
        sweep(folder.path(), &[cache.host()]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(cache.get(&engine, Digest::of(EMPTY)).is_some());
    }
}
