//! The notes as clients see them.

use crate::bindings::exports::test::shelf::shelf::Guest;
use crate::{Shelf, faults, notes};

impl Guest for Shelf {
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
