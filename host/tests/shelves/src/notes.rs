//! The notes in the store: each under the layout's name and its own key.

use crate::bindings::switchyard::service::store::{self, Direction};
use crate::variant;

/// The most entries of one scan.
const SCAN_MAX: u32 = 1_000;

/// The name of the layout: entries of one are none of another.
pub(crate) fn layout() -> &'static str {
    variant::text("layout")
}

pub(crate) fn get(key: &str) -> Option<String> {
    store::get(&stored(key)).map(|text| String::from_utf8_lossy(&text).into_owned())
}

pub(crate) fn set(key: &str, text: &str) {
    store::set(&stored(key), text.as_bytes());
}

pub(crate) fn delete(key: &str) {
    store::delete(&stored(key));
}

/// All notes, ascending.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut notes = Vec::new();
    loop {
        let last = notes.last().map(|(key, _): &(String, String)| key.clone());
        let page = page(last.as_deref(), SCAN_MAX);
        if page.is_empty() {
            return notes;
        }
        notes.extend(page);
    }
}

/// At most `limit` notes after the key `after`, ascending.
pub(crate) fn page(after: Option<&str>, limit: u32) -> Vec<(String, String)> {
    let prefix = stored("");
    let page = store::scan(&prefix, after.map(stored).as_deref(), Direction::Ascending, limit.min(SCAN_MAX));
    let note = |entry: store::Entry| {
        let key = entry.key.strip_prefix(&prefix).unwrap_or_default().to_owned();
        (key, String::from_utf8_lossy(&entry.value).into_owned())
    };
    page.entries.into_iter().map(note).collect()
}

fn stored(key: &str) -> String {
    format!("{}/{key}", layout())
}
