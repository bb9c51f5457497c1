//! Guests for the tests of calls: two services that call each other. What a call does, the script says that it is given.

mod bindings;
mod script;
mod variant;

use bindings::exports::switchyard::service::migration;
use bindings::exports::test::calls::{back, front};
use bindings::switchyard::service::store;
use bindings::test::calls::types::{Identity, Problem};

struct Guest;

impl front::Guest for Guest {
    fn look(script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn act(script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn read(script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn write(script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn keyed(_key: String, script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn bare(script: String) -> String {
        script::run(&script).unwrap_or_else(|problem| script::said(&problem))
    }
}

impl back::Guest for Guest {
    fn read(script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn write(script: String) -> Result<String, Problem> {
        script::run(&script)
    }

    fn bare(script: String) -> String {
        script::run(&script).unwrap_or_else(|problem| script::said(&problem))
    }

    fn authenticate(token: String) -> Option<Identity> {
        if token.starts_with("timed") {
            std::hint::black_box(script::time());
        }
        let value = String::from_utf8(store::get(&format!("session/{token}"))?).ok()?;
        let (id, role) = value.split_once(' ')?;
        Some(Identity { id: id.into(), role: role.into(), session: Some(token) })
    }
}

impl migration::Guest for Guest {
    fn describe() -> migration::Data {
        let version = variant::number("version");
        let reads_up_to = variant::number("reads").max(version);
        let format = Some(variant::text("format")).filter(|named| !named.is_empty()).unwrap_or("callers").into();
        migration::Data { format, version, reads_up_to, pause_ms_max: variant::number("pause") }
    }

    fn migrate(_from: u32) -> Result<(), String> {
        script::run(variant::text("migrate")).map(drop).map_err(|problem| script::said(&problem))
    }
}
