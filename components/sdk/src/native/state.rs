//! Checks of a component's interface `state`, for native tests.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::{keys, reset, transaction};

/// The entities of a store by key.
pub type Entities<E> = BTreeMap<String, E>;

/// A page of an export: key and entity of each entry.
pub type Page<E> = Vec<(String, E)>;

/// The changes of an import: key and entity of each; `None` removes the entity.
pub type Changes<E> = Vec<(String, Option<E>)>;

/// The two functions of a component's interface.
#[derive(Debug, Clone, Copy)]
pub struct StateUnderTest<E> {
    /// The function that carries `export`.
    pub export: fn(after: Option<String>, until: Option<String>, limit: u32) -> Page<E>,
    /// The function that carries `import`.
    pub import: fn(changes: Changes<E>) -> Result<(), String>,
}

impl<E: Clone + PartialEq + Debug> StateUnderTest<E> {
    /// All entities, read in pages of `limit`.
    ///
    /// # Panics
    ///
    /// If a page is too long or not in order.
    #[must_use]
    pub fn entities(&self, limit: u32) -> Entities<E> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = (self.export)(after, None, limit);
            assert!(page.len() <= usize::try_from(limit).expect("a limit"), "at most {limit}");
            after = page.last().map(|(key, _)| key.clone());
            if after.is_none() {
                assert!(all.is_sorted_by(|(one, _): &(String, E), (next, _)| one < next), "ascending by key");
                return all.into_iter().collect();
            }
            all.extend(page);
        }
    }

    /// Imports as the host does: what a refused call wrote is gone.
    ///
    /// # Errors
    ///
    /// The component's.
    pub fn import(&self, changes: Changes<E>) -> Result<(), String> {
        transaction(|| (self.import)(changes), Result::is_ok)
    }

    /// Sets every entity of `entities`.
    ///
    /// # Errors
    ///
    /// The component's.
    pub fn set(&self, entities: &Entities<E>) -> Result<(), String> {
        self.import(entities.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect())
    }

    /// Checks that what the store has now comes back out of an empty store that it was imported into: once and twice, in
    /// pages of `limit` and of each part between two keys; and that taking everything away leaves nothing.
    ///
    /// Afterwards the store holds only what was imported.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn assert_round_trip(&self, limit: u32) {
        let entities = self.entities(1_000);
        assert_eq!(self.entities(limit), entities, "pages of any size hold the same");
        self.assert_parts(&entities, limit);
        reset();
        self.set(&entities).expect("it takes what it gave");
        let after_one = keys();
        assert_eq!(self.entities(1_000), entities, "what came in goes out");
        self.set(&entities).expect("it takes it again");
        assert_eq!((self.entities(1_000), keys()), (entities.clone(), after_one), "a second import changes nothing");
        self.import(entities.keys().map(|key| (key.clone(), None)).collect()).expect("it takes everything away");
        assert_eq!(keys(), Vec::<String>::new(), "nothing is left");
        self.set(&entities).expect("it takes what it gave");
    }

    /// Checks the part between two keys a few entities apart, of which the first is left out.
    fn assert_parts(&self, entities: &Entities<E>, limit: u32) {
        let all: Vec<&String> = entities.keys().collect();
        let step = usize::try_from(limit).expect("a limit");
        for (place, after) in all.iter().enumerate().step_by(step) {
            let Some(until) = all.get(place + step) else { return };
            let part = (self.export)(Some((*after).clone()), Some((*until).clone()), 1_000);
            let found: Vec<_> = part.iter().map(|(key, _)| key).collect();
            let expected = all.get(place + 1..=place + step).unwrap_or_default();
            assert_eq!(found, expected, "the part behind {after} up to {until}");
        }
    }

    /// Checks that a store with `before` becomes the store that is there now, by the changes between the two, each in an
    /// import of its own. `start` says with which of them it begins.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub fn assert_follows(&self, before: &Entities<E>, start: usize) {
        let after = self.entities(1_000);
        reset();
        self.set(before).expect("it takes what it gave");
        let gone = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), None));
        let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(value));
        let mut changes: Changes<E> =
            changed.map(|(key, value)| (key.clone(), Some(value.clone()))).chain(gone).collect();
        let start = start % changes.len().max(1);
        changes.rotate_left(start);
        for change in changes {
            self.import(vec![change]).expect("it takes each change");
        }
        assert_eq!(self.entities(1_000), after);
    }
}
