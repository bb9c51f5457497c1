//! Where services that speak HTTP themselves are mounted.

use crate::names::ServiceName;

/// A path prefix, the service that answers the paths under it, and what the gateway has to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// As written in the manifest: `/legacy`.
    pub prefix: String,
    pub service: ServiceName,
    /// Whether the component sees paths without the prefix.
    pub strip_prefix: bool,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Milliseconds that a request may take with its response.
    pub stream_ms_max: u64,
}

/// All mounts, longest prefix first.
#[derive(Debug, Default)]
pub(in crate::call) struct Mounts(Vec<Mount>);

impl Mounts {
    pub(in crate::call) fn new(mut mounts: Vec<Mount>) -> Self {
        for mount in &mut mounts {
            mount.prefix.truncate(mount.prefix.trim_end_matches('/').len());
        }
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.prefix.len()));
        Self(mounts)
    }

    pub(in crate::call) fn find(&self, path: &str) -> Option<&Mount> {
        self.0.iter().find(|mount| {
            path.strip_prefix(mount.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

#[cfg(test)]
mod tests;
