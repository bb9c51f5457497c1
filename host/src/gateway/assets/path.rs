//! Turns the path of a request into a path under the assets' folder.
//!
//! Invariant: the result has only plain names in it: no `..`, no hidden file, nothing that a file system reads as more
//! than one name.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::gateway::request::percent_encoding::decode_segment;

/// A path under the folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AssetPath {
    pub(super) relative: PathBuf,
    /// The request's path ended with a slash, so it means a directory.
    pub(super) directory: bool,
}

impl AssetPath {
    /// `None` for a path that no asset can have.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (names, directory) = match path.strip_suffix('/') {
            Some(names) => (names, true),
            None => (path, path.is_empty()),
        };
        let mut relative = PathBuf::new();
        if !path.is_empty() {
            for (position, raw) in names.split('/').enumerate() {
                let name = decode_segment(raw).ok()?;
                let hidden = name.starts_with('.') && !(position == 0 && name == ".well-known");
                if name.is_empty() || hidden || name.contains(['/', '\\', '\0']) {
                    return None;
                }
                relative.push(&*name);
            }
        }
        Some(Self { relative, directory })
    }
}
