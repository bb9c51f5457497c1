//! Guests for the tests of events and schedules: they take events, and run on time, as scripts say.

mod bindings;
mod script;

use bindings::exports::test::events::{happenings, more_happenings, scripts, ticks};
use bindings::test::events::peers;

struct Guest;

impl scripts::Guest for Guest {
    fn run(script: String) -> String {
        run(&script)
    }

    fn look(key: String) -> String {
        script::get(&key)
    }
}

impl happenings::Guest for Guest {
    fn happened(_key: String, script: String) {
        run(&script);
    }

    fn passed(script: String) {
        run(&script);
    }
}

impl more_happenings::Guest for Guest {
    fn also_happened(script: String) {
        run(&script);
    }
}

impl ticks::Guest for Guest {
    fn tick() {
        run(&script::get("tick"));
    }

    fn toll() {
        run(&script::get("toll"));
    }
}

fn run(script: &str) -> String {
    script::run(script, tell)
}

/// The step that has another service run what is in the braces.
fn tell(word: &str, _: &str, inner: &str) {
    match word {
        "tell" => drop(peers::tell(inner)),
        other => panic!("no step is called {other:?}"),
    }
}
