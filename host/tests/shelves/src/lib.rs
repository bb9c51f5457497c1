//! A guest for the tests of handovers: notes under keys. Its variant says in which layout it stores them, and what is
//! wrong with it: `layout=b|export=endless`, `layout=b|wrong=get`.

mod bindings;
mod faults;
mod notes;
mod price;
mod shelf;
mod state;
#[path = "../../callers/src/variant.rs"]
mod variant;

use bindings::exports::test::events::happenings;

struct Shelf;

impl happenings::Guest for Shelf {
    fn happened(key: String, script: String) {
        assert!(notes::get("broken").is_none(), "there is a note `broken`");
        let before = notes::get(&key).unwrap_or_default();
        notes::set(&key, &format!("{before}{script}"));
    }

    fn passed(_script: String) {}
}
