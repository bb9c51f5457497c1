//! A trial of a handover: some entities of the live data, imported into an empty store that is dropped afterwards.

use super::check::{check_copy, page};
use super::error::MirrorError;
use super::side::StateSide;
use crate::limits::MIRROR_PAGE_ENTITIES;
use crate::runtime::StateChange;
use crate::store::Transaction;

/// The end of a trial that passed.
#[derive(Debug)]
pub(in crate::release) struct Trial {
    /// How many entities were moved.
    pub(in crate::release) count: usize,
    /// What the target made of them, if these were all entities.
    pub(in crate::release) data: Option<Transaction>,
}

/// Moves the first entities of `source`, whose data `live` reads, to `target`.
pub(in crate::release) async fn trial(
    source: &dyn StateSide,
    live: Transaction,
    target: &dyn StateSide,
) -> Result<Trial, MirrorError> {
    let run = source.export(live, &page("", None, MIRROR_PAGE_ENTITIES)).await;
    let entities = run.result.map_err(MirrorError::Source)?;
    let change = |entity: &crate::runtime::StateEntity| StateChange {
        key: entity.key.clone(),
        value: Some(entity.value.clone()),
    };
    let mut transaction = Transaction::scratch();
    if !entities.is_empty() {
        let run = target.import(transaction, entities.iter().map(change).collect()).await;
        run.result.map_err(MirrorError::Target)?;
        transaction = run.transaction;
    }
    let data = check_copy(target, transaction, ("", None), &entities).await?;
    let count = entities.len();
    let is_all = u32::try_from(count).is_ok_and(|count| count < MIRROR_PAGE_ENTITIES);
    Ok(Trial { count, data: Some(data).filter(|_| is_all) })
}
