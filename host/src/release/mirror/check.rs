//! Checks a part of a copy against the entities that it was made of, and the pages of an export against each other.

use super::digest::digest;
use super::error::MirrorError;
use super::side::StateSide;
use crate::limits::MIRROR_PAGE_ENTITIES;
use crate::runtime::{StateEntity, StatePage};
use crate::store::Transaction;

/// At most `limit` entities after `after`, up to `until`. The empty key is before all entities.
pub(in crate::release) fn page(after: &str, until: Option<&str>, limit: u32) -> StatePage {
    let after = Some(after.to_owned()).filter(|after| !after.is_empty());
    StatePage { after, until: until.map(str::to_owned), limit }
}

/// Checks that an export may end: each entity is stored, and its key alone takes bytes of the data.
pub(in crate::release) fn check_end(entities: u64, bytes: u64) -> Result<(), MirrorError> {
    if entities > bytes { Err(MirrorError::Endless { entities, bytes }) } else { Ok(()) }
}

/// Checks that `target` exports exactly `originals` between `after` and `end` from the data in `transaction`.
pub(super) async fn check_copy(
    target: &dyn StateSide,
    mut transaction: Transaction,
    (after, end): (&str, Option<&str>),
    originals: &[StateEntity],
) -> Result<Transaction, MirrorError> {
    let mut originals = originals.iter().peekable();
    let mut from = after.to_owned();
    loop {
        let run = target.export(transaction, &page(&from, end, MIRROR_PAGE_ENTITIES)).await;
        let copies = run.result.map_err(MirrorError::Target)?;
        transaction = run.transaction;
        for copy in &copies {
            match originals.next_if(|original| original.key <= copy.key) {
                Some(original) if original.key == copy.key => compare(target, original, copy)?,
                Some(original) => return Err(MirrorError::Missing { key: original.key.clone() }),
                None => return Err(MirrorError::NotRemoved { key: copy.key.clone() }),
            }
        }
        match copies.last() {
            Some(last) if end != Some(last.key.as_str()) => from.clone_from(&last.key),
            _ => break,
        }
    }
    match originals.next() {
        Some(missing) => Err(MirrorError::Missing { key: missing.key.clone() }),
        None => Ok(transaction),
    }
}

/// Checks that `source` exports the entities of `keys` after `after`, up to `end`, also in pages of another size. An export
/// that leaves out what lies at the border of a page does not.
pub(super) async fn check_pages(
    source: &dyn StateSide,
    mut transaction: Transaction,
    (after, end): (&str, Option<&str>),
    keys: &[String],
) -> Result<(), MirrorError> {
    let mut keys = keys.iter().peekable();
    let mut from = after.to_owned();
    loop {
        let run = source.export(transaction, &page(&from, end, MIRROR_PAGE_ENTITIES)).await;
        let again = run.result.map_err(MirrorError::Source)?;
        transaction = run.transaction;
        for StateEntity { key, .. } in &again {
            if keys.next_if(|known| *known == key).is_none() {
                let other = keys.peek().copied().filter(|other| *other < key);
                return Err(MirrorError::PageBorder { key: other.unwrap_or(key).clone() });
            }
        }
        match again.last() {
            Some(last) if end != Some(last.key.as_str()) => from.clone_from(&last.key),
            _ => break,
        }
    }
    match keys.next() {
        Some(key) => Err(MirrorError::PageBorder { key: key.clone() }),
        None => Ok(()),
    }
}

pub(super) fn compare(side: &dyn StateSide, original: &StateEntity, copy: &StateEntity) -> Result<(), MirrorError> {
    if digest(&original.value) == digest(&copy.value) {
        return Ok(());
    }
    let (pointer, original, copied) = side.difference(&original.value, &copy.value);
    let path = if pointer.is_empty() { "the value".into() } else { pointer };
    Err(MirrorError::Differs { key: copy.key.clone(), path, original, copy: copied })
}
