//! The targets: all code that reads bytes from outside.

mod component;
mod http;
mod journal;
mod stream;
mod value;
mod wit;

use std::path::PathBuf;

use crate::run::Target;

type Open = fn() -> anyhow::Result<Box<dyn Target>>;

/// Every target, by name.
pub(crate) const ALL: [(&str, Open); 6] = [
    ("journal", || Ok(Box::new(journal::Journal::open()?))),
    ("stream", || Ok(Box::new(stream::Stream))),
    ("value", || Ok(Box::new(value::Value))),
    ("wit", || Ok(Box::new(wit::Wit::open()?))),
    ("http", || Ok(Box::new(http::Http::open()?))),
    ("component", || Ok(Box::new(component::Component::open()?))),
];

fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A text without its numbers and names, so that outcomes that differ only in these are equal.
fn kind_of(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| word.chars().all(|letter| letter.is_ascii_lowercase()));
    words.take(12).collect::<Vec<_>>().join(" ")
}
