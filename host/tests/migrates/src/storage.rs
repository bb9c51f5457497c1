//! The notes in the store: `note/<id>`, in either version.

use serde::{Deserialize, Serialize};
use switchyard_sdk::store;

#[derive(Serialize, Deserialize)]
enum Note {
    V1(String),
    V2 { text: String, words: u32 },
}

fn key(id: &str) -> String {
    format!("note/{id}")
}

/// A note of version 2; one of version 1 has no words yet.
pub(crate) fn note(id: &str) -> Option<(String, u32)> {
    store::get(&key(id)).map(|note| match note {
        Note::V1(text) => (text, 0),
        Note::V2 { text, words } => (text, words),
    })
}

pub(crate) fn count(prefix: &str) -> u32 {
    let notes = store::all::<Note>(&key(prefix)).count();
    u32::try_from(notes).unwrap_or(u32::MAX)
}

/// As the release before would have.
pub(crate) fn write_first_version(id: &str, text: String) {
    store::set(&key(id), &Note::V1(text));
}

/// The migration from version 1 to version 2. What is of version 2 already stays as it is.
pub(crate) fn count_words() {
    for (key, note) in store::all(&key("")) {
        if let Note::V1(text) = note {
            let words = u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX);
            store::set(&key, &Note::V2 { text, words });
        }
    }
}
