//! How long files may be kept by clients, and which are compressed.

/// The same for all files of a folder.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct AssetSettings {
    pub(in crate::gateway) max_age_s: u32,
    /// Files of this size and more are compressed, if that makes them smaller.
    pub(in crate::gateway) compress_bytes_min: usize,
}
