//! Writes the recent log: appends to the newest file, begins a new one when it is full, and deletes the oldest.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::folder::{file_name, files};
use crate::limits::{LOG_FILE_BYTES_MAX, LOG_FILES_MAX};

/// Appends whole lines. There is one for each data directory.
#[derive(Debug)]
pub(crate) struct RecentLogWriter {
    folder: PathBuf,
    number: u64,
    file: File,
    bytes: u64,
    /// Whether the file may end within a line.
    is_torn: bool,
}

impl RecentLogWriter {
    /// Continues the log in `folder`, which is created if it does not exist.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let number = files(folder)?.last().map_or(1, |(number, _)| *number);
        let mut file = open(folder, number)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        let mut last = [b'\n'];
        if bytes > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok(Self { folder: folder.into(), number, file, bytes, is_torn: last != *b"\n" })
    }

    /// Begins the next file, and deletes the oldest ones.
    fn turn(&mut self) -> io::Result<()> {
        let number = self.number + 1;
        (self.file, self.number, self.bytes, self.is_torn) = (open(&self.folder, number)?, number, 0, false);
        for (old, path) in files(&self.folder)? {
            if old + LOG_FILES_MAX <= number {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

impl Write for RecentLogWriter {
    /// Writes all of `lines`, or fails: the rest of a torn line is never mistaken for the next one.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > LOG_FILE_BYTES_MAX {
            self.turn()?;
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.bytes += 1;
        }
        self.is_torn = true;
        self.file.write_all(lines)?;
        self.is_torn = false;
        self.bytes = self.bytes.saturating_add(length);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Only the host's user may read it: components may log what customers told them.
fn open(folder: &Path, number: u64) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(folder.join(file_name(number)))
}
