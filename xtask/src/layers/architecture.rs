//! `ARCHITECTURE.md` sends readers to files of the host: each path in it must exist.

use std::path::Path;

use crate::step::root;

/// The paths in `text` that begin with a part of the host, such as `store/commit` or `call/engine/run.rs`.
fn paths<'t>(text: &'t str, parts: &[String]) -> Vec<&'t str> {
    let separates = |character: char| !(character.is_ascii_alphanumeric() || "_./".contains(character));
    let words = text.split(separates).map(|word| word.trim_end_matches(['.', '/']));
    let is_part = |word: &str| parts.iter().any(|part| part == word);
    // `events/s` is a unit.
    let begins = |word: &&str| word.split_once('/').is_some_and(|(part, rest)| rest.len() > 1 && is_part(part));
    words.filter(begins).collect()
}

fn exists(sources: &Path, path: &str) -> bool {
    sources.join(path).exists() || sources.join(format!("{path}.rs")).exists()
}

#[test]
fn every_path_of_the_architecture_exists() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let lib = std::fs::read_to_string(root().join("host/src/lib.rs")).expect("lib.rs");
    let found = paths(&text, &super::order(&lib));
    assert!(found.len() > 50, "only {found:?} look like paths");
    let missing: Vec<_> = found.into_iter().filter(|path| !exists(&root().join("host/src"), path)).collect();
    assert!(missing.is_empty(), "there are no such files or folders in host/src: {missing:?}");
}

#[test]
fn paths_are_found_in_tables_and_in_diagrams() {
    let parts = ["store".to_owned(), "call".to_owned()];
    let text = "| `store/commit`, `call/engine.rs` | wasi/http │ (call/api) ─► store/sequencer. `data/store/` store.get/scan 7 call/s";
    assert_eq!(paths(text, &parts), ["store/commit", "call/engine.rs", "call/api", "store/sequencer"]);
}
