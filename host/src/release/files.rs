//! Components and contracts by digest, in folders of the data directory.
//!
//! Invariant: a file has the name of its digest only when all of it is durable, and it is never changed.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::fail_point::fail_point;
use crate::names::Digest;

/// A folder of files that are named by their digest.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    extension: &'static str,
}

/// Why a file cannot be kept or read again.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot keep {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}: restore the data directory from a backup", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is damaged: restore the data directory from a backup", path.display())]
    Damaged { path: PathBuf },
}

/// Makes the names in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| FileError::Write { path: folder.into(), source })
}

impl Files {
    /// Opens the folder, which is made if it is not there, and removes what was not written to its end.
    pub(super) fn open(folder: PathBuf, extension: &'static str) -> Result<Self, FileError> {
        let at = |source| FileError::Write { path: folder.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at)?;
        for entry in fs::read_dir(&folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            if path.extension().is_none_or(|found| found != extension) {
                let _stays = fs::remove_file(path);
            }
        }
        Ok(Self { folder, extension })
    }

    /// Keeps `bytes` under the name `digest`, unless they are there already.
    pub(super) fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FileError> {
        let path = self.path(digest);
        if path.exists() {
            return Ok(());
        }
        self.write(&path, bytes).map_err(|source| FileError::Write { path, source })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        fail_point("component.mid-put");
        File::open(&self.folder)?.sync_all()
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// Bytes of the file, if it is there.
    pub(super) fn bytes(&self, digest: &Digest) -> u64 {
        fs::metadata(self.path(digest)).map_or(0, |file| file.len())
    }

    /// What `digest` names, checked.
    pub(super) fn get(&self, digest: &Digest) -> Result<Vec<u8>, FileError> {
        let path = self.path(digest);
        fs::read(&path).map_err(|source| FileError::Read { path, source })
    }

    /// As [`Files::get`], of a file whose name is the digest of its bytes.
    pub(super) fn get_checked(&self, digest: &Digest) -> Result<Vec<u8>, FileError> {
        let bytes = self.get(digest)?;
        if Digest::of(&bytes) != *digest {
            return Err(FileError::Damaged { path: self.path(digest) });
        }
        Ok(bytes)
    }

    /// Removes the files that `needed` does not want.
    pub(super) fn sweep(&self, needed: impl Fn(&Digest) -> bool) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).map(|hex| format!("sha256:{hex}"));
            let digest = stem.and_then(|text| Digest::parse(&text).ok());
            if digest.is_some_and(|digest| !needed(&digest)) {
                let _stays = fs::remove_file(path);
            }
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.{}", digest.hex(), self.extension))
    }
}
