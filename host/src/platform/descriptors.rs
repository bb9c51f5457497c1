//! File descriptors: each connection needs one, and so does every file that the host opens.

#[cfg(test)]
mod tests;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::GatewaySettings;
use crate::limits::DESCRIPTORS_RESERVED;

/// The process may open too few files for the host.
#[derive(Debug, thiserror::Error)]
#[error(
    "this process may open {descriptors} files, and the host itself needs {DESCRIPTORS_RESERVED}: raise the hard limit \
     (`ulimit -Hn`)"
)]
pub struct DescriptorError {
    descriptors: u64,
}

/// Raises the soft limit of open files to the hard limit, and lowers `connections_max` to the number that this leaves
/// for connections.
///
/// # Errors
///
/// [`DescriptorError`] if it leaves none.
pub fn fit_connections(settings: &mut GatewaySettings) -> Result<(), DescriptorError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(error) = &raised {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let descriptors = if raised.is_ok() { maximum } else { current };
    let fitting = fitting(settings.connections_max, descriptors)?;
    if fitting < settings.connections_max {
        let (wanted, connections_max) = (settings.connections_max, fitting);
        tracing::warn!(wanted, connections_max, descriptors, "fewer connections: the process may open too few files");
        settings.connections_max = fitting;
    }
    Ok(())
}

/// How many of `wanted` connections fit into this many descriptors; `None` means no limit.
fn fitting(wanted: usize, descriptors: Option<u64>) -> Result<usize, DescriptorError> {
    let Some(descriptors) = descriptors else { return Ok(wanted) };
    match descriptors.saturating_sub(DESCRIPTORS_RESERVED) {
        0 => Err(DescriptorError { descriptors }),
        left => Ok(usize::try_from(left).unwrap_or(usize::MAX).min(wanted)),
    }
}
