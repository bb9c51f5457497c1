//! How long clients may cache files, and which files are compressed.

/// The same for all files of a folder.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct AssetSettings {
    pub(in crate::gateway) max_age_s: u32,
    /// Minimum size of a file that is compressed, if that makes it smaller.
    pub(in crate::gateway) compress_bytes_min: usize,
}
