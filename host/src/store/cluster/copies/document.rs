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
pub(in crate::store::cluster) struct CopyDocument {
    /// The stores have all messages up to this one, and may have commits of later ones.
    pub(in crate::store::cluster) position: Position,
    pub(in crate::store::cluster) backup: BackupDocument,
    /// The positions of the node that wrote the stream again the last time, in order, as far as it knew them. The last one is
    /// that before the first message of the stream since then. Empty if the stream was never written again.
    pub(in crate::store::cluster) history: Vec<Position>,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<String>,
}

impl CopyDocument {
    pub(in crate::store::cluster) fn encode(&self) -> Vec<u8> {
        let text = Text {
            format: COPY_FORMAT,
            position: hex(&self.position.encode()),
            piece_bytes: PIECE_BYTES as u64,
            backup: serde_json::to_value(&self.backup).expect("texts and numbers become JSON"),
            history: self.history.iter().map(|position| hex(&position.encode())).collect(),
        };
        serde_json::to_vec_pretty(&text).expect("texts and numbers become JSON")
    }

    /// Reads what [`CopyDocument::encode`] writes.
    pub(in crate::store::cluster) fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        let text: Text = serde_json::from_slice(text).map_err(DocumentError::Json)?;
        if (text.format, text.piece_bytes) != (COPY_FORMAT, PIECE_BYTES as u64) {
            return Err(DocumentError::Format { format: text.format, supported: COPY_FORMAT });
        }
        let read = |text: &String| {
            let position = unhex(text).and_then(|bytes| Position::decode(&bytes));
            position.ok_or(DocumentError::Value { what: "position" })
        };
        let position = read(&text.position)?;
        let history = text.history.iter().map(read).collect::<Result<_, _>>()?;
        let backup = serde_json::to_vec(&text.backup).map_err(DocumentError::Json)?;
        let backup = BackupDocument::parse(&backup)?;
        // Commits after the position are read again, and skipped: none may be missing between the two.
        if position.number > backup.number() {
            return Err(DocumentError::Value { what: "position" });
        }
        Ok(Self { position, backup, history })
    }

    /// The position before the first message of the stream since it was written again, if it was.
    pub(in crate::store::cluster) fn written_again(&self) -> Option<&Position> {
        self.history.last()
    }

    /// Whether the node that wrote the stream again had the commit at `end` too, with everything before it.
    pub(in crate::store::cluster) fn has_in_history(&self, end: &Position) -> bool {
        self.history.iter().any(|known| (known.number, known.hash) == (end.number, end.hash))
    }

    /// The objects of all pieces.
    pub(in crate::store::cluster) fn pieces<'a>(&'a self, name: &'a CopyName) -> impl Iterator<Item = String> + 'a {
        self.backup.files().iter().flat_map(|file| (0..pieces(file)).map(|index| name.piece(&file.path, index)))
    }
}

/// How many pieces a file has.
pub(in crate::store::cluster) fn pieces(file: &BackupFile) -> u64 {
    file.bytes.div_ceil(PIECE_BYTES as u64)
}
