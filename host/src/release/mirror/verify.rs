//! Checks that the other generation exports what the live one does.

use super::check::{compare, page};
use super::copy::Mirror;
use super::digest::digest;
use super::error::MirrorError;
use crate::limits::MIRROR_PAGE_ENTITIES;
use crate::runtime::StateEntity;
use crate::store::system::{EntityKey, MIRRORED_ENTITIES};

impl Mirror {
    /// Checks the next page of the whole copy: the entities after `after` that the other generation exports are those
    /// that were imported. Returns the last key of the page; `None` at the end.
    pub(in crate::release) async fn verify_next(&mut self, after: &str) -> Result<Option<String>, MirrorError> {
        let mut transaction = self.store.begin_read().in_generation(self.live.other());
        let from = std::ops::Bound::Excluded(EntityKey(after.into()));
        // These pages are read again on the way back, so they are as small as those of the way there.
        let limit = self.back.hot_limit();
        let known = transaction.scan_rows(&MIRRORED_ENTITIES, (from, std::ops::Bound::Unbounded), limit)?;
        let last = known.rows.last().map(|(EntityKey(key), _)| key.clone()).filter(|_| known.more);
        let (mut known, mut from) = (known.rows.into_iter().peekable(), after.to_owned());
        loop {
            let run = self.target.export(transaction, &page(&from, last.as_deref(), limit)).await;
            let copies = run.result.map_err(MirrorError::Target)?;
            transaction = run.transaction;
            for copy in &copies {
                match known.next_if(|(EntityKey(key), _)| *key <= copy.key) {
                    Some((EntityKey(key), known)) if key == copy.key => self.verify_entity(copy, &known).await?,
                    Some((EntityKey(key), _)) => return Err(MirrorError::Missing { key }),
                    None => return Err(MirrorError::NotRemoved { key: copy.key.clone() }),
                }
            }
            match copies.last() {
                Some(end) if last.as_ref() != Some(&end.key) => from.clone_from(&end.key),
                _ => break,
            }
        }
        if let Some((EntityKey(key), _)) = known.next() {
            return Err(MirrorError::Missing { key });
        }
        self.back.insert(after.to_owned(), last.clone(), transaction.into_reads());
        self.is_verified |= last.is_none();
        Ok(last)
    }

    async fn verify_entity(&self, copy: &StateEntity, known: &[u8]) -> Result<(), MirrorError> {
        if digest(&copy.value) == *known {
            return Ok(());
        }
        // The original tells the field. It may have changed since; then the difference is shown without one.
        let transaction = self.store.begin_read().in_generation(self.live);
        let before = predecessor(&copy.key);
        let exported = self.source.export(transaction, &page(&before, Some(&copy.key), MIRROR_PAGE_ENTITIES)).await;
        let entities = exported.result.map_err(MirrorError::Source)?;
        match entities.into_iter().find(|original| original.key == copy.key) {
            Some(original) => {
                compare(&*self.target, &original, copy)?;
                let (path, copied) = ("the value".into(), "not what was imported".into());
                Err(MirrorError::Differs {
                    key: copy.key.clone(),
                    path,
                    original: "what was imported".into(),
                    copy: copied,
                })
            }
            None => Err(MirrorError::NotRemoved { key: copy.key.clone() }),
        }
    }
}

/// A key that is shorter than `key`, so that few entities lie between the two.
fn predecessor(key: &str) -> String {
    let mut before = key.to_owned();
    before.pop();
    before
}
