//! A guest for the tests of handovers: the notes of `shelves`, and calls that also write in another service. So such a call
//! may be unfinished while its service is handed over.

mod bindings;
#[path = "../../shelves/src/faults.rs"]
mod faults;
#[path = "../../shelves/src/notes.rs"]
mod notes;
#[path = "../../shelves/src/price.rs"]
mod price;
#[path = "../../shelves/src/shelf.rs"]
mod shelf;
#[path = "../../shelves/src/state.rs"]
mod state;
#[path = "../../callers/src/variant.rs"]
mod variant;

use bindings::exports::test::shelf::errand::Guest;
use bindings::test::calls::back;

struct Shelf;

impl Guest for Shelf {
    fn put_after(script: String, key: String, text: String) {
        let answer = back::write(&script);
        assert!(answer.is_ok(), "the other service refuses");
        assert!(notes::get("stop").is_none(), "there is a note `stop`");
        notes::set(&key, &format!("{text} in {}", notes::layout()));
    }
}
