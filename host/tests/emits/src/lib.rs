//! A guest for the tests of events: it emits them, as a script says.

mod bindings;
#[path = "../../takes/src/script.rs"]
mod script;

use bindings::exports::test::events::{peers, scripts};
use bindings::test::events::{happenings, more_happenings};

struct Guest;

impl scripts::Guest for Guest {
    fn run(script: String) -> String {
        script::run(&script, emit)
    }

    fn look(key: String) -> String {
        script::get(&key)
    }
}

impl peers::Guest for Guest {
    fn tell(script: String) -> String {
        script::run(&script, emit)
    }
}

/// The steps that emit events, whose handlers run what is in the braces.
fn emit(word: &str, rest: &str, inner: &str) {
    match word {
        "emit" => happenings::happened(rest, inner),
        "pass" => happenings::passed(inner),
        "also" => more_happenings::also_happened(inner),
        // `emit-each 5 8 a {append log}`: three events whose scripts end with 5, 6 and 7.
        "emit-each" => {
            let mut words = rest.split(' ');
            let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or(0_u32);
            let (first, end) = (number(), number());
            let key = words.next().unwrap_or_default();
            for number in first..end {
                happenings::happened(key, &format!("{inner} {number}"));
            }
        }
        other => panic!("no step is called {other:?}"),
    }
}
