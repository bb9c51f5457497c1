//! Exports and imports of a service's state as JSON, through the state interface of its contract.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use wasmtime::component::Val;

use super::error::DeployError;
use super::mirror::{MirrorError, ProgramSide, StateSide, check_end, page};
use super::releases::Releases;
use crate::contract::Type;
use crate::limits::{ENTITY_KEY_BYTES_MAX, MIRROR_PAGE_ENTITIES, STATE_CONFLICTS_MAX};
use crate::names::{CommitSeq, Generation, ServiceName};
use crate::runtime::{StateChange, StateEntity};
use crate::store::{CommitDetails, CommitError, Store, Transaction};
use crate::value::Codec;

/// An entity as a line of JSON. Without a value, an import removes the entity.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateLine {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    pub unchanged: u64,
}

/// Why state was not exported or imported. Of an import, nothing of the batch remains.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    Release(#[from] DeployError),
    #[error("the component of {service} does not export the state interface of its contract")]
    NoState { service: ServiceName },
    #[error("entity {index}, {key:?}: {why}")]
    Entity { index: usize, key: String, why: String },
    #[error("the state of {service} cannot be read or written: {source}")]
    State { service: ServiceName, source: Box<dyn std::error::Error + Send + Sync> },
    #[error(
        "the state of {service} cannot be exported {}",
        after.as_ref().map_or_else(|| "from its beginning on".into(), |after| format!("after the entity {after:?}"))
    )]
    Export { service: ServiceName, after: Option<String>, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the entity {key:?} cannot be written as JSON")]
    Encode { key: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("other calls changed the same data each time: try again")]
    Busy,
}

/// The state of one service at one number.
pub struct StateExport {
    program: ProgramSide,
    codec: Codec,
    transaction: Option<Transaction>,
    after: String,
    /// Entities so far, and the bytes of the data that they are of.
    entities: u64,
    bytes: u64,
    service: ServiceName,
    /// The commit that it is the state of.
    pub number: CommitSeq,
    /// The state interface, such as `shop:inventory/state@1.0.0`.
    pub interface: String,
}

struct Target {
    side: ProgramSide,
    entity: Type,
    interface: String,
    store: Store,
    generation: Generation,
}

impl Releases {
    fn state_target(&self, service: &ServiceName) -> Result<Target, TransferError> {
        let state = self.state();
        let running = state.running(service)?;
        let program = running.live.program.contract().filter(|program| program.state_interface().is_some());
        let program = program.ok_or_else(|| TransferError::NoState { service: service.clone() })?;
        let interface = program.state_interface().ok_or_else(|| TransferError::NoState { service: service.clone() })?;
        Ok(Target {
            entity: Type::Variant(std::sync::Arc::clone(&interface.entity)),
            interface: interface.name.to_string(),
            side: ProgramSide(std::sync::Arc::clone(program)),
            store: running.service.store().clone(),
            generation: running.record.generation,
        })
    }

    /// Begins an export of the state of `service` as it is now.
    ///
    /// # Errors
    ///
    /// [`TransferError`], when the component has no state interface.
    pub fn export_state(&self, service: &ServiceName) -> Result<StateExport, TransferError> {
        let target = self.state_target(service)?;
        let transaction = target.store.begin_read().in_generation(target.generation);
        Ok(StateExport {
            codec: Codec::new(&target.entity),
            number: target.store.last_commit(),
            bytes: transaction.stored_bytes(),
            transaction: Some(transaction),
            program: target.side,
            after: String::new(),
            entities: 0,
            service: service.clone(),
            interface: target.interface,
        })
    }

