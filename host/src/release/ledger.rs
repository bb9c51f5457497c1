//! `platform.redb`: the releases of each service, the operator's tokens, and the history of every change.
//!
//! Invariant: a change and its line in the history are one commit, durable before anything acts on it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{Event, Line, ServiceRecord};
use super::tokens::TokenRecord;
use crate::clock::{self, rfc_3339};
use crate::names::ServiceName;

const HISTORY: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("history");
const SERVICES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("services");
const TOKENS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("tokens");
const STATE: TableDefinition<'static, &str, u64> = TableDefinition::new("state");

const FORMAT: u64 = 1;

/// The page cache, in bytes: it is read at the start and for the history.
const CACHE_BYTES: usize = 1 << 20;

/// Why the record of releases cannot be read or written. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("cannot open {} as the record of releases: restore the data directory from a backup", path.display())]
    Open { path: PathBuf, source: Box<redb::Error> },
    #[error("{} has format {format}, which this version of switchyard does not read", path.display())]
    Format { path: PathBuf, format: u64 },
    #[error("the record of releases cannot be read or written")]
    Redb { source: Box<redb::Error> },
    #[error("the record of {what} is not as this version of switchyard writes it")]
    Record { what: String, source: serde_json::Error },
}

impl<E: Into<redb::Error>> From<E> for LedgerError {
    fn from(error: E) -> Self {
        Self::Redb { source: Box::new(error.into()) }
    }
}

pub(super) struct Ledger {
    database: Database,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

/// A change in the making: nothing of it is there before it is committed.
pub(super) struct Change {
    transaction: WriteTransaction,
}

impl Ledger {
    /// Opens the ledger at `path`, or makes an empty one, for its owner only.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let at = |error: redb::Error| LedgerError::Open { path: path.into(), source: Box::new(error) };
        let file = open_file(path).map_err(|error| at(redb::Error::Io(error)))?;
        let database = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create_with_backend(FileBackend::new(file).map_err(|error| at(error.into()))?)
            .map_err(|error| at(error.into()))?;
        let ledger = Self { database };
        let begin = ledger.database.begin_write()?;
        let format = {
            begin.open_table(HISTORY)?;
            begin.open_table(SERVICES)?;
            begin.open_table(TOKENS)?;
            let mut state = begin.open_table(STATE)?;
            let format = state.get("format")?.map(|format| format.value());
            if format.is_none() {
                state.insert("format", FORMAT)?;
            }
            format.unwrap_or(FORMAT)
        };
        if format != FORMAT {
            return Err(LedgerError::Format { path: path.into(), format });
        }
        begin.commit()?;
        Ok(ledger)
    }

    pub(super) fn services(&self) -> Result<Vec<(ServiceName, ServiceRecord)>, LedgerError> {
        let services = self.database.begin_read()?.open_table(SERVICES)?;
        let mut records = Vec::new();
        for entry in services.iter()? {
            let (name, record) = entry?;
            let what = || format!("service {:?}", name.value());
            let service = serde_json::from_value(name.value().into());
            let service = service.map_err(|source| LedgerError::Record { what: what(), source })?;
            records.push((service, read(what, record.value())?));
        }
        Ok(records)
    }

    pub(super) fn tokens(&self) -> Result<Vec<TokenRecord>, LedgerError> {
        let tokens = self.database.begin_read()?.open_table(TOKENS)?;
        let mut records = Vec::new();
        for entry in tokens.iter()? {
            let (name, record) = entry?;
            records.push(read(|| format!("token {:?}", name.value()), record.value())?);
        }
        Ok(records)
    }

    /// The lines before the number `before` (all, without one), newest first, at most `limit`; of one service, or of all.
    pub(super) fn history(
        &self,
        service: Option<&ServiceName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Line>, LedgerError> {
        let history = self.database.begin_read()?.open_table(HISTORY)?;
        let mut lines = Vec::new();
        for entry in history.range(..before.unwrap_or(u64::MAX))?.rev() {
            let (number, line) = entry?;
            let line: Line = read(|| format!("change {}", number.value()), line.value())?;
            if service.is_none() || line.service.as_ref() == service {
                lines.push(line);
            }
            if lines.len() >= limit {
                break;
            }
        }
        Ok(lines)
    }

    pub(super) fn begin(&self) -> Result<Change, LedgerError> {
        Ok(Change { transaction: self.database.begin_write()? })
    }
}

impl Change {
    pub(super) fn service(&mut self, name: &ServiceName, record: &ServiceRecord) -> Result<(), LedgerError> {
        let bytes = written(|| format!("service {name}"), record)?;
        self.transaction.open_table(SERVICES)?.insert(name.as_str(), bytes.as_slice())?;
        Ok(())
    }

    pub(super) fn remove_service(&mut self, name: &ServiceName) -> Result<(), LedgerError> {
        self.transaction.open_table(SERVICES)?.remove(name.as_str())?;
        Ok(())
    }

    pub(super) fn token(&mut self, record: &TokenRecord) -> Result<(), LedgerError> {
        let bytes = written(|| format!("token {}", record.name), record)?;
        self.transaction.open_table(TOKENS)?.insert(record.name.as_str(), bytes.as_slice())?;
        Ok(())
    }

    pub(super) fn remove_token(&mut self, name: &str) -> Result<(), LedgerError> {
        self.transaction.open_table(TOKENS)?.remove(name)?;
        Ok(())
    }

    /// Adds a line to the history.
    pub(super) fn tell(&mut self, event: Event) -> Result<(), LedgerError> {
        let mut history = self.transaction.open_table(HISTORY)?;
        let number = history.last()?.map_or(1, |(number, _)| number.value() + 1);
        let Event { who, service, what, from, to, reason, verdict, figures } = event;
        let at = rfc_3339(clock::unix_micros());
        let line = Line { number, at, who, service, what, from, to, reason, verdict, figures };
        let bytes = written(|| format!("change {number}"), &line)?;
        history.insert(number, bytes.as_slice())?;
        Ok(())
    }

    /// Makes the change durable.
    pub(super) fn commit(self) -> Result<(), LedgerError> {
        self.transaction.commit()?;
        Ok(())
    }
}

fn open_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn read<T: DeserializeOwned>(what: impl Fn() -> String, bytes: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(bytes).map_err(|source| LedgerError::Record { what: what(), source })
}

fn written(what: impl Fn() -> String, record: &impl Serialize) -> Result<Vec<u8>, LedgerError> {
    serde_json::to_vec(record).map_err(|source| LedgerError::Record { what: what(), source })
}
