//! What is wrong with the variant.

use std::hint::black_box;

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
        "spins" => spin(),
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
    if variant::text("wrong") == function { format!("{text}, perhaps") } else { text }
}

fn spin() -> ! {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}
