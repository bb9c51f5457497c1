//! The names in the assets' folder itself: a request for a path that begins with none of them needs no look-up.
//!
//! Invariant: a path counts as missing only if its first name was not in the folder less than a second ago, and the folder
//! is unchanged since.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use super::path::AssetPath;
use crate::clock;
use crate::limits::{ASSET_FRESH_MS_MAX, ASSET_NAMES_MAX};

/// A folder that was changed within this time may change again without another time of modification: file systems round
/// it, some to a second.
const SETTLED_MICROS: u64 = 2_000_000;

#[derive(Debug, Default)]
pub(super) struct Listing(ArcSwapOption<Names>);

/// The names at one moment.
#[derive(Debug)]
struct Names {
    read_at: Instant,
    folder: Version,
    /// In small letters: some file systems ignore case.
    names: HashSet<Box<[u8]>>,
}

/// Distinguishes the versions of a folder, and the folders at one path.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Listing {
    /// Whether nothing exists at `path` under `root`; false if that is not known.
    pub(super) fn lacks(&self, root: &Path, path: &AssetPath) -> bool {
        let names = self.0.load();
        let (Some(names), Some(first)) = (&*names, path.relative.iter().next()) else { return false };
        // The file system has the folder itself in memory, so this does not wait for the disk.
        first.is_ascii()
            && names.is_fresh()
            && !names.names.contains(&*first.as_bytes().to_ascii_lowercase())
            && fs::metadata(root).is_ok_and(|folder| Version::of(&folder) == names.folder)
    }

    /// Reads the names again if that is due. May wait for the disk.
    pub(super) fn renew(&self, root: &Path) {
        if self.0.load().as_ref().is_some_and(|names| names.is_fresh()) {
            return;
        }
        // Without the names, each path is looked up.
        self.0.store(Names::read(root).ok().flatten().map(Into::into));
    }
}

impl Names {
    fn is_fresh(&self) -> bool {
        clock::elapsed(self.read_at) < Duration::from_millis(ASSET_FRESH_MS_MAX)
    }

    /// `None` if the folder was just changed, or has too many names.
    fn read(root: &Path) -> io::Result<Option<Self>> {
        let (read_at, folder) = (clock::now(), fs::metadata(root)?);
        let modified_micros = u64::try_from(folder.mtime()).unwrap_or(0).saturating_mul(1_000_000);
        if clock::unix_micros().saturating_sub(modified_micros) < SETTLED_MICROS {
            return Ok(None);
        }
        let mut names = HashSet::new();
        for entry in fs::read_dir(root)? {
            if names.len() >= ASSET_NAMES_MAX {
                return Ok(None);
            }
            names.insert(entry?.file_name().as_bytes().to_ascii_lowercase().into());
        }
        Ok(Some(Self { read_at, folder: Version::of(&folder), names }))
    }
}

impl Version {
    fn of(folder: &Metadata) -> Self {
        Self {
            device: folder.dev(),
            inode: folder.ino(),
            modified: (folder.mtime(), folder.mtime_nsec()),
            changed: (folder.ctime(), folder.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests;