    /// Sets and removes the entities in `lines`, as one transaction; with `dry_run` it only says what would change.
    /// Repeating it changes nothing more.
    ///
    /// # Errors
    ///
    /// [`TransferError`] with the line; nothing of the batch remains.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the whole batch or nothing of it.
    pub async fn import_state(
        &self,
        service: &ServiceName,
        lines: &[StateLine],
        dry_run: bool,
    ) -> Result<ImportReport, TransferError> {
        // A swap in between would leave the batch in data that nothing runs on any more.
        let _changing = self.inner.changing.lock().await;
        let target = self.state_target(service)?;
        let codec = Codec::new(&target.entity);
        let changes = lines.iter().enumerate().map(|(index, line)| {
            let why = |error: crate::value::ValueError| TransferError::Entity {
                index,
                key: line.key.clone(),
                why: error.to_string(),
            };
            if line.key.is_empty() || line.key.len() > ENTITY_KEY_BYTES_MAX {
                let why = format!("a key has 1 to {ENTITY_KEY_BYTES_MAX} bytes");
                return Err(TransferError::Entity { index, key: line.key.chars().take(64).collect(), why });
            }
            let value = line.value.as_ref().map(|value| codec.decode(value.to_string().as_bytes())).transpose();
            Ok(StateChange { key: line.key.clone(), value: value.map_err(why)? })
        });
        let changes = changes.collect::<Result<Vec<_>, TransferError>>()?;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| TransferError::State {
            service: service.clone(),
            source,
        };
        for _ in 0..STATE_CONFLICTS_MAX {
            let mut transaction = target.store.begin().in_generation(target.generation);
            let mut report = ImportReport::default();
            for change in &changes {
                let (kind, read) = target.compare(change, transaction).await.map_err(|error| failed(error.into()))?;
                transaction = read;
                match kind {
                    Kind::Added => report.added += 1,
                    Kind::Changed => report.changed += 1,
                    Kind::Removed => report.removed += 1,
                    Kind::Unchanged => report.unchanged += 1,
                }
            }
            let run = target.side.import(transaction, changes.clone()).await;
            run.result.map_err(|error| failed(error.into()))?;
            if dry_run {
                return Ok(report);
            }
            let committed = run.transaction.commit(CommitDetails::OF_THE_HOST).await;
            match committed {
                Ok(number) => {
                    target.store.wait_durable(number).await.map_err(|error| failed(error.into()))?;
                    return Ok(report);
                }
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
        Err(TransferError::Busy)
    }
}

enum Kind {
    Added,
    Changed,
    Removed,
    Unchanged,
}

impl Target {
    /// What `change` does to the state in `transaction`.
    async fn compare(
        &self,
        change: &StateChange,
        transaction: Transaction,
    ) -> Result<(Kind, Transaction), MirrorError> {
        let mut before = change.key.clone();
        before.pop();
        let mut transaction = transaction;
        let (mut found, mut count) = (None, 0);
        loop {
            let page = page(&before, Some(&change.key), MIRROR_PAGE_ENTITIES);
            let run = self.side.export(transaction, &page).await;
            transaction = run.transaction;
            let entities = run.result.map_err(MirrorError::Source)?;
            count += entities.len() as u64;
            check_end(count, transaction.stored_bytes())?;
            let Some(last) = entities.into_iter().last() else { break };
            if last.key == change.key {
                found = Some(last.value);
                break;
            }
            before = last.key;
        }
        let kind = match (&found, &change.value) {
            (None, None) => Kind::Unchanged,
            (None, Some(_)) => Kind::Added,
            (Some(_), None) => Kind::Removed,
            (Some(now), Some(value)) if now == value => Kind::Unchanged,
            (Some(_), Some(_)) => Kind::Changed,
        };
        Ok((kind, transaction))
    }
}

impl StateExport {
    /// The next lines; none at the end.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; the export cannot continue.
    pub async fn next(&mut self) -> Result<Vec<StateLine>, TransferError> {
        let Some(transaction) = self.transaction.take() else { return Ok(Vec::new()) };
        let run = self.program.export(transaction, &page(&self.after, None, MIRROR_PAGE_ENTITIES)).await;
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| TransferError::Export {
            service: self.service.clone(),
            after: Some(self.after.clone()).filter(|after| !after.is_empty()),
            source,
        };
        let entities = run.result.map_err(|error| failed(error.into()))?;
        self.entities += entities.len() as u64;
        check_end(self.entities, self.bytes).map_err(|error| failed(error.into()))?;
        let mut lines = Vec::with_capacity(entities.len());
        for StateEntity { key, value } in entities {
            match self.json(&value) {
                Ok(value) => lines.push(StateLine { key, value: Some(value) }),
                Err(source) => return Err(TransferError::Encode { key, source }),
            }
        }
        if let Some(last) = lines.last() {
            self.after.clone_from(&last.key);
            self.transaction = Some(run.transaction);
        }
        Ok(lines)
    }

    fn json(&self, value: &Val) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        let mut json = Vec::new();
        self.codec.encode(value, &mut json)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

impl std::fmt::Debug for StateExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateExport")
            .field("service", &self.service)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
