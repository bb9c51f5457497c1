//! Static files from one folder, with the headers that a CDN expects from its origin.
//!
//! Invariant: nothing outside of the folder is served, for any path and for any link target.

mod answer;
mod cache;
mod find;
mod kind;
mod listing;
mod path;
mod range;
mod settings;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::cache::{Cache, CacheEntry};
use self::find::{Asset, Lookup, look_up};
use self::listing::Listing;
use self::path::AssetPath;
pub(super) use self::settings::AssetSettings;

pub(super) use answer::respond;

/// The files of one folder.
#[derive(Debug)]
pub(super) struct Assets {
    /// Canonical, so that a file is inside it exactly if its canonical path begins with it.
    root: Arc<Path>,
    cache: Cache,
    listing: Arc<Listing>,
    settings: AssetSettings,
}

/// The result of looking up a request's path.
#[derive(Debug)]
pub(super) enum AssetMatch {
    File(Arc<Asset>),
    /// The same path with a trailing slash has an index.
    Directory,
}

impl Assets {
    /// # Errors
    ///
    /// If there is no folder at `folder`.
    pub(super) fn new(folder: &Path, settings: AssetSettings) -> io::Result<Self> {
        let root: PathBuf = folder.canonicalize()?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { root: root.into(), cache: Cache::default(), listing: Arc::default(), settings })
    }

    /// Looks up the path of a request.
    ///
    /// # Errors
    ///
    /// If the disk fails; a file that is hidden or not readable counts as missing.
    pub(super) async fn find(&self, path: &str) -> io::Result<Option<AssetMatch>> {
        let Some(path) = AssetPath::parse(path) else { return Ok(None) };
        let before = match self.cache.get(&path) {
            CacheEntry::Fresh(asset) => return Ok(Some(AssetMatch::File(asset))),
            CacheEntry::Stale(asset) => Some(asset),
            CacheEntry::Nothing if self.listing.lacks(&self.root, &path) => return Ok(None),
            CacheEntry::Nothing => None,
        };
        let (root, settings) = (Arc::clone(&self.root), self.settings);
        let looked_up = {
            let (path, listing) = (path.clone(), Arc::clone(&self.listing));
            tokio::task::spawn_blocking(move || {
                let found = look_up(&root, &path, before.as_deref(), settings);
                if matches!(found, Ok(Lookup::Nothing)) {
                    listing.renew(&root);
                }
                found
            })
        };
        match looked_up.await.map_err(io::Error::from)?? {
            Lookup::File(asset) => {
                self.cache.put(path, &asset);
                Ok(Some(AssetMatch::File(asset)))
            }
            Lookup::Directory => Ok(Some(AssetMatch::Directory)),
            Lookup::Nothing => {
                self.cache.remove(&path);
                Ok(None)
            }
        }
    }
}
