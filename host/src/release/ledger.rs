//! `platform.redb`: the releases of each service, the operator's tokens, and the history of every change.
//!
//! Invariant: a change and its line in the history are one commit, durable before anything acts on it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _,
    WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{Event, Line, ServiceRecord};
use super::tokens::TokenRecord;
use crate::clock;
use crate::fail_point::fail_point;
use crate::names::{CallId, HostSecret, ServiceName};

const HISTORY: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("history");
const SERVICES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("services");
const TOKENS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("tokens");
/// The intents that the history has as given up and that may still be open, by their ids, with their services.
const GIVEN_UP: TableDefinition<'static, &str, &str> = TableDefinition::new("given-up");
const STATE: TableDefinition<'static, &str, u64> = TableDefinition::new("state");

/// The parts of the secret, among the numbers.
const SECRET: [&str; 4] = ["secret-high", "secret-low", "secret-third", "secret-fourth"];

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
    #[error("{} is not as it was written: the disk is not well", path.display())]
    NotAsWritten { path: PathBuf },
    #[error("the record of releases has a table {table:?}, of which this version of switchyard does not know")]
    Table { table: String },
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
            begin.open_table(GIVEN_UP)?;
            let mut state = begin.open_table(STATE)?;
            let format = state.get("format")?.map(|format| format.value());
            if format.is_none() {
                state.insert("format", FORMAT)?;
            }
            for name in SECRET {
                if state.get(name)?.is_none() {
                    state.insert(name, random().map_err(at)?)?;
                }
            }
            format.unwrap_or(FORMAT)
        };
        if format != FORMAT {
            return Err(LedgerError::Format { path: path.into(), format });
        }
        begin.commit()?;
        Ok(ledger)
    }

    /// What nobody outside of the host knows: the ids of calls that the host makes by itself follow from it.
    pub(super) fn secret(&self) -> Result<HostSecret, LedgerError> {
        let state = self.database.begin_read()?.open_table(STATE)?;
        let mut secret = [0; 32];
        for (part, name) in secret.chunks_exact_mut(8).zip(SECRET) {
            let drawn = state.get(name)?.map_or(0, |part| part.value());
            part.copy_from_slice(&drawn.to_be_bytes());
        }
        Ok(HostSecret::new(secret))
    }

    pub(super) fn services(&self) -> Result<Vec<(ServiceName, ServiceRecord)>, LedgerError> {
        services(&self.database.begin_read()?)
    }

    /// The ledger as it is now, to be copied while it is changed.
    pub(super) fn snapshot(&self) -> Result<Snapshot, LedgerError> {
        Ok(Snapshot { transaction: self.database.begin_read()? })
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

    pub(super) fn all_given_up(&self) -> Result<Vec<(CallId, ServiceName)>, LedgerError> {
        let given_up = self.database.begin_read()?.open_table(GIVEN_UP)?;
        let mut all = Vec::new();
        for entry in given_up.iter()? {
            let (id, service) = entry?;
            let what = || format!("intent {:?}", id.value());
            all.push((name(what, id.value())?, name(what, service.value())?));
        }
        Ok(all)
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

/// The ledger at one instant. It stays as it is while changes are made.
pub(super) struct Snapshot {
    transaction: ReadTransaction,
}

impl Snapshot {
    pub(super) fn services(&self) -> Result<Vec<(ServiceName, ServiceRecord)>, LedgerError> {
        services(&self.transaction)
    }

    /// Writes it as a ledger of its own, where there is none.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), LedgerError> {
        let tables = [HISTORY.name(), SERVICES.name(), TOKENS.name(), GIVEN_UP.name(), STATE.name()];
        if let Some(other) = self.transaction.list_tables()?.find(|table| !tables.contains(&table.name())) {
            return Err(LedgerError::Table { table: other.name().into() });
        }
        let copy_of = Ledger::open(path)?;
        let change = copy_of.begin()?;
        copy(HISTORY, &self.transaction, &change.transaction)?;
        copy(SERVICES, &self.transaction, &change.transaction)?;
        copy(TOKENS, &self.transaction, &change.transaction)?;
        copy(GIVEN_UP, &self.transaction, &change.transaction)?;
        copy(STATE, &self.transaction, &change.transaction)?;
        change.commit()?;
        let copied = copy_of.snapshot()?.transaction;
        let same = is_same(HISTORY, &self.transaction, &copied)?
            && is_same(SERVICES, &self.transaction, &copied)?
            && is_same(TOKENS, &self.transaction, &copied)?
            && is_same(GIVEN_UP, &self.transaction, &copied)?
            && is_same(STATE, &self.transaction, &copied)?;
        drop(copied);
        copy_of.database.close()?;
        if same { Ok(()) } else { Err(LedgerError::NotAsWritten { path: path.into() }) }
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

    /// The intent is to be closed, if it is not.
    pub(super) fn given_up(&mut self, id: CallId, service: &ServiceName) -> Result<(), LedgerError> {
        self.transaction.open_table(GIVEN_UP)?.insert(id.to_string().as_str(), service.as_str())?;
        Ok(())
    }

    pub(super) fn no_more_given_up(&mut self, id: CallId) -> Result<(), LedgerError> {
        self.transaction.open_table(GIVEN_UP)?.remove(id.to_string().as_str())?;
        Ok(())
    }

    /// Adds a line to the history.
    pub(super) fn tell(&mut self, event: Event) -> Result<(), LedgerError> {
        let mut history = self.transaction.open_table(HISTORY)?;
        let number = history.last()?.map_or(1, |(number, _)| number.value() + 1);
        let Event { who, service, what, from, to, reason, verdict, figures } = event;
        let at = clock::rfc_3339_millis(clock::unix_micros());
        let line = Line { number, at, who, service, what, from, to, reason, verdict, figures };
        let bytes = written(|| format!("change {number}"), &line)?;
        history.insert(number, bytes.as_slice())?;
        Ok(())
    }

    /// Makes the change durable.
    pub(super) fn commit(self) -> Result<(), LedgerError> {
        fail_point("ledger.before-commit");
        self.transaction.commit()?;
        Ok(())
    }
}

fn services(transaction: &ReadTransaction) -> Result<Vec<(ServiceName, ServiceRecord)>, LedgerError> {
    let services = transaction.open_table(SERVICES)?;
    let mut records = Vec::new();
    for entry in services.iter()? {
        let (name, record) = entry?;
        let what = || format!("service {:?}", name.value());
        records.push((self::name(what, name.value())?, read(what, record.value())?));
    }
    Ok(records)
}

/// Copies one table whole.
fn copy<K: redb::Key + 'static, V: redb::Value + 'static>(
    table: TableDefinition<'static, K, V>,
    from: &ReadTransaction,
    to: &WriteTransaction,
) -> Result<(), LedgerError> {
    let mut copied = to.open_table(table)?;
    for entry in from.open_table(table)?.iter()? {
        let (key, value) = entry?;
        copied.insert(key.value(), value.value())?;
    }
    Ok(())
}

/// Whether a table has the same entries in both.
fn is_same<K: redb::Key + 'static, V: redb::Value + 'static>(
    table: TableDefinition<'static, K, V>,
    one: &ReadTransaction,
    other: &ReadTransaction,
) -> Result<bool, LedgerError> {
    let (one, other) = (one.open_table(table)?, other.open_table(table)?);
    let (mut ones, mut others) = (one.iter()?, other.iter()?);
    loop {
        match (ones.next().transpose()?, others.next().transpose()?) {
            (None, None) => return Ok(true),
            (Some((key, value)), Some((other_key, other_value))) => {
                let same = K::as_bytes(&key.value()).as_ref() == K::as_bytes(&other_key.value()).as_ref()
                    && V::as_bytes(&value.value()).as_ref() == V::as_bytes(&other_value.value()).as_ref();
                if !same {
                    return Ok(false);
                }
            }
            _ => return Ok(false),
        }
    }
}

fn random() -> Result<u64, redb::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| redb::Error::Io(std::io::Error::other(error)))?;
    Ok(u64::from_be_bytes(bytes))
}

