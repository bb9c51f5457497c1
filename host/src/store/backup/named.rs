//! The files that the platform's store names. A restore needs each of them, from the backup or from another folder.

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::sync::Arc;

use super::error::RestoreError;
use super::replay::Stage;
use crate::journal::Disk;
use crate::store::Transaction;

/// Returns the files that the platform's store names, as paths in a data directory.
pub(crate) type FilesOf<'a> = &'a dyn Fn(&mut Transaction) -> Result<BTreeSet<String>, Box<dyn Error + Send + Sync>>;

/// A disk, and the path of a file on it.
pub(super) type Source = (Arc<dyn Disk>, String);

/// The files that are named, and where to find those that the backup lacks.
pub(crate) struct NamedFiles<'a> {
    pub(crate) files_of: FilesOf<'a>,
    /// Disks, and the prefix of the paths of files there.
    pub(crate) places: Vec<(Arc<dyn Disk>, String)>,
}

impl NamedFiles<'_> {
    /// The named files that `target` lacks, and where they are.
    pub(super) fn missing(&self, stage: &Stage<'_>, target: &dyn Disk) -> Result<Vec<(Source, String)>, RestoreError> {
        let named = (self.files_of)(&mut stage.platform()?).map_err(RestoreError::Platform)?;
        let mut missing = Vec::new();
        for path in named {
            if is_there(target, &path)? {
                continue;
            }
            let mut found = None;
            for (disk, base) in &self.places {
                let from = format!("{base}{path}");
                if is_there(&**disk, &from)? {
                    found = Some((Arc::clone(disk), from));
                    break;
                }
            }
            let number = stage.number().0;
            let source = found.ok_or_else(|| RestoreError::FileMissing { number, path: path.clone() })?;
            missing.push((source, path));
        }
        Ok(missing)
    }
}

fn is_there(disk: &dyn Disk, path: &str) -> Result<bool, RestoreError> {
    match disk.open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(RestoreError::Read { path: disk.full(path), source }),
    }
}
