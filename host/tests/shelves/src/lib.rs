//! A guest for the tests of handovers: notes under keys. Its variant says in which layout it stores them, and what is
//! wrong with it: `layout=b|export=endless`, `layout=b|wrong=get`.

mod bindings;
mod faults;
mod notes;
mod price;
#[path = "../../callers/src/variant.rs"]
mod variant;

use bindings::exports::switchyard::service::migration;
use bindings::exports::test::events::happenings;
use bindings::exports::test::shelf::shelf;
use bindings::exports::test::shelf::state::{self, Change, Entity, Entry};

struct Shelf;

impl shelf::Guest for Shelf {
    fn get(key: String) -> Option<String> {
        notes::get(&key).map(|text| faults::answer("get", text))
    }

    fn all() -> Vec<(String, String)> {
        notes::all().into_iter().map(|(key, text)| (key, faults::answer("all", text))).collect()
    }

    fn put(key: String, text: String) {
        faults::put(&key);
        notes::set(&key, &text);
    }

    fn remove(key: String) {
        notes::delete(&key);
    }

    fn fill(prefix: String, count: u32) {
        for number in 0..count {
            notes::set(&format!("{prefix}{number:06}"), &format!("note {number}"));
        }
    }
}

impl happenings::Guest for Shelf {
    fn happened(key: String, script: String) {
        assert!(notes::get("broken").is_none(), "there is a note `broken`");
        let before = notes::get(&key).unwrap_or_default();
        notes::set(&key, &format!("{before}{script}"));
    }

    fn passed(_script: String) {}
}

impl state::Guest for Shelf {
    fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<Entry> {
        let notes = faults::export(after.as_deref(), limit);
        let wanted = notes.into_iter().filter(|(key, _)| until.as_ref().is_none_or(|until| key <= until));
        wanted.map(|(key, note)| Entry { key, value: Entity::Note(price::split(&note)) }).collect()
    }

    fn import_state(changes: Vec<Change>) -> Result<(), String> {
        for Change { key, value } in changes {
            faults::import(&key);
            match value {
                Some(Entity::Note(note)) => notes::set(&key, &price::joined(faults::imported(note))),
                None => notes::delete(&key),
            }
        }
        Ok(())
    }
}

impl migration::Guest for Shelf {
    fn describe() -> migration::Data {
        let (format, version) = (format!("shelf-{}", notes::layout()), variant::number("version"));
        migration::Data { format, version, reads_up_to: version, pause_ms_max: 0 }
    }

    fn migrate(_from: u32) -> Result<(), String> {
        Ok(())
    }
}
