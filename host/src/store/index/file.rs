//! The redb file of one service: its state at one number. The number is stored in the same redb transaction.
//!
//! Only the thread that applies commits writes. Calls read through an [`IndexReader`], which is opened once for many
//! calls.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use redb::{Database, ReadTransaction, ReadableDatabase as _, Table, TableDefinition, WriteTransaction};

use super::backend::Backend;
use super::checksum::{self, CHECKSUM_BYTES};
use super::disk_space::DiskSpace;
use super::error::{IndexError, IndexOpenError};
use super::health::IndexHealth;
use super::reader::{ENTRIES, IndexReader};
use crate::journal::{Disk, JournalId, SERVICES_FOLDER};
use crate::limits::INDEX_CHECK_BYTES_MAX;
use crate::names::{CommitSeq, Key, ServiceName};
use crate::store::memory::snapshot::{Frozen, Snapshot, Totals};
use crate::store::system::{TableId, Usage};

const STATE: TableDefinition<'static, &str, u64> = TableDefinition::new("state");
/// The number of rows of each system table and their bytes, by the id byte of the table.
const TABLES: TableDefinition<'static, u8, (u64, u64)> = TableDefinition::new("tables");
const IDENTITY: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("identity");

/// Values have checksums from format 3 on.
pub const INDEX_FORMAT: u64 = 3;

/// An open index, for its one writer.
pub(in crate::store) struct Index {
    pub(in crate::store) service: ServiceName,
    pub(in crate::store) journal: JournalId,
    number: AtomicU64,
    database: Database,
    pub(in crate::store) health: Arc<IndexHealth>,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("service", &self.service).field("number", &self.number()).finish_non_exhaustive()
    }
}

pub(in crate::store) fn path(service: &ServiceName) -> String {
    format!("{SERVICES_FOLDER}/{service}.redb")
}

/// The services that have an index in the data directory.
pub(in crate::store) fn services(disk: &dyn Disk) -> io::Result<Vec<ServiceName>> {
    let names = disk.names(SERVICES_FOLDER)?;
    Ok(names.iter().filter_map(|name| ServiceName::of_store(name.strip_suffix(".redb")?).ok()).collect())
}

