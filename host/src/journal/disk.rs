//! The files of the data directory, behind a trait, so that tests can run the same code on a disk that fails.
//!
//! Paths are relative to the data directory: `journal/00000000000000000001.segment`, `services/cart.redb`.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of the journal's segments.
pub(crate) const JOURNAL_FOLDER: &str = "journal";
/// The folder of the indexes.
pub(crate) const SERVICES_FOLDER: &str = "services";

/// All folders of a data directory that have files which must be durable.
const FOLDERS: [&str; 4] = [JOURNAL_FOLDER, SERVICES_FOLDER, "components", "contracts"];

/// A data directory. Created, renamed and removed names are durable once [`Disk::sync_folder`] returned.
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Opens an existing file.
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Creates an empty file, in place of an existing one.
    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// The names in `folder`, in any order.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Renames, and replaces an existing file named `to`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, path: &str) -> io::Result<()>;
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// The path as an operator sees it.
    fn full(&self, path: &str) -> PathBuf;
}

/// An open file. Its changes are durable once [`DiskFile::sync`] returned.
pub(crate) trait DiskFile: fmt::Debug + Send + Sync {
    fn bytes(&self) -> io::Result<u64>;
    /// Fills `out`; an error when the file is too short.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Cuts the file to `bytes`.
    fn cut(&self, bytes: u64) -> io::Result<()>;
    /// Extends the file to `bytes` with zeros, and reserves the disk space.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

/// The real data directory. Only its owner can read its files.
#[derive(Debug)]
pub(crate) struct Directory {
    root: PathBuf,
    read_only: bool,
    /// These folders stay open, so that their sync cannot fail because too many files are open.
    folders: Vec<(&'static str, File)>,
}

impl Directory {
    /// Opens the data directory `root`; creates it and its folders where they are missing.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let directory = Self::make(root, &FOLDERS)?;
        let opened = FOLDERS.into_iter().map(|folder| Ok((folder, File::open(directory.root.join(folder))?)));
        let folders = opened.collect::<io::Result<_>>()?;
        Ok(Self { folders, ..directory })
    }

    /// Opens the folder `root`; creates it and the `folders` in it where they are missing.
    pub(crate) fn make(root: &Path, folders: &[&str]) -> io::Result<Self> {
        let root = std::path::absolute(root)?;
        let missing: Vec<_> = root.ancestors().take_while(|folder| !folder.exists()).collect();
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        for folder in folders {
            builder.create(root.join(folder))?;
        }
        // The name of each new folder must be as durable as its content.
        for parent in missing.iter().filter_map(|folder| folder.parent()).chain([root.as_path()]) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { root, read_only: false, folders: Vec::new() })
    }

    /// A read-only folder: the user may lack the right to write there.
    pub(crate) fn to_read(root: &Path) -> Self {
        Self { root: root.to_owned(), read_only: true, folders: Vec::new() }
    }
}

/// Opens the lock file `path`, and creates it if it is missing.
pub(crate) fn open_lock_file(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(path)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

impl Disk for Directory {
    fn open(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(options().write(!self.read_only).open(self.root.join(path))?))
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(options().create(true).truncate(true).open(self.root.join(path))?))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = std::fs::read_dir(self.root.join(folder))?;
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.root.join(path))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        match self.folders.iter().find(|(name, _)| *name == folder) {
            Some((_, open)) => open.sync_all(),
            None => File::open(self.root.join(folder))?.sync_all(),
        }
    }

    fn full(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl DiskFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(out, offset)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_all_at(data, offset)
    }

    fn cut(&self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        let from = self.metadata()?.len();
        match fallocate(self, FallocateFlags::empty(), from, bytes.saturating_sub(from)) {
            // A file system that cannot allocate reserves the room by writing zeros.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_zeros(self, from, bytes),
            done => Ok(done?),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut offset = from;
    while offset < to {
        let bytes = usize::try_from(to - offset).map_or(zeros.len(), |rest| rest.min(zeros.len()));
        file.write_all_at(zeros.get(..bytes).unwrap_or(&zeros), offset)?;
        offset += bytes as u64;
    }
    Ok(())
}
