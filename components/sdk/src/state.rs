//! The state of a service, as the interface `state` of its contract gives and takes it: a [`Page`] of entities to export,
//! and how an import refuses one.
//!
//! ```
//! # use switchyard_sdk::{Faults, native, state, store};
//! # struct Entry { key: String, value: u32 }
//! # native::reset();
//! # store::set("item/tea", &7u32);
//! fn export_state(after: Option<String>, until: Option<String>, limit: u32) -> Vec<Entry> {
//!     let mut page = state::Page::new(after, until, limit);
//!     page.add("item/", "item/", |_sku, stock: u32| Some(stock));
//!     page.into_entries(|key, value| Entry { key, value })
//! }
//! # assert_eq!(export_state(None, None, 10).len(), 1);
//! ```

use serde::de::DeserializeOwned;

use crate::Faults;
use crate::store::{self, Direction, Scan};

/// Most entries that the host gives in one scan.
const SCAN_ENTRIES_MAX: usize = 1_000;

/// A page of entities that is being read, ascending by key.
///
/// Invariant: it holds at most `limit` entities, whose keys are above `after` and at most `until`.
#[derive(Debug)]
pub struct Page<E> {
    after: Option<String>,
    until: Option<String>,
    limit: usize,
    entities: Vec<(String, E)>,
}

impl<E> Page<E> {
    /// An empty page of what the host asks for: the parameters of the function that carries `export`.
    #[must_use]
    pub fn new(after: Option<String>, until: Option<String>, limit: u32) -> Self {
        Self { after, until, limit: usize::try_from(limit).unwrap_or(usize::MAX), entities: Vec::new() }
    }

    /// Adds the entities whose keys begin with `prefix`, while there is room. Call it for each prefix, in ascending order.
    ///
    /// They are read from the entries of the store that begin with `stored`. An entry's key behind `stored` is the
    /// entity's key behind `prefix`. `entity` gets that rest of the key and the value; it returns nothing for an entry
    /// that is no entity.
    ///
    /// # Panics
    ///
    /// Where a value is no `T`, as for [`store::get`].
    pub fn add<T: DeserializeOwned>(
        &mut self,
        prefix: &str,
        stored: &str,
        mut entity: impl FnMut(&str, T) -> Option<E>,
    ) {
        let Some(start) = self.start(prefix) else { return };
        let mut after = start.map(|rest| [stored, &rest].concat());
        loop {
            let wanted = self.limit.saturating_sub(self.entities.len()).min(SCAN_ENTRIES_MAX);
            let Some(limit) = u32::try_from(wanted).ok().filter(|limit| *limit > 0) else { return };
            let scan = Scan { prefix: stored, after: after.as_deref(), direction: Direction::Ascending, limit };
            let store::Page { entries, more } = store::scan::<T>(&scan);
            after = entries.last().map(|(key, _)| key.clone());
            for (key, value) in entries {
                let rest = key.strip_prefix(stored).unwrap_or_default();
                let key = [prefix, rest].concat();
                if self.until.as_ref().is_some_and(|until| key > *until) {
                    return;
                }
                self.entities.extend(entity(rest, value).map(|entity| (key, entity)));
            }
            if !more {
                return;
            }
        }
    }

    /// The entries of the page; `entry` makes one of a key and an entity.
    pub fn into_entries<T>(self, entry: impl Fn(String, E) -> T) -> Vec<T> {
        self.entities.into_iter().map(|(key, entity)| entry(key, entity)).collect()
    }

    /// Where to begin below `prefix`: behind a rest of a key, or at the first. Nothing if no key there is on the page.
    fn start(&self, prefix: &str) -> Option<Option<String>> {
        if self.until.as_deref().is_some_and(|until| until <= prefix) {
            return None;
        }
        match self.after.as_deref() {
            Some(after) => match after.strip_prefix(prefix) {
                Some(rest) => Some((!rest.is_empty()).then(|| rest.to_owned())),
                None => (after < prefix).then_some(None),
            },
            None => Some(None),
        }
    }
}

/// The error of an import: names the entity by its key, and what is wrong with each field.
#[must_use]
pub fn refusal(key: &str, faults: &Faults) -> String {
    let told = faults.iter().map(|(pointer, detail)| match pointer {
        "" => detail.to_owned(),
        pointer => format!("{pointer}: {detail}"),
    });
    format!("{key}: {}", told.collect::<Vec<_>>().join("; "))
}

/// The fault of an entity whose key does not name an entity, or names another kind of entity.
#[must_use]
pub fn wrong_key() -> Faults {
    Faults::at("", "is no key of such an entity")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native;

    /// The keys of a page over two kinds of entities, of which those with an odd value are none.
    fn page(after: Option<&str>, until: Option<&str>, limit: u32) -> String {
        let mut page = Page::new(after.map(str::to_owned), until.map(str::to_owned), limit);
        let even = |_: &str, value: u32| value.is_multiple_of(2).then_some(value);
        page.add("a/", "stored-a/", even);
        page.add("b/", "b/", even);
        page.into_entries(|key, _| key).join(" ")
    }

    fn fill() {
        native::reset();
        for (key, value) in [("stored-a/1", 0u32), ("stored-a/2", 1), ("stored-a/3", 2), ("b/1", 4), ("b/2", 6)] {
            store::set(key, &value);
        }
        store::set("c/1", &"something else");
    }

    #[test]
    fn a_page_is_what_was_asked_for() {
        fill();
        for (after, until, limit, expected) in [
            (None, None, 100, "a/1 a/3 b/1 b/2"),
            (None, None, 0, ""),
            (None, None, 3, "a/1 a/3 b/1"),
            (Some("a/1"), None, 100, "a/3 b/1 b/2"),
            (Some("a/2"), Some("b/1"), 100, "a/3 b/1"),
            (Some("a/3"), Some("a/9"), 100, ""),
            (Some(""), Some("a/3"), 100, "a/1 a/3"),
            (Some("a/"), Some("a/2"), 100, "a/1"),
            (Some("aa"), None, 100, "b/1 b/2"),
            (Some("a"), Some("b/"), 100, "a/1 a/3"),
            (Some("b/2"), None, 100, ""),
            (Some("z"), None, 100, ""),
        ] {
            assert_eq!(page(after, until, limit), expected, "{after:?} {until:?} {limit}");
        }
    }

    #[test]
    fn pages_of_any_size_give_every_entity_once() {
        fill();
        for limit in 1..6 {
            let (mut all, mut after) = (Vec::new(), None::<String>);
            loop {
                let keys = page(after.as_deref(), None, limit);
                let Some(last) = keys.split(' ').next_back().filter(|last| !last.is_empty()) else { break };
                after = Some(last.to_owned());
                all.push(keys);
            }
            assert_eq!(all.join(" "), "a/1 a/3 b/1 b/2", "{limit}");
        }
    }

    #[test]
    fn a_page_of_more_than_one_scan_is_whole() {
        native::reset();
        for number in 0..2_500u32 {
            store::set(&format!("b/{number:04}"), &(number * 2));
        }
        assert_eq!(page(None, None, 2_400).split(' ').count(), 2_400);
        assert_eq!(page(Some("b/0099"), None, 10_000).split(' ').count(), 2_400);
    }

    #[test]
    fn a_refusal_names_the_key_and_the_fields() {
        let mut faults = Faults::at("/price/currency", "unknown");
        faults.add("/title", "too long");
        assert_eq!(refusal("item/tea", &faults), "item/tea: /price/currency: unknown; /title: too long");
        assert_eq!(refusal("x", &wrong_key()), "x: is no key of such an entity");
    }
}
