//! Restores a backup: the stores at some number, and the files that the releases at that number name.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
#[cfg(any(test, feature = "fail-points"))]
use std::sync::Arc;

use super::super::loading::files::FileKind;
use super::super::records::platform_store::{PlatformError, applied, services};
#[cfg(any(test, feature = "fail-points"))]
use crate::journal::Disk;
#[cfg(any(test, feature = "fail-points"))]
use crate::store::Until;
use crate::store::{Progress, RestoreError, RestoreOrder, Restored, Transaction};

/// Restores a backup like `store::restore`, and also the components and contracts that its releases name.
///
/// # Errors
///
/// [`RestoreError`], as for `store::restore`.
pub fn restore(
    order: &RestoreOrder,
    tell: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Restored, RestoreError> {
    crate::store::restore(order, &files, tell)
}

/// As [`restore`], between disks, for the simulator: see `store::backup::restore_between`.
#[cfg(any(test, feature = "fail-points"))]
pub(crate) fn restore_between(
    source: &dyn Disk,
    target: &Arc<dyn Disk>,
    old: &[Arc<dyn Disk>],
    until: Until,
) -> Result<Restored, RestoreError> {
    crate::store::backup::restore_between(source, target, old, until, &files)
}

/// The files that the platform's store names: those of its releases, and the applied contracts.
fn files(platform: &mut Transaction) -> Result<BTreeSet<String>, Box<dyn std::error::Error + Send + Sync>> {
    let records = services(platform).map_err(Box::<PlatformError>::new)?;
    let releases = records.iter().flat_map(|(_, record)| record.releases());
    let files = releases.flat_map(|release| {
        let contracts = release.contracts.as_ref().map(|contracts| FileKind::Contracts.path(contracts));
        [Some(FileKind::Component.path(&release.digest)), contracts].into_iter().flatten()
    });
    let applied = applied(platform).map_err(Box::<PlatformError>::new)?.and_then(|applied| applied.contracts);
    Ok(files.chain(applied.map(|applied| FileKind::Contracts.path(&applied.digest))).collect())
}