fn open_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// A name or an id that stands in a table as it is.
fn name<T: DeserializeOwned>(what: impl Fn() -> String, text: &str) -> Result<T, LedgerError> {
    serde_json::from_value(text.into()).map_err(|source| LedgerError::Record { what: what(), source })
}

fn read<T: DeserializeOwned>(what: impl Fn() -> String, bytes: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(bytes).map_err(|source| LedgerError::Record { what: what(), source })
}

fn written(what: impl Fn() -> String, record: &impl Serialize) -> Result<Vec<u8>, LedgerError> {
    serde_json::to_vec(record).map_err(|source| LedgerError::Record { what: what(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::record::What;

    #[test]
    fn a_copy_of_a_ledger_is_what_it_was_then_and_leaves_no_table_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger::open(&folder.path().join("ledger")).expect("a ledger");
        let tell = |who: &str| {
            let mut change = ledger.begin().expect("a change");
            let service = ServiceName::parse("cart").expect("a name");
            change.tell(Event::new(who, &service, What::Add)).expect("a line");
            change.commit().expect("a commit");
        };
        tell("before");
        let snapshot = ledger.snapshot().expect("a snapshot");
        tell("after");
        let path = folder.path().join("copy");
        snapshot.copy_to(&path).expect("a copy");
        let copied = Ledger::open(&path).expect("the copy");
        let who: Vec<_> = copied.history(None, None, 9).expect("lines").into_iter().map(|line| line.who).collect();
        assert_eq!(who, ["before"]);
        let change = ledger.begin().expect("a change");
        let new: TableDefinition<'static, u64, u64> = TableDefinition::new("new");
        drop(change.transaction.open_table(new).expect("a table"));
        change.commit().expect("a commit");
        let refused = ledger.snapshot().expect("a snapshot").copy_to(&folder.path().join("other"));
        assert!(matches!(refused, Err(LedgerError::Table { table }) if table == "new"), "what is not copied is seen");
    }
}
