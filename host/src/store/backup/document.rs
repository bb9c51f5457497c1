//! `backup.json`: the content and the time of a backup. It is written last: a folder without it is no backup.
//!
//! Invariant: a parsed document names only files that a backup may have, each once, and matches its own digest.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::{DocumentError, RestoreError};
use crate::clock;
use crate::journal::{Disk, JournalId, SERVICES_FOLDER};
use crate::limits::BACKUP_DOCUMENT_BYTES_MAX;
use crate::names::{CommitSeq, Digest, ServiceName};

/// The name of the document, in the folder of the backup.
pub(crate) const DOCUMENT: &str = "backup.json";
pub(crate) const DOCUMENT_NEW: &str = "backup.json.new";

/// The folders of a backup.
pub(crate) const BACKUP_FOLDERS: [&str; 3] = [SERVICES_FOLDER, "components", "contracts"];

pub const BACKUP_FORMAT: u64 = 3;

/// The content and the time of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupDocument {
    format: u64,
    /// The version of switchyard that wrote it.
    switchyard: String,
    /// The journal that `number` belongs to: 32 hex digits.
    journal: String,
    /// The stores contain exactly the commits up to this one.
    number: u64,
    /// The time of that commit, as RFC 3339.
    at: String,
    files: Vec<BackupFile>,
    /// The digest of all fields above.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackupFile {
    /// Relative to the folder of the backup, with `/` between folder and name.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) digest: Digest,
}

impl BackupDocument {
    pub(crate) fn new(journal: JournalId, number: CommitSeq, unix_micros: u64, files: Vec<BackupFile>) -> Self {
        let mut document = Self {
            format: BACKUP_FORMAT,
            switchyard: env!("CARGO_PKG_VERSION").into(),
            journal: journal.to_string(),
            number: number.0,
            at: clock::rfc_3339(unix_micros),
            files,
            digest: None,
        };
        document.digest = Some(document.own_digest());
        document
    }

    /// The number of the last commit that is in the backup.
    #[must_use]
    pub fn number(&self) -> CommitSeq {
        CommitSeq(self.number)
    }

    /// The size of its files in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
    }

    pub(crate) fn journal(&self) -> JournalId {
        JournalId::parse(&self.journal).expect("checked when it was read")
    }

    /// In microseconds since the Unix epoch.
    pub(crate) fn unix_micros(&self) -> u64 {
        clock::parse_rfc_3339(&self.at).expect("checked when it was read")
    }

    pub(crate) fn files(&self) -> &[BackupFile] {
        &self.files
    }

    /// The services whose stores it contains.
    pub(crate) fn services(&self) -> BTreeSet<ServiceName> {
        self.files.iter().filter_map(|file| service_of(&file.path)).collect()
    }

    fn own_digest(&self) -> Digest {
        let bare = Self { digest: None, ..self.clone() };
        Digest::of(&serde_json::to_vec(&bare).expect("texts and numbers become JSON"))
    }

    /// Parses a document from any source.
    ///
    /// # Errors
    ///
    /// [`DocumentError`].
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        let Version { format } = serde_json::from_slice(text).map_err(DocumentError::Json)?;
        if format != BACKUP_FORMAT {
            return Err(DocumentError::Format { format, supported: BACKUP_FORMAT });
        }
        let document: Self = serde_json::from_slice(text).map_err(DocumentError::Json)?;
        if document.digest != Some(document.own_digest()) {
            return Err(DocumentError::Digest);
        }
        if JournalId::parse(&document.journal).is_none() {
            return Err(DocumentError::Value { what: "journal" });
        }
        if clock::parse_rfc_3339(&document.at).is_none() {
            return Err(DocumentError::Value { what: "time" });
        }
        let mut known = BTreeSet::new();
        match document.files.iter().find(|file| !is_file_of_backup(&file.path) || !known.insert(&file.path)) {
            Some(file) => Err(DocumentError::Path { path: file.path.clone() }),
            None => Ok(document),
        }
    }

    /// Reads the document of the backup on `disk`.
    pub(in crate::store) fn read(disk: &dyn Disk) -> Result<Self, RestoreError> {
        let path = || disk.full(DOCUMENT);
        let at_file = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::NotFound => RestoreError::NoBackup { path: folder(path()) },
            _ => RestoreError::Read { path: path(), source },
        };
        let file = disk.open(DOCUMENT).map_err(at_file)?;
        let bytes = file.bytes().map_err(at_file)?.min(BACKUP_DOCUMENT_BYTES_MAX);
        let mut text = vec![0; usize::try_from(bytes).unwrap_or(0)];
        file.read_at(0, &mut text).map_err(at_file)?;
        Self::parse(&text).map_err(|source| RestoreError::Document { path: path(), source })
    }

    /// Writes it on `disk`, durably, as the last file of the backup.
    pub(super) fn write(&self, disk: &dyn Disk) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?;
        let file = disk.create(DOCUMENT_NEW)?;
        file.write_at(0, &text)?;
        file.sync()?;
        disk.rename(DOCUMENT_NEW, DOCUMENT)?;
        disk.sync_folder("")
    }
}

fn folder(path: PathBuf) -> PathBuf {
    path.parent().map_or(path.clone(), PathBuf::from)
}

/// The service whose store is the file `path`; `None` for other files.
fn service_of(path: &str) -> Option<ServiceName> {
    let name = path.strip_prefix(SERVICES_FOLDER)?.strip_prefix('/')?;
    ServiceName::of_store(name.strip_suffix(".redb")?).ok()
}

/// Whether a backup may contain a file `path`. A restore writes the file to this path.
fn is_file_of_backup(path: &str) -> bool {
    let by_digest = |folder: &str, extension: &str| {
        let name = path.strip_prefix(folder).and_then(|name| name.strip_suffix(extension));
        name.is_some_and(|hex| Digest::parse(&format!("sha256:{hex}")).is_ok())
    };
    service_of(path).is_some() || by_digest("components/", ".wasm") || by_digest("contracts/", ".json")
}

#[cfg(test)]
mod tests;
