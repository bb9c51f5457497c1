//! The state interface of a contract: pages of entities out of a component's data, and changes into it.

use std::sync::Arc;

use wasmtime::component::Val;

use super::operator_text::for_operator;
use super::program::Program;
use crate::contract::StateInterface;
use crate::limits::{ENTITY_KEY_BYTES_MAX, STATE_TEXT_CHARS_MAX};
use crate::runtime::instance::{Failure, IsolatedFrame};
use crate::store::Transaction;

/// An entity: a part of the state that every implementation of a contract has, under the key that the contract defines.
#[derive(Debug, Clone, PartialEq)]
pub struct StateEntity {
    pub key: String,
    pub value: Val,
}

/// The entity that is to be under a key; `None` removes the entity.
#[derive(Debug, Clone, PartialEq)]
pub struct StateChange {
    pub key: String,
    pub value: Option<Val>,
}

/// A part of all entities, in the order of the bytes of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatePage {
    /// Entities whose keys are greater; `None` starts with the first entity.
    pub after: Option<String>,
    /// Entities up to this key, included; `None` ends with the last entity.
    pub until: Option<String>,
    /// At most so many of them.
    pub limit: u32,
}

/// Why entities were not exported or imported. A run that failed is already logged.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the component does not export the state interface of its contract")]
    NotExported,
    #[error("the export of its state failed")]
    Export(#[source] Failure),
    #[error("the import of state failed")]
    Import(#[source] Failure),
    /// The component's reason, for the operator.
    #[error("the component refuses the state: {text}")]
    Refused { text: String },
    #[error("it exports {count} entities, more than the limit of {limit}")]
    TooMany { count: usize, limit: u32 },
    #[error(
        "it exports the entity {key:?}, which is not after {before:?}: entities must be in the order of their keys, each once"
    )]
    Order { key: String, before: String },
    #[error("it exports the entity {key:?}, which is after the last key {until:?} that was asked for")]
    Outside { key: String, until: String },
    #[error("it exports an entity whose key has {bytes} bytes: 1 to {ENTITY_KEY_BYTES_MAX} are allowed")]
    Key { bytes: usize },
}

/// The end of a run of the state interface. What an import wrote must not be kept after an error.
#[derive(Debug)]
pub struct StateRun<T> {
    pub result: Result<T, StateError>,
    pub transaction: Transaction,
}

impl Program {
    /// The state interface, if the component exports it.
    #[must_use]
    pub fn state_interface(&self) -> Option<&StateInterface> {
        self.world.state.as_ref().filter(|_| self.has_state)
    }

    /// The entities of `page`. Their order, their number and their keys are checked.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
    pub async fn export_state(self: &Arc<Self>, page: &StatePage, frame: IsolatedFrame) -> StateRun<Vec<StateEntity>> {
        let Some(state) = self.state_interface() else {
            return StateRun { result: Err(StateError::NotExported), transaction: frame.transaction };
        };
        let text = |text: &Option<String>| Val::Option(text.clone().map(|text| Box::new(Val::String(text))));
        let arguments = [text(&page.after), text(&page.until), Val::U32(page.limit)];
        let finished = self.run_isolated(Some(&state.export), arguments, frame).await;
        let result = match finished.result {
            Ok(Some(Val::List(entries))) => checked(entries, page),
            Ok(other) => unreachable!("linking made sure that it gives a list, not {other:?}"),
            Err(failure) => Err(StateError::Export(failure)),
        };
        StateRun { result, transaction: finished.transaction }
    }

    /// Sets and removes entities. The writes are in the transaction, to be committed or dropped.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
    pub async fn import_state(self: &Arc<Self>, changes: Vec<StateChange>, frame: IsolatedFrame) -> StateRun<()> {
        let Some(state) = self.state_interface() else {
            return StateRun { result: Err(StateError::NotExported), transaction: frame.transaction };
        };
        let record = |StateChange { key, value }| {
            let value = Val::Option(value.map(Box::new));
            Val::Record(vec![("key".into(), Val::String(key)), ("value".into(), value)])
        };
        let changes = Val::List(changes.into_iter().map(record).collect());
        let finished = self.run_isolated(Some(&state.import), [changes], frame).await;
        let result = match finished.result {
            Ok(Some(Val::Result(Err(Some(text))))) => match *text {
                Val::String(text) => Err(StateError::Refused { text: for_operator(&text, STATE_TEXT_CHARS_MAX) }),
                other => unreachable!("linking made sure that its error is a string, not {other:?}"),
            },
            Ok(_) => Ok(()),
            Err(failure) => Err(StateError::Import(failure)),
        };
        StateRun { result, transaction: finished.transaction }
    }
}

/// The entities of a page, if they are in order and inside of the page.
fn checked(entries: Vec<Val>, page: &StatePage) -> Result<Vec<StateEntity>, StateError> {
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    if entries.len() > limit {
        return Err(StateError::TooMany { count: entries.len(), limit: page.limit });
    }
    let mut entities: Vec<StateEntity> = Vec::with_capacity(entries.len());
    for entry in entries {
        let entity = entity(entry);
        let bytes = entity.key.len();
        if bytes == 0 || bytes > ENTITY_KEY_BYTES_MAX {
            return Err(StateError::Key { bytes });
        }
        let before = entities.last().map(|last| &last.key).or(page.after.as_ref());
        if let Some(before) = before.filter(|before| **before >= entity.key) {
            return Err(StateError::Order { before: before.clone(), key: entity.key });
        }
        if let Some(until) = page.until.as_ref().filter(|until| **until < entity.key) {
            return Err(StateError::Outside { until: until.clone(), key: entity.key });
        }
        entities.push(entity);
    }
    Ok(entities)
}

fn entity(entry: Val) -> StateEntity {
    let Val::Record(fields) = entry else { unreachable!("linking made sure that an entry is a record") };
    let mut fields = fields.into_iter().map(|(_, value)| value);
    match (fields.next(), fields.next()) {
        (Some(Val::String(key)), Some(value)) => StateEntity { key, value },
        _ => unreachable!("linking made sure of the fields of an entry"),
    }
}
