//! Exports and imports of a service's state as JSON, through the state interface of its contract.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

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
            number: transaction.number(),
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
            let compared = target.compare(&changes, &mut report, transaction).await;
            transaction = compared.map_err(|error| failed(error.into()))?;
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
                Err(CommitError::Conflict { .. }) => {}
                Err(error) => return Err(failed(error.into())),
            }
        }
        Err(TransferError::Busy)
    }
}

impl Target {
    /// Counts in `report` what `changes` do to the state in `transaction`.
    async fn compare(
        &self,
        changes: &[StateChange],
        report: &mut ImportReport,
        transaction: Transaction,
    ) -> Result<Transaction, MirrorError> {
        let keys = changes.iter().map(|change| change.key.clone()).collect();
        let (found, transaction) = self.find(&keys, transaction).await?;
        for change in changes {
            match (found.get(&change.key), &change.value) {
                (None, None) => report.unchanged += 1,
                (None, Some(_)) => report.added += 1,
                (Some(_), None) => report.removed += 1,
                (Some(now), Some(value)) if now == value => report.unchanged += 1,
                (Some(_), Some(_)) => report.changed += 1,
            }
        }
        Ok(transaction)
    }

    /// The entities under `keys`. Keys that follow each other, as those of an export do, are read together.
    async fn find(
        &self,
        keys: &BTreeSet<String>,
        mut transaction: Transaction,
    ) -> Result<(BTreeMap<String, Val>, Transaction), MirrorError> {
        let mut found = BTreeMap::new();
        let Some((mut next, last)) = keys.first().zip(keys.last()) else {
            return Ok((found, transaction));
        };
        let (mut read_up_to, mut follow_each_other, mut count) = (String::new(), true, 0);
        loop {
            // Few entities are between this key and the next one that is looked for.
            let before = next.char_indices().next_back().and_then(|(at, _)| next.get(..at)).unwrap_or_default();
            let after = before.max(read_up_to.as_str());
            let until = if follow_each_other { last } else { next };
            let run = self.side.export(transaction, &page(after, Some(until.as_str()), MIRROR_PAGE_ENTITIES)).await;
            transaction = run.transaction;
            let entities = run.result.map_err(MirrorError::Source)?;
            count += entities.len() as u64;
            check_end(count, transaction.stored_bytes())?;
            let (read, found_before) = (entities.len(), found.len());
            let end = entities.last().map_or_else(|| until.clone(), |last| last.key.clone());
            let wanted = entities.into_iter().filter(|entity| keys.contains(&entity.key));
            found.extend(wanted.map(|StateEntity { key, value }| (key, value)));
            follow_each_other = read <= 2 * (found.len() - found_before);
            read_up_to = end;
            let behind = (Bound::Excluded(read_up_to.as_str()), Bound::Unbounded);
            match keys.range::<str, _>(behind).next() {
                Some(key) => next = key,
                None => return Ok((found, transaction)),
            }
        }
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
