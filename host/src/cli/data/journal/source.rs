//! Finds the journal that a command reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::arguments::JournalSource;
use crate::cli::data::restore::manifest_there;
use crate::cli::output::failure::{Failure, Kind};
use crate::journal::{Directory, Disk, History, HistoryError, JOURNAL_FOLDER};

/// The segments of one journal, or of single files.
pub(super) fn histories(source: &JournalSource) -> Result<Vec<History>, Failure> {
    if source.files.is_empty() {
        let data = match &source.data {
            Some(data) => data.clone(),
            None => {
                let manifest = manifest_there(&source.manifest.manifest)?;
                manifest.map_or_else(|| PathBuf::from("data"), |manifest| manifest.host.data)
            }
        };
        return Ok(vec![folder(&data, JOURNAL_FOLDER)?]);
    }
    let one = |path: &PathBuf| if path.is_dir() { folder(path, ".") } else { file(path) };
    source.files.iter().map(one).collect()
}

fn folder(root: &Path, folder: &str) -> Result<History, Failure> {
    let disk: Arc<dyn Disk> = Arc::new(Directory::to_read(root));
    History::gather(&[(disk, folder)], None).map_err(failed)
}

fn file(path: &Path) -> Result<History, Failure> {
    let (Some(name), parent) = (path.file_name().and_then(|name| name.to_str()), path.parent()) else {
        return Err(Failure::text(Kind::Usage, format!("{} is not a segment file", path.display())));
    };
    let disk: Arc<dyn Disk> = Arc::new(Directory::to_read(parent.unwrap_or(Path::new(""))));
    History::of_file(disk, name).map_err(failed)
}

pub(super) fn failed(error: HistoryError) -> Failure {
    Failure::new(Kind::Refused, error)
}
