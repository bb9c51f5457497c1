//! The version of the host, and the formats of what it writes.

use serde::Serialize;

use crate::journal::JOURNAL_FORMAT;
use crate::observe::{COMMIT, VERSION, WASMTIME};
use crate::release::PLATFORM_FORMAT;
use crate::store::{BACKUP_FORMAT, INDEX_FORMAT};

/// A build of switchyard.
#[derive(Debug, Serialize)]
pub struct Version {
    pub switchyard: &'static str,
    /// The commit that it was built from, if the builder named it.
    pub commit: &'static str,
    pub wasmtime: &'static str,
    pub formats: Formats,
}

/// The versions of the formats that a build reads and writes.
#[derive(Debug, Serialize)]
pub struct Formats {
    pub journal: u32,
    pub backup: u64,
    /// Of the index files of the services' state.
    pub state: u64,
    /// Of the platform's own state: releases, settings, tokens, history.
    pub platform: u64,
}

impl Version {
    /// The version of this program.
    #[must_use]
    pub fn of_this() -> Self {
        let formats =
            Formats { journal: JOURNAL_FORMAT, backup: BACKUP_FORMAT, state: INDEX_FORMAT, platform: PLATFORM_FORMAT };
        Self { switchyard: VERSION, commit: COMMIT, wasmtime: WASMTIME, formats }
    }
}
