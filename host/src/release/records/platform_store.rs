//! The platform's own store: the applied settings, the releases of each service, the operator's
//! tokens, the host's secret, and the history of every change.
//!
//! Invariant: a change, its lines in the history and all of its data are one commit.

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{AppliedRecord, HistoryEntry, NewEntry, ServiceRecord};
use super::token::TokenRecord;
use crate::clock;
use crate::limits::{CHANGE_KEYS_MAX, SCAN_ENTRIES_MAX};
use crate::names::{HostSecret, ServiceName};
use crate::store::{CommitError, Direction, Entry, Scan, Store, StoreError, Transaction};

/// The version of the entries under these keys.
const FORMAT: &str = "format";
pub const PLATFORM_FORMAT: u64 = 1;
const SECRET: &str = "secret";
const APPLIED: &str = "applied";
/// A name follows each of these prefixes: of a service, or of a token.
const SERVICE: &str = "service/";
const TOKEN: &str = "token/";
/// The lines of the history, by number.
const LINE: &str = "line/";
/// The numbers of the lines about one service: `line-of/cart/00000000000000000042`.
const LINE_OF: &str = "line-of/";

/// Whether the entry `key` is about releases or settings.
pub(in crate::release) fn is_of_releases(key: &str) -> bool {
    key == APPLIED || key.starts_with(SERVICE)
}