/// Deletes the index file of `service`, if it exists. After the return, it does not come back, even after a crash.
pub(in crate::store) fn remove(disk: &dyn Disk, service: &ServiceName) -> io::Result<()> {
    match disk.remove(&path(service)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    disk.sync_folder(SERVICES_FOLDER)
}

impl Index {
    /// Opens the existing index of `service`, and returns the state that it contains.
    pub(in crate::store) fn open(
        disk: &dyn Disk,
        service: &ServiceName,
        cache_bytes: usize,
        space: &Arc<DiskSpace>,
    ) -> Result<(Self, Snapshot), IndexOpenError> {
        let path = path(service);
        let at_file = |source: IndexError| IndexOpenError::Open { path: disk.full(&path), source };
        let at_redb = |source| at_file(redb::StorageError::Io(source).into());
        let file = disk.open(&path).map_err(at_redb)?;
        let file_bytes = file.bytes().map_err(at_redb)?;
        if file_bytes == 0 {
            return Err(IndexOpenError::Foreign { path: disk.full(&path), service: service.clone() });
        }
        let database = Database::builder()
            .set_cache_size(cache_bytes)
            .set_check_integrity_on_open(file_bytes <= INDEX_CHECK_BYTES_MAX)
            .create_with_backend(Backend::new(file, Arc::clone(space)))
            .map_err(|error| at_file(error.into()))?;
        let Some(state) = State::read(&database).map_err(at_file)? else {
            return Err(IndexOpenError::Foreign { path: disk.full(&path), service: service.clone() });
        };
        if state.format != INDEX_FORMAT {
            return Err(IndexOpenError::Format {
                path: disk.full(&path),
                format: state.format,
                supported: INDEX_FORMAT,
            });
        }
        if state.service != service.as_str().as_bytes() {
            return Err(IndexOpenError::Foreign { path: disk.full(&path), service: service.clone() });
        }
        let State { journal, number, totals, .. } = state;
        let health = Arc::new(IndexHealth::new(disk.full(&path), service));
        let index = Self { service: service.clone(), journal, number: AtomicU64::new(number.0), database, health };
        let snapshot = Snapshot::new(number, totals, Arc::new(index.reader().map_err(at_file)?));
        Ok((index, snapshot))
    }

    /// Creates an empty index of `service` at `number`, in place of an existing one.
    ///
    /// A full disk is an error here.
    pub(in crate::store) fn create(
        disk: &dyn Disk,
        service: &ServiceName,
        journal: JournalId,
        number: CommitSeq,
        cache_bytes: usize,
        space: &Arc<DiskSpace>,
    ) -> Result<(Self, Snapshot), IndexOpenError> {
        let path = path(service);
        // A half-written index must not look like a whole one: it gets its name when it is complete.
        let new_path = format!("{path}.new");
        let at_index = |source| IndexOpenError::Create { path: disk.full(&path), source };
        let at_disk = |source| at_index(redb::StorageError::Io(source).into());
        let file = disk.create(&new_path).map_err(at_disk)?;
        let made = make(Backend::new(file, Arc::new(DiskSpace::refused())), service, journal, number);
        if let Err(source) = made {
            // An unfinished file would occupy room that others wait for. The creation failed in any case.
            let _gone = disk.remove(&new_path);
            return Err(at_index(source));
        }
        disk.rename(&new_path, &path).map_err(at_disk)?;
        disk.sync_folder(SERVICES_FOLDER).map_err(at_disk)?;
        Self::open(disk, service, cache_bytes, space)
    }

    /// It durably contains all commits up to this number.
    pub(in crate::store) fn number(&self) -> CommitSeq {
        CommitSeq(self.number.load(Ordering::Acquire))
    }

    /// Writes the changes in `frozen`, and makes the result durable as the state of `number`.
    pub(in crate::store) fn write(&self, frozen: &Frozen, number: CommitSeq) -> Result<(), IndexError> {
        let transaction = self.begin(number)?;
        {
            let mut entries = transaction.open_table(ENTRIES)?;
            for (key, written) in &frozen.layer {
                put(&mut entries, key.as_bytes(), written.value.as_deref())?;
            }
            let mut state = transaction.open_table(STATE)?;
            state.insert("bytes", frozen.totals.first_bytes)?;
            state.insert("second-bytes", frozen.totals.second_bytes)?;
            state.insert("data-version", frozen.totals.data_version)?;
            state.insert("time", frozen.totals.time_unix_micros)?;
            let mut tables = transaction.open_table(TABLES)?;
            for (id, Usage { rows, bytes }) in TableId::ALL.into_iter().zip(frozen.totals.tables) {
                tables.insert(id.byte(), (rows, bytes))?;
            }
        }
        self.commit(transaction, number)
    }

    /// Adds entries to a new index. Its number does not change.
    pub(in crate::store) fn put(&self, entries: &[(Vec<u8>, Bytes)]) -> Result<(), IndexError> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for (key, value) in entries {
                put(&mut table, key, Some(value))?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Replaces damaged entries by `entries`. Its number does not change.
    pub(in crate::store) fn repair(&self, entries: &BTreeMap<Key, Option<Bytes>>) -> Result<(), IndexError> {
        let transaction = self.begin(self.number())?;
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for (key, value) in entries {
                put(&mut table, key.as_bytes(), value.as_deref())?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Makes it an index of the journal `journal`, with the state of `number`.
    pub(in crate::store) fn adopt(&self, journal: JournalId, number: CommitSeq) -> Result<(), IndexError> {
        let transaction = self.begin(number)?;
        transaction.open_table(IDENTITY)?.insert("journal", journal.0.as_slice())?;
        self.commit(transaction, number)
    }

    /// Whether all pages match their checksums.
    pub(in crate::store) fn is_sound(&mut self) -> Result<bool, IndexError> {
        Ok(self.database.check_integrity()?)
    }

    /// Durably sets its number to `number`, without other changes.
    pub(in crate::store) fn pass(&self, number: CommitSeq) -> Result<(), IndexError> {
        self.commit(self.begin(number)?, number)
    }

    fn begin(&self, number: CommitSeq) -> Result<WriteTransaction, IndexError> {
        let mut transaction = self.database.begin_write()?;
        // After a crash the file then opens at once, however large it is.
        transaction.set_quick_repair(true);
        transaction.open_table(STATE)?.insert("number", number.0)?;
        Ok(transaction)
    }

    fn commit(&self, transaction: WriteTransaction, number: CommitSeq) -> Result<(), IndexError> {
        transaction.commit()?;
        self.number.store(number.0, Ordering::Release);
        Ok(())
    }

    pub(in crate::store) fn reader(&self) -> Result<IndexReader, IndexError> {
        IndexReader::open(&self.database, Arc::clone(&self.health))
    }

    pub(in crate::store) fn close(self) -> Result<(), IndexError> {
        Ok(self.database.close()?)
    }
}

/// Stores `value` with its checksum under `key`; without a value, deletes the entry.
fn put(entries: &mut Table<'_, &[u8], &[u8]>, key: &[u8], value: Option<&[u8]>) -> Result<(), IndexError> {
    match value {
        Some(value) => {
            let mut place = entries.insert_reserve(key, CHECKSUM_BYTES + value.len())?;
            checksum::encode(key, value, place.as_mut());
        }
        None => drop(entries.remove(key)?),
    }
    Ok(())
}

/// Writes a complete index without entries.
fn make(backend: Backend, service: &ServiceName, journal: JournalId, number: CommitSeq) -> Result<(), IndexError> {
    let database = Database::builder().create_with_backend(backend)?;
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    {
        let _tables = (transaction.open_table(ENTRIES)?, transaction.open_table(TABLES)?);
        let mut state = transaction.open_table(STATE)?;
        for (name, value) in [("format", INDEX_FORMAT), ("number", number.0)] {
            state.insert(name, value)?;
        }
        let mut identity = transaction.open_table(IDENTITY)?;
        identity.insert("service", service.as_str().as_bytes())?;
        identity.insert("journal", journal.0.as_slice())?;
    }
    transaction.commit()?;
    Ok(database.close()?)
}

struct State {
    format: u64,
    number: CommitSeq,
    totals: Totals,
    service: Vec<u8>,
    journal: JournalId,
}

impl State {
    /// The metadata of an index; `None` when the redb file is not an index.
    fn read(database: &Database) -> Result<Option<Self>, IndexError> {
        let transaction = database.begin_read()?;
        let (state, identity) = match (transaction.open_table(STATE), transaction.open_table(IDENTITY)) {
            (Ok(state), Ok(identity)) => (state, identity),
            (Err(redb::TableError::Storage(error)), _) | (_, Err(redb::TableError::Storage(error))) => {
                return Err(error.into());
            }
            _ => return Ok(None),
        };
        let number = |name| Ok::<_, IndexError>(state.get(name)?.map(|guard| guard.value()));
        let bytes = |name| Ok::<_, IndexError>(identity.get(name)?.map(|guard| guard.value().to_vec()));
        let journal = bytes("journal")?.and_then(|bytes| bytes.try_into().ok()).map(JournalId);
        let Some(format) = number("format")? else { return Ok(None) };
        let (applied, service) = (number("number")?, bytes("service")?);
        let (Some(applied), Some(service), Some(journal)) = (applied, service, journal) else { return Ok(None) };
        let first_bytes = number("bytes")?.unwrap_or(0);
        // An index without a second generation has no row for it.
        let second_bytes = number("second-bytes")?.unwrap_or(0);
        let data_version = number("data-version")?.unwrap_or(0);
        let time_unix_micros = number("time")?.unwrap_or(0);
        let totals =
            Totals { first_bytes, second_bytes, tables: usages(&transaction)?, data_version, time_unix_micros };
        Ok(Some(Self { format, number: CommitSeq(applied), totals, service, journal }))
    }
}

/// The usage of each system table; zero for an index of an earlier format, which is refused afterwards.
fn usages(transaction: &ReadTransaction) -> Result<[Usage; TableId::ALL.len()], IndexError> {
    let mut usages = [Usage::default(); TableId::ALL.len()];
    let tables = match transaction.open_table(TABLES) {
        Err(redb::TableError::Storage(error)) => return Err(error.into()),
        Err(_missing) => return Ok(usages),
        Ok(tables) => tables,
    };
    for (usage, id) in usages.iter_mut().zip(TableId::ALL) {
        if let Some(stored) = tables.get(id.byte())? {
            let (rows, bytes) = stored.value();
            *usage = Usage { rows, bytes };
        }
    }
    Ok(usages)
}
