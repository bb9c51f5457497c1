//! The document of a copy: a backup document, and the position in the stream at which the copy continues.

use serde::{Deserialize, Serialize};

use super::name::{CopyName, PIECE_BYTES};
use crate::journal::stream::Position;
use crate::names::{hex, unhex};
use crate::store::DocumentError;
use crate::store::backup::{BackupDocument, BackupFile};

/// The version of the format of copies.
const COPY_FORMAT: u64 = 1;

#[derive(Debug)]
pub(super) struct CopyDocument {
    /// The stores have all messages up to this one, and may have commits of later ones.
    pub(super) position: Position,
    pub(super) backup: BackupDocument,
}

/// Its text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: u64,
    /// The position as a node keeps it, in hex.
    position: String,
    piece_bytes: u64,
    backup: serde_json::Value,
}

impl CopyDocument {
    pub(super) fn encode(&self) -> Vec<u8> {
        let text = Text {
            format: COPY_FORMAT,
            position: hex(&self.position.encode()),
            piece_bytes: PIECE_BYTES as u64,
            backup: serde_json::to_value(&self.backup).expect("texts and numbers become JSON"),
        };
        serde_json::to_vec_pretty(&text).expect("texts and numbers become JSON")
    }

    /// Reads what [`CopyDocument::encode`] writes.
    pub(super) fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        let text: Text = serde_json::from_slice(text).map_err(DocumentError::Json)?;
        if (text.format, text.piece_bytes) != (COPY_FORMAT, PIECE_BYTES as u64) {
            return Err(DocumentError::Format { format: text.format, supported: COPY_FORMAT });
        }
        let position = unhex(&text.position).and_then(|bytes| Position::decode(&bytes));
        let position = position.ok_or(DocumentError::Value { what: "position" })?;
        let backup = serde_json::to_vec(&text.backup).map_err(DocumentError::Json)?;
        let backup = BackupDocument::parse(&backup)?;
        // Commits after the position are read again, and skipped: none may be missing between the two.
        if position.number > backup.number() {
            return Err(DocumentError::Value { what: "position" });
        }
        Ok(Self { position, backup })
    }

    /// The objects of all pieces.
    pub(super) fn pieces<'a>(&'a self, name: &'a CopyName) -> impl Iterator<Item = String> + 'a {
        self.backup.files().iter().flat_map(|file| (0..pieces(file)).map(|index| name.piece(&file.path, index)))
    }
}

/// How many pieces a file has.
pub(super) fn pieces(file: &BackupFile) -> u64 {
    file.bytes.div_ceil(PIECE_BYTES as u64)
}
