//! Prepares the file of the next segment before it is needed.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::recovery::spare_path;
use super::shared::{Shared, Spare};
use crate::observe::LogLimit;

/// Prepares one file ahead, so that a full disk is noticed before a commit needs the room. `count` is the number of
/// files begun before: no name is used twice, because the writer may still use the earlier file.
pub(super) fn prepare_spares(shared: &Shared, count: &mut u64) {
    let refused = LogLimit::default();
    while shared.wait_for_want() {
        let path = spare_path(*count);
        *count += 1;
        let made = make_spare(&*shared.disk, &path, shared.segment_bytes);
        if let Err(error) = &made {
            if refused.allows() {
                let path = shared.disk.full(&path);
                tracing::warn!(%error, path = %path.display(), "the disk is full: the journal has no room for its \
                    next segment");
            }
            // An unfinished file would occupy room that others wait for. It may not even exist.
            let _gone = shared.disk.remove(&path);
        }
        shared.put_spare(made.map(|file| Spare { file, path }));
    }
}

fn make_spare(disk: &dyn Disk, path: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(path)?;
    file.allocate(bytes)?;
    file.sync()?;
    Ok(file)
}
