//! A guest of the benchmark: four services, each of which reads a note in its own store and asks the next one.

mod bindings;

use bindings::bench::chain::types::Note;
use bindings::bench::chain::{fourth, second, third};
use bindings::exports::bench::chain::{first, fourth as last, second as after_first, third as after_second};
use bindings::switchyard::service::store;

struct Guest;

impl first::Guest for Guest {
    fn look(key: String) -> Vec<Note> {
        with_own("first", &key, second::read(&key))
    }

    fn fill(count: u32) {
        write("first", count);
    }
}

impl after_first::Guest for Guest {
    fn read(key: String) -> Vec<Note> {
        with_own("second", &key, third::read(&key))
    }

    fn fill(count: u32) {
        write("second", count);
    }
}

impl after_second::Guest for Guest {
    fn read(key: String) -> Vec<Note> {
        with_own("third", &key, fourth::read(&key))
    }

    fn fill(count: u32) {
        write("third", count);
    }
}

impl last::Guest for Guest {
    fn read(key: String) -> Vec<Note> {
        with_own("fourth", &key, Vec::new())
    }

    fn fill(count: u32) {
        write("fourth", count);
    }
}

/// The service's own note under `key`, and after it those of the services behind.
fn with_own(service: &str, key: &str, behind: Vec<Note>) -> Vec<Note> {
    let text = store::get(&format!("note/{key}")).unwrap_or_default();
    let own = Note { service: service.to_owned(), text: String::from_utf8_lossy(&text).into_owned() };
    std::iter::once(own).chain(behind).collect()
}

fn write(service: &str, count: u32) {
    for number in 0..count {
        let text =
            format!("Note number {number} of the {service} service, which is as long as a short note usually is.");
        store::set(&format!("note/{number}"), text.as_bytes());
    }
}
