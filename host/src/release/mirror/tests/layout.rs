//! An implementation of the state that stores entities in its own way, and what it may do wrong.

use futures::future::BoxFuture;
use wasmtime::component::Val;

use crate::release::mirror::side::StateSide;
use crate::runtime::{Failure, StateChange, StateEntity, StateError, StatePage, StateRun};
use crate::store::{Direction, Scan, StoreError, Transaction};

/// What an implementation does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// It imports half of a value.
    Cuts,
    /// It stores two entities of an import under each other's key.
    Swaps,
    IgnoresRemovals,
    /// An import also damages the first entity.
    DamagesTheFirst,
    /// An export leaves out an entity.
    Skips,
    /// An export leaves out the first entity of each page but the first page.
    SkipsTheFirst,
    /// An export ends before the last key that it may give.
    EndsBeforeUntil,
    Repeats,
    Descends,
    /// An export ignores where it should begin.
    NeverEnds,
    /// An export gives more entities after the last one.
    GrowsWithoutEnd,
    Refuses,
    /// It writes so much for each entity that three of them are all that one commit takes.
    TakesThree,
    /// An import waits for a moment before it has its result.
    Waits,
}

/// An implementation that stores each entity under a prefix.
pub(super) struct Layout {
    pub(super) prefix: &'static str,
    pub(super) fault: Fault,
}

impl Layout {
    pub(super) fn scan(&self, transaction: &mut Transaction) -> Vec<(String, String)> {
        let (mut entries, mut after) = (Vec::new(), None::<String>);
        loop {
            let scan =
                Scan { prefix: self.prefix, after: after.as_deref(), direction: Direction::Ascending, limit: 1_000 };
            let page = transaction.scan(&scan).unwrap();
            after = page.entries.last().map(|entry| entry.key.clone());
            entries.extend(page.entries.into_iter().map(|entry| {
                let key = entry.key.strip_prefix(self.prefix).unwrap().to_owned();
                (key, String::from_utf8(entry.value.to_vec()).unwrap())
            }));
            if !page.more {
                return entries;
            }
        }
    }

    fn exported(&self, transaction: &mut Transaction, page: &StatePage) -> Vec<StateEntity> {
        // It reads entry by entry behind `after`, as a component with one entry for each entity does.
        let mut entities = Vec::new();
        let mut after = page.after.as_ref().map(|after| format!("{}{after}", self.prefix));
        if self.fault == Fault::NeverEnds {
            after = None;
        }
        while entities.len() < page.limit as usize {
            let scan = Scan { prefix: self.prefix, after: after.as_deref(), direction: Direction::Ascending, limit: 1 };
            let Some(entry) = transaction.scan(&scan).unwrap().entries.pop() else { break };
            let key = entry.key.strip_prefix(self.prefix).unwrap().to_owned();
            if page.until.as_ref().is_some_and(|until| *until < key) {
                break;
            }
            after = Some(entry.key);
            let value = Val::String(String::from_utf8(entry.value.to_vec()).unwrap());
            entities.push(StateEntity { key, value });
        }
        entities
    }
}

impl StateSide for Layout {
    fn export<'a>(
        &'a self,
        mut transaction: Transaction,
        page: &'a StatePage,
    ) -> BoxFuture<'a, StateRun<Vec<StateEntity>>> {
        let mut entities = self.exported(&mut transaction, page);
        match self.fault {
            Fault::Skips => entities.retain(|entity| !entity.key.ends_with('7')),
            Fault::SkipsTheFirst if page.after.is_some() && !entities.is_empty() => drop(entities.remove(0)),
            Fault::EndsBeforeUntil => entities.retain(|entity| Some(&entity.key) != page.until.as_ref()),
            Fault::Repeats if !entities.is_empty() => entities.insert(0, entities[0].clone()),
            Fault::Descends => entities.reverse(),
            Fault::GrowsWithoutEnd if entities.is_empty() => {
                let last = page.after.as_ref().and_then(|after| after.strip_prefix('~')?.parse::<u32>().ok());
                let first = last.unwrap_or(0) + 1;
                let keys = (first..first + page.limit).map(|number| format!("~{number:09}"));
                let wanted = keys.filter(|key| page.until.as_ref().is_none_or(|until| key <= until));
                entities.extend(wanted.map(|key| StateEntity { key, value: Val::String("more".into()) }));
            }
            _ => {}
        }
        // What the host checks of a component's page.
        let mut before = page.after.clone();
        let mut result = Ok(());
        for entity in &entities {
            if let Some(before) = before.filter(|before| *before >= entity.key) {
                result = Err(StateError::Order { before, key: entity.key.clone() });
                break;
            }
            before = Some(entity.key.clone());
        }
        Box::pin(std::future::ready(StateRun { result: result.map(|()| entities), transaction }))
    }

    fn import<'a>(&'a self, mut transaction: Transaction, changes: Vec<StateChange>) -> BoxFuture<'a, StateRun<()>> {
        let mut changes = changes;
        if self.fault == Fault::Refuses {
            let result = Err(StateError::Refused { text: "not mine".into() });
            return Box::pin(std::future::ready(StateRun { result, transaction }));
        }
        if self.fault == Fault::TakesThree && changes.len() > 3 {
            let result = Err(StateError::Import(Failure::Store(StoreError::TooManyKeys { keys_max: 512 })));
            return Box::pin(std::future::ready(StateRun { result, transaction }));
        }
        if let (Fault::Swaps, [one, other, ..]) = (self.fault, changes.as_mut_slice()) {
            std::mem::swap(&mut one.value, &mut other.value);
        }
        let mut result = Ok(());
        for StateChange { key, value } in changes {
            let key = format!("{}{key}", self.prefix);
            let done = match value {
                Some(Val::String(text)) => {
                    let end = if self.fault == Fault::Cuts { text.len() / 2 } else { text.len() };
                    transaction.set(&key, text[..end].to_owned().into_bytes())
                }
                Some(other) => unreachable!("{other:?}"),
                None if self.fault == Fault::IgnoresRemovals => Ok(()),
                None => transaction.delete(&key),
            };
            if let Err(error) = done {
                result = Err(StateError::Import(Failure::Store(error)));
                break;
            }
        }
        if self.fault == Fault::DamagesTheFirst
            && let Some((key, _)) = self.scan(&mut transaction).first()
        {
            transaction.set(&format!("{}{key}", self.prefix), b"damaged".to_vec()).unwrap();
        }
        let waits = self.fault == Fault::Waits;
        Box::pin(async move {
            if waits {
                tokio::task::yield_now().await;
            }
            StateRun { result, transaction }
        })
    }

    fn difference(&self, original: &Val, copy: &Val) -> (String, String, String) {
        crate::value::first_difference(Some(&crate::contract::Type::String), Some(original), Some(copy))
    }
}
