//! Components and contracts by digest, in folders of the data directory, and in the object store of a cluster.
//!
//! Invariant: a file gets the name of its digest only when all of it is durable, and it is never changed. If
//! [`Files::has`] returns true, the file and its name are durable here. After [`Files::put`] or [`Files::share`] a record
//! may name it: then a cluster has it too.

mod shared;

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::fail_point::fail_point;
use crate::journal::Disk;
use crate::journal::stream::{Objects, StreamError};
use crate::names::Digest;

/// A folder of files that are named by their digests.
#[derive(Debug)]
pub(in crate::release) struct Files {
    folder: FileFolder,
    /// The folder for a copy of each file, for a restore of commits that name it.
    archive: Option<FileFolder>,
    /// The object store of the cluster, which has a copy of each file that a record names.
    objects: Option<Arc<dyn Objects>>,
    kind: FileKind,
}

/// The kind of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::release) enum FileKind {
    Component,
    Contracts,
}

impl FileKind {
    pub(in crate::release) fn path(self, digest: &Digest) -> String {
        let (folder, extension) = self.names();
        format!("{folder}/{}.{extension}", digest.hex())
    }

    /// The folder, and the suffix of the names of files.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Component => ("components", "wasm"),
            Self::Contracts => ("contracts", "json"),
        }
    }
}

/// The folder on one disk.
#[derive(Debug)]
struct FileFolder {
    disk: Arc<dyn Disk>,
    folder: String,
    extension: &'static str,
    durable: Mutex<BTreeSet<Digest>>,
}

/// Why a file cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {}: put it back, or restore the data directory from a backup", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} is damaged: restore the data directory from a backup", path.display())]
    Damaged { path: PathBuf },
    #[error(
        "cannot store {object} in the object store of the cluster: check the NATS servers and what the user of this host \
         may publish, and try again"
    )]
    Share { object: String, source: StreamError },
    #[error("cannot read {object} from the object store of the cluster: check the NATS servers, and try again")]
    Fetch { object: String, source: StreamError },
    #[error(
        "{} is missing, and the object store of the cluster has no {object} either: copy the file from another node",
        path.display()
    )]
    Nowhere { path: PathBuf, object: String },
    #[error("{object} in the object store of the cluster is damaged: copy {} from another node", path.display())]
    DamagedObject { path: PathBuf, object: String },
}

impl Files {
    /// Opens the folder, and removes unfinished files. A copy of every file goes to `archive`: a disk, and the folder
    /// on it that contains the folders of files. With `objects`, missing files come from there.
    pub(in crate::release) fn open(
        disk: Arc<dyn Disk>,
        archive: Option<(Arc<dyn Disk>, String)>,
        objects: Option<Arc<dyn Objects>>,
        kind: FileKind,
    ) -> Result<Self, FileError> {
        let (name, extension) = kind.names();
        let folder = FileFolder::open(disk, name.into(), extension)?;
        let archive = archive.map(|(disk, base)| FileFolder::open(disk, format!("{base}/{name}"), extension));
        let files = Self { folder, archive: archive.transpose()?, objects, kind };
        files.archive_all();
        Ok(files)
    }

