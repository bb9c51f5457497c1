//! A guest whose data has versions: notes that were plain texts in version 1 and know how many words they have in
//! version 2. It does wrong what `SCENARIO` says.

mod bindings;
mod scenarios;
mod storage;

use bindings::exports::test::migrates::notes;
use scenarios::Scenario;
use switchyard_sdk::migration::{Data, Migration};

struct Notebook;

impl Migration for Notebook {
    fn describe() -> Data {
        scenarios::describe(
            Scenario::asked(),
            Data { format: "notebook".into(), version: 2, reads_up_to: 3, pause_ms_max: 250 },
        )
    }

    fn migrate(from: u32) -> Result<(), String> {
        scenarios::migrate(Scenario::asked())?;
        match from {
            // A new store: there are no notes yet.
            0 => {}
            1 => storage::count_words(),
            other => return Err(format!("there never was data of version {other}")),
        }
        Ok(())
    }
}

impl notes::Guest for Notebook {
    fn note(id: String) -> Option<(String, u32)> {
        scenarios::read(Scenario::asked());
        storage::note(&id)
    }

    fn count(prefix: Option<String>) -> u32 {
        storage::count(prefix.as_deref().unwrap_or_default())
    }

    fn pair((one, other): (String, String)) -> bool {
        storage::note(&one) == storage::note(&other)
    }

    fn write(id: String, text: String) {
        scenarios::write(Scenario::asked(), &text);
        storage::write_first_version(&id, text);
    }

    fn add(text: String) -> notes::Added {
        let id = scenarios::new_id(Scenario::asked());
        storage::write_first_version(&id, text);
        notes::Added { id }
    }
}
