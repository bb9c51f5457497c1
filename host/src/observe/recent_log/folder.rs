//! The files of the recent log, numbered from 1.

use std::path::{Path, PathBuf};

/// The log files of `folder`, oldest first, with their numbers.
pub(super) fn files(folder: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(SUFFIX));
        if let Some(number) = name.and_then(|number| number.parse().ok()) {
            files.push((number, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

const SUFFIX: &str = ".jsonl";

pub(super) fn file_name(number: u64) -> String {
    format!("{number:08}{SUFFIX}")
}
