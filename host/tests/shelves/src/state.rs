//! The notes as entities, and what the guest says of its data.

use crate::bindings::exports::switchyard::service::migration;
use crate::bindings::exports::test::shelf::state::{self, Change, Entity, Entry};
use crate::{Shelf, faults, notes, price, variant};

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
        migration::Data { format, version, reads_up_to: variant::number("reads").max(version), pause_ms_max: 0 }
    }

    fn migrate(_from: u32) -> Result<(), String> {
        Ok(())
    }
}
