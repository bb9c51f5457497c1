//! What the guest does wrong, each in its place.

use std::hint::black_box;

use switchyard_sdk::migration::Data;
use switchyard_sdk::{id, store};

use crate::bindings::test::migrates::{notes_events, peer};

/// Bytes of one value: two of them are more than the tests' stores hold.
const VALUE_BYTES: usize = 900_000;

/// The word in `SCENARIO`: where something goes wrong, and what.
pub(crate) struct Scenario(String);

impl Scenario {
    #[expect(clippy::disallowed_methods, reason = "a guest has only what std gives it")]
    pub(crate) fn asked() -> Self {
        Self(std::env::var("SCENARIO").unwrap_or_default())
    }
}

pub(crate) fn describe(Scenario(scenario): Scenario, data: Data) -> Data {
    match scenario.as_str() {
        "describe-reads-less" => Data { reads_up_to: data.version - 1, ..data },
        "describe-pauses-long" => Data { pause_ms_max: 30_001, ..data },
        "describe-no-format" => Data { format: "two words".into(), ..data },
        "describe-panics" => panic!("no idea"),
        "describe-writes" => {
            store::set("described", &true);
            data
        }
        _ => data,
    }
}

pub(crate) fn migrate(Scenario(scenario): Scenario) -> Result<(), String> {
    match scenario.as_str() {
        "migrate-refuses" => {
            store::set("half", &"done");
            return Err("note 7 is in no language\x1b[2J".into());
        }
        "migrate-panics" => panic!("note 7 is in no language"),
        "migrate-spins" => spin(),
        "migrate-asks" => peer::ask(),
        "migrate-emits" => notes_events::noted("7"),
        "migrate-writes-on" => (0..=512).for_each(|n| store::set(&format!("new/{n}"), &n)),
        "migrate-fills" => (0..2).for_each(|n| store::set(&format!("new/{n}"), &vec![7_u8; VALUE_BYTES])),
        _ => {}
    }
    Ok(())
}

pub(crate) fn read(Scenario(scenario): Scenario) {
    match scenario.as_str() {
        "read-panics" => panic!("no note today"),
        "read-spins" => spin(),
        "read-asks" => peer::ask(),
        "read-writes" => store::set("read", &true),
        "read-emits" => notes_events::noted("7"),
        _ => {}
    }
}

fn spin() {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}

pub(crate) fn write(Scenario(scenario): Scenario, text: &str) {
    match scenario.as_str() {
        "write-panics" => panic!("there is no ink"),
        "write-panics-on-nothing" if text.is_empty() => panic!("there is nothing to write"),
        "write-spins" => spin(),
        _ => {}
    }
}

/// As a toolchain makes them that draws the random numbers when it builds the component, or as they should be.
pub(crate) fn new_id(Scenario(scenario): Scenario) -> String {
    match scenario.as_str() {
        "add-frozen" => "note_00000000000000000000000000".into(),
        _ => id::new("note"),
    }
}