    /// Copies missing files to the archive. A failure delays nothing: the copy is tried again with the next file, and a
    /// restore that needs the file reports it.
    fn archive_all(&self) {
        let Some(archive) = &self.archive else { return };
        let archived = archive.durable().clone();
        let here = self.folder.durable().clone();
        for digest in here.difference(&archived) {
            let copied = self.get(digest).and_then(|bytes| archive.put(digest, &bytes));
            if let Err(error) = copied {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a file could not be copied to the archive; the host tries again"
                );
            }
        }
    }

    /// Stores `bytes` under the name `digest`, unless the file exists. It is durable after the return, also in the object
    /// store of a cluster.
    pub(in crate::release) fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FileError> {
        self.store_here(digest, bytes)?;
        self.share_bytes(digest, bytes)
    }

    fn store_here(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FileError> {
        self.folder.put(digest, bytes)?;
        self.archive_all();
        Ok(())
    }

    pub(in crate::release) fn has(&self, digest: &Digest) -> bool {
        self.folder.durable().contains(digest)
    }

    /// Where the file `digest` is missing, if the object store of a cluster does not have it either.
    pub(in crate::release) fn missing(&self, digest: &Digest) -> Option<PathBuf> {
        self.fetch_missing(&BTreeSet::from([*digest]));
        (!self.has(digest)).then(|| self.folder.disk.full(&self.kind.path(digest)))
    }

    /// The size of the file, if it exists.
    pub(in crate::release) fn bytes(&self, digest: &Digest) -> u64 {
        self.folder.disk.open(&self.kind.path(digest)).and_then(|file| file.bytes()).unwrap_or(0)
    }

    /// The content of the file `digest`. A file that is missing here comes from the object store of the cluster.
    pub(in crate::release) fn get(&self, digest: &Digest) -> Result<Vec<u8>, FileError> {
        if !self.has(digest) && self.objects.is_some() {
            return self.fetch(digest);
        }
        let path = self.kind.path(digest);
        let read = || {
            let file = self.folder.disk.open(&path)?;
            let mut bytes = vec![0; usize::try_from(file.bytes()?).map_err(io::Error::other)?];
            file.read_at(0, &mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| FileError::Read { path: self.folder.disk.full(&path), source })
    }

    /// Like [`Files::get`], for a file whose name is the digest of its bytes.
    pub(in crate::release) fn get_checked(&self, digest: &Digest) -> Result<Vec<u8>, FileError> {
        let bytes = self.get(digest)?;
        if Digest::of(&bytes) != *digest {
            return Err(FileError::Damaged { path: self.folder.disk.full(&self.kind.path(digest)) });
        }
        Ok(bytes)
    }

    /// Deletes the files for which `needed` returns false. Those in the archive stay.
    pub(in crate::release) fn sweep(&self, needed: impl Fn(&Digest) -> bool) {
        self.folder.durable().retain(|digest| {
            needed(digest) || {
                let path = self.kind.path(digest);
                let removed = self.folder.disk.remove(&path);
                removed
                    .inspect_err(|error| {
                        tracing::warn!(path, %error, "an unneeded file could not be deleted; \
                    the host tries again")
                    })
                    .is_err()
            }
        });
    }
}

impl FileFolder {
    fn open(disk: Arc<dyn Disk>, folder: String, extension: &'static str) -> Result<Self, FileError> {
        let at = |source| FileError::Write { path: disk.full(&folder), source };
        let mut durable = BTreeSet::new();
        for name in disk.names(&folder).map_err(at)? {
            let hex = name.strip_suffix(extension).and_then(|name| name.strip_suffix('.'));
            match hex.and_then(|hex| Digest::parse(&format!("sha256:{hex}")).ok()) {
                Some(digest) => drop(durable.insert(digest)),
                None => disk.remove(&format!("{folder}/{name}")).map_err(at)?,
            }
        }
        // A killed host may have left a name that is not durable yet.
        disk.sync_folder(&folder).map_err(at)?;
        Ok(Self { disk, folder, extension, durable: Mutex::new(durable) })
    }

    fn durable(&self) -> MutexGuard<'_, BTreeSet<Digest>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FileError> {
        // Held to the end, so that a second writer of the same file finds it durable.
        let mut durable = self.durable();
        if durable.contains(digest) {
            return Ok(());
        }
        let path = format!("{}/{}.{}", self.folder, digest.hex(), self.extension);
        self.write(&path, bytes).map_err(|source| FileError::Write { path: self.disk.full(&path), source })?;
        durable.insert(*digest);
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let new_path = format!("{path}.new");
        let written = self.disk.create(&new_path).and_then(|file| {
            file.write_at(0, bytes)?;
            file.sync()
        });
        if let Err(error) = written {
            // An unfinished file would occupy room that others wait for. The next start removes it in any case.
            let _stays = self.disk.remove(&new_path);
            return Err(error);
        }
        self.disk.rename(&new_path, path)?;
        fail_point("component.mid-put");
        self.disk.sync_folder(&self.folder)
    }
}