/// Why the platform's store cannot be read or changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    #[error("the platform's store cannot be read or changed")]
    Store(#[from] StoreError),
    #[error(
        "the platform's store has format {format}, and this version of switchyard reads format {PLATFORM_FORMAT}: start the \
         version that wrote it"
    )]
    Format { format: u64 },
    #[error("the entry {key:?} of the platform's store is not as this version of switchyard writes it")]
    Entry { key: String, source: serde_json::Error },
    #[error("this version of switchyard cannot read the applied settings")]
    Applied { source: serde_json::Error },
    #[error("the change cannot be committed")]
    Commit(#[from] CommitError),
    #[error("the system gives no randomness")]
    Randomness(#[from] getrandom::Error),
    #[error("a task ended early")]
    Interrupted(#[from] tokio::task::JoinError),
}

#[derive(Debug, Clone)]
pub(in crate::release) struct PlatformStore {
    store: Store,
}

/// A change of the platform's store. It has no effect before its transaction is committed.
#[derive(Debug)]
pub(in crate::release) struct PlatformChange {
    transaction: Transaction,
    /// The number of the next line of the history, once it is known.
    next_line: Option<u64>,
}

impl PlatformStore {
    pub(in crate::release) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(in crate::release) fn begin(&self) -> PlatformChange {
        PlatformChange { transaction: self.store.begin().with_keys_max(CHANGE_KEYS_MAX), next_line: None }
    }

    pub(in crate::release) fn services(&self) -> Result<Vec<(ServiceName, ServiceRecord)>, PlatformError> {
        services(&mut self.store.begin_read())
    }

    /// `None` in a new store, and in a store of a version that took all settings from the manifest.
    pub(in crate::release) fn applied(&self) -> Result<Option<AppliedRecord>, PlatformError> {
        applied(&mut self.store.begin_read())
    }

    pub(in crate::release) fn tokens(&self) -> Result<Vec<TokenRecord>, PlatformError> {
        all(&mut self.store.begin_read(), TOKEN)?.iter().map(read).collect()
    }

    /// The host's secret, if there is one yet.
    pub(in crate::release) fn secret(&self) -> Result<Option<HostSecret>, PlatformError> {
        let stored = self.store.begin_read().get(SECRET)?;
        stored.map(|secret| value(SECRET, &secret).map(HostSecret::new)).transpose()
    }

    /// The number of the newest line of the history; 0 without one.
    pub(in crate::release) fn last_line(&self) -> Result<u64, PlatformError> {
        last_line(&mut self.store.begin_read())
    }

    /// The lines before the number `before` (or all), newest first, at most `limit`; of one service, or of all.
    pub(in crate::release) fn history(
        &self,
        service: Option<&ServiceName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, PlatformError> {
        let mut transaction = self.store.begin_read();
        let prefix = service.map_or_else(|| LINE.to_owned(), of_service);
        let limit = u32::try_from(limit).unwrap_or(SCAN_ENTRIES_MAX).clamp(1, SCAN_ENTRIES_MAX);
        let mut lines = Vec::new();
        let mut after = before.map(|before| format!("{prefix}{before:020}"));
        loop {
            let direction = Direction::Descending;
            let left = limit - u32::try_from(lines.len()).unwrap_or(limit).min(limit - 1);
            let scan = Scan { prefix: &prefix, after: after.as_deref(), direction, limit: left };
            let page = transaction.scan(&scan)?;
            for entry in &page.entries {
                lines.push(match service {
                    None => read(entry)?,
                    Some(_) => line(&mut transaction, entry)?,
                });
            }
            after = page.entries.last().map(|entry| entry.key.clone());
            if !page.more || lines.len() >= limit as usize {
                return Ok(lines);
            }
        }
    }
}

/// The record of each service in the platform's store that `transaction` reads.
pub(in crate::release) fn services(
    transaction: &mut Transaction,
) -> Result<Vec<(ServiceName, ServiceRecord)>, PlatformError> {
    let entries = all(transaction, SERVICE)?;
    let read = |entry: &Entry| {
        let name = entry.key.trim_start_matches(SERVICE);
        let name = ServiceName::parse(name).map_err(StoreError::Key)?;
        Ok((name, read(entry)?))
    };
    entries.iter().map(read).collect()
}

pub(in crate::release) fn applied(transaction: &mut Transaction) -> Result<Option<AppliedRecord>, PlatformError> {
    transaction.get(APPLIED)?.map(|bytes| value(APPLIED, &bytes)).transpose()
}

impl PlatformChange {
    /// Checks the format, and returns the host's secret. If there is none yet, this change creates it.
    pub(in crate::release) fn secret(&mut self) -> Result<HostSecret, PlatformError> {
        match self.transaction.get(FORMAT)? {
            Some(format) => {
                let format = value(FORMAT, &format)?;
                if format != PLATFORM_FORMAT {
                    return Err(PlatformError::Format { format });
                }
            }
            None => self.put(FORMAT.into(), &PLATFORM_FORMAT)?,
        }
        if let Some(secret) = self.transaction.get(SECRET)? {
            let secret: [u8; 32] = value(SECRET, &secret)?;
            return Ok(HostSecret::new(secret));
        }
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        self.put(SECRET.into(), &secret)?;
        Ok(HostSecret::new(secret))
    }

    pub(in crate::release) fn apply(&mut self, record: &AppliedRecord) -> Result<(), PlatformError> {
        self.put(APPLIED.into(), record)
    }

    pub(in crate::release) fn service(
        &mut self,
        name: &ServiceName,
        record: &ServiceRecord,
    ) -> Result<(), PlatformError> {
        self.put(format!("{SERVICE}{name}"), record)
    }

    pub(in crate::release) fn remove_service(&mut self, name: &ServiceName) -> Result<(), PlatformError> {
        Ok(self.transaction.delete(&format!("{SERVICE}{name}"))?)
    }

    pub(in crate::release) fn token(&mut self, record: &TokenRecord) -> Result<(), PlatformError> {
        self.put(format!("{TOKEN}{}", record.name), record)
    }

    pub(in crate::release) fn remove_token(&mut self, name: &str) -> Result<(), PlatformError> {
        Ok(self.transaction.delete(&format!("{TOKEN}{name}"))?)
    }

    /// Adds a line to the history.
    pub(in crate::release) fn add_line(&mut self, event: NewEntry) -> Result<(), PlatformError> {
        let number = match self.next_line {
            Some(number) => number,
            None => last_line(&mut self.transaction)? + 1,
        };
        self.next_line = Some(number + 1);
        let NewEntry { who, service, what, from, to, reason, verdict, figures } = event;
        let at = clock::rfc_3339_millis(clock::unix_micros());
        if let Some(service) = &service {
            self.put(format!("{}{number:020}", of_service(service)), &number)?;
        }
        let mut line = HistoryEntry { number, at, who, service, what, from, to, reason, verdict, figures };
        let key = format!("{LINE}{number:020}");
        // Text from a component's author may make a verdict long. The line itself must not be lost because of that.
        match self.put(key.clone(), &line) {
            Err(PlatformError::Store(StoreError::ValueTooLarge { .. })) => {
                line.verdict = None;
                self.put(key, &line)
            }
            put => put,
        }
    }

    /// The number of the newest line that it adds.
    pub(in crate::release) fn last_line(&self) -> Option<u64> {
        self.next_line.map(|next| next - 1)
    }

    fn put(&mut self, key: String, record: &impl Serialize) -> Result<(), PlatformError> {
        let bytes = serde_json::to_vec(record);
        let bytes = bytes.map_err(|source| PlatformError::Entry { key: key.clone(), source })?;
        Ok(self.transaction.set(&key, bytes)?)
    }

    /// Whether there is anything to commit.
    pub(in crate::release) fn changes_anything(&self) -> bool {
        self.transaction.has_effects()
    }

    pub(in crate::release) fn into_transaction(self) -> Transaction {
        self.transaction
    }
}

/// The number of the newest line; 0 without one.
fn last_line(transaction: &mut Transaction) -> Result<u64, PlatformError> {
    let scan = Scan { prefix: LINE, after: None, direction: Direction::Descending, limit: 1 };
    let page = transaction.scan(&scan)?;
    let line: Option<HistoryEntry> = page.entries.first().map(read).transpose()?;
    Ok(line.map_or(0, |line| line.number))
}

fn of_service(service: &ServiceName) -> String {
    format!("{LINE_OF}{service}/")
}

/// The line whose number `entry` holds.
fn line(transaction: &mut Transaction, entry: &Entry) -> Result<HistoryEntry, PlatformError> {
    let number: u64 = read(entry)?;
    let key = format!("{LINE}{number:020}");
    let line = transaction.get(&key)?.unwrap_or_default();
    value(&key, &line)
}

/// All entries whose keys begin with `prefix`.
fn all(transaction: &mut Transaction, prefix: &str) -> Result<Vec<Entry>, PlatformError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.key.clone());
        let (after, direction, limit) = (after.as_deref(), Direction::Ascending, SCAN_ENTRIES_MAX);
        let page = transaction.scan(&Scan { prefix, after, direction, limit })?;
        entries.extend(page.entries);
        if !page.more {
            return Ok(entries);
        }
    }
}

fn read<T: DeserializeOwned>(entry: &Entry) -> Result<T, PlatformError> {
    value(&entry.key, &entry.value)
}

fn value<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, PlatformError> {
    serde_json::from_slice(bytes).map_err(|source| PlatformError::Entry { key: key.into(), source })
}
