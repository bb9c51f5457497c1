//! What is wrong with the variant.

use std::hint::black_box;
use std::time::Duration;

use crate::bindings::exports::test::shelf::state::{NoteState, PriceState};
use crate::notes;
use crate::variant;

/// The notes that an export gives, at most `limit`.
pub(crate) fn export(after: Option<&str>, limit: u32) -> Vec<(String, String)> {
    match variant::text("export") {
        // The same page again and again.
        "stuck" => notes::page(None, limit),
        // After the last note, more and more of them that nobody has put there.
        "endless" => {
            let page = notes::page(after, limit);
            if !page.is_empty() {
                return page;
            }
            let last = after.and_then(|after| after.strip_prefix('~')?.parse().ok()).unwrap_or(0_u32);
            (last + 1..=last + limit).map(|number| (format!("~{number:09}"), "more".to_owned())).collect()
        }
        "skips" => {
            let notes = notes::page(after, limit).into_iter();
            notes.filter(|(key, _)| !key.ends_with('7')).collect()
        }
        "skips-at-borders" if after.is_some() => notes::page(after, limit).into_iter().skip(1).collect(),
        "spins" => spin(),
        // Only behind the notes that a trial reads.
        "spins-late" if after.is_some_and(|after| after >= "note000100") => spin(),
        _ => notes::page(after, limit),
    }
}

/// What an import does before it sets or deletes the note `key`.
pub(crate) fn import(key: &str) {
    match variant::text("import") {
        "spins" if key.starts_with("slow") => spin(),
        "panics" if key.starts_with("slow") => panic!("no idea where to put {key}"),
        _ => {}
    }
}

/// The text of a note, as `function` answers it. The state interface shows none of this.
pub(crate) fn answer(function: &str, text: String) -> String {
    assert!(variant::text("traps") != function, "{function} cannot read its note");
    if variant::text("wrong") == function { format!("{text}, perhaps") } else { text }
}

/// What an import makes of a note.
pub(crate) fn imported(note: NoteState) -> NoteState {
    let NoteState { text, price } = note;
    let price = match variant::text("import") {
        "drops" => None,
        "rounds" => price.map(|price| PriceState { amount: price.amount / 100 * 100, ..price }),
        _ => price,
    };
    NoteState { text, price }
}

/// What a call does before it puts the note `key`.
#[expect(clippy::disallowed_methods, reason = "a guest has only what std gives it")]
pub(crate) fn put(key: &str) {
    if let Some(millis) = key.strip_prefix("sleep-").and_then(|millis| millis.parse().ok()) {
        std::thread::sleep(Duration::from_millis(millis));
    }
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}
