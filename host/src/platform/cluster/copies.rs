//! Stores copies of a cluster's stores in the background, slowly, so that calls notice nothing of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::config::Manifest;
use crate::journal::{Directory, SERVICES_FOLDER};
use crate::store::{Copies, CopyError, CopySettings, Stored, Stores};
use crate::tasks::{Lifetime, Stop, Tasks, blocking};

/// How often the leader looks whether a copy is due. In this time a stream grows by less than the smallest part of it that
/// is worth a copy.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// How long it waits after a failure: servers that are back after a restart are soon found.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Bytes of a copy per second: a part of what the servers can store beside the stream itself.
const BYTES_PER_SECOND: u64 = 16 << 20;

/// The folder of the data directory in which a copy is written before it is sent.
const SCRATCH_FOLDER: &str = "copy";

/// Stores copies in `tasks` while this host leads its cluster.
pub(super) fn store_copies(manifest: &Manifest, stores: &Stores, tasks: &Tasks) {
    let (settings, data) = (CopySettings::new(&manifest.cluster), manifest.host.data.clone());
    let (stores, stop) = (stores.clone(), tasks.stop());
    tasks.supervise("copies for the cluster", Lifetime::Host, move || {
        run(stores.clone(), data.clone(), settings, stop.clone())
    });
}

async fn run(stores: Stores, data: PathBuf, settings: CopySettings, mut stop: Stop) {
    let (mut copies, mut wait) = (None, LOOK_PERIOD);
    loop {
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(wait) => {}
        }
        let (stores, data, stopped, before) = (stores.clone(), data.clone(), stop.clone(), copies.take());
        let step =
            blocking(move || match before.map_or_else(|| open(&stores, &data, settings), |copies| Ok(Some(copies))) {
                Err(error) => (None, Err(error)),
                Ok(None) => (None, Ok(Stored::Nothing)),
                Ok(Some(mut copies)) => {
                    let done = copies.step(&|| stopped.is_set());
                    (Some(copies), done)
                }
            });
        // After a panic, which is reported, the supervisor begins anew.
        let Ok((after, done)) = step.await else { return };
        copies = after;
        wait = match done {
            Ok(Stored::Nothing) => LOOK_PERIOD,
            Ok(Stored::Bytes(bytes)) => Duration::from_millis(bytes.saturating_mul(1000) / BYTES_PER_SECOND),
            Ok(Stored::Copy) => Duration::ZERO,
            Err(_) if stop.is_set() => return,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "no copy of the stores came into the object store of the cluster; the host tries again"
                );
                RETRY_AFTER
            }
        };
    }
}

/// The disk on which a copy is written before it is sent, and its path.
pub(super) fn scratch(data: &Path) -> (io::Result<Directory>, PathBuf) {
    let path = data.join(SCRATCH_FOLDER);
    (Directory::make(&path, &[SERVICES_FOLDER]), path)
}

/// `None` if the stores are of no cluster.
fn open(stores: &Stores, data: &Path, settings: CopySettings) -> Result<Option<Copies>, CopyError> {
    let (disk, path) = scratch(data);
    let disk = disk.map_err(|source| CopyError::File { path, source })?;
    Ok(Copies::new(stores, Arc::new(disk), settings))
}
