//! One call's transaction: a snapshot, the call's reads of it, and its writes and events over it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeBounds;
use std::sync::Arc;

use bytes::Bytes;

use super::commit::part::{Changes, Part, Prepared, Write};
use super::commit::read_set::ReadSet;
use super::error::{CommitError, StoreError};
use super::handle::Store;
use super::memory::empty;
use super::memory::pinned_snapshot::PinnedSnapshot;
use super::memory::scan::{self, Direction, Entry, Page, Scan, Scanned};
use super::memory::snapshot::{Snapshot, entry_bytes};
use super::system::{RowKey, RowWrite, Rows, Table, emitted_bytes};
use crate::journal::Event;
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_KEYS_MAX, EVENT_BYTES_MAX, EVENTS_BYTES_MAX, VALUE_BYTES_MAX};
use crate::names::{CallId, CommitSeq, Generation, Key, component_text};
use crate::observe::traces::ParentSpan;

/// The entries whose size a transaction remembers. A call that reads more of them is long anyway.
const LOOKED_UP_MAX: usize = 32;

/// Reads one snapshot, and its own writes over it. Dropping it discards everything.
pub struct Transaction {
    /// The store to commit to; `None` for a rehearsal.
    store: Option<Store>,
    snapshot: Arc<Snapshot>,
    /// The last durable number when it began.
    durable: CommitSeq,
    saw: CommitSeq,
    reads: ReadSet,
    /// What it has looked up, with the bytes that count for a budget: its commit need not look again.
    looked_up: Vec<(Key, u64)>,
    writes: BTreeMap<Key, Option<Bytes>>,
    rows: Vec<RowWrite>,
    events: Vec<Event>,
    event_bytes: usize,
    /// Bytes of `writes` and `events`.
    bytes: usize,
    keys_max: usize,
    read_only: bool,
    /// The data that the component reads and writes.
    generation: Generation,
    span: ParentSpan,
}

/// The parts of a commit's record besides the writes and the events.
#[derive(Debug, Clone)]
pub struct CommitDetails {
    pub call: CallId,
    /// The new version of the data, if the commit changes it. All calls that began before then conflict.
    pub data_version: Option<u64>,
}

impl CommitDetails {
    /// A commit of the host itself, for no call.
    pub const OF_THE_HOST: Self = Self { call: CallId([0; 16]), data_version: None };
}

/// The writes and events of a call. Two runs of one call did the same when their effects are equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// Sorted by key; `None` for a deleted key.
    pub writes: Vec<(Key, Option<Bytes>)>,
    /// In the order of emission.
    pub events: Vec<Event>,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Transaction");
        debug.field("store", &self.store).field("number", &self.snapshot.number).field("writes", &self.writes.len());
        debug.finish_non_exhaustive()
    }
}

impl Transaction {
    pub(super) fn new(store: Store, read_only: bool) -> Self {
        let durable = store.durable();
        let snapshot = store.snapshot();
        Self::on(Some(store), snapshot, durable, read_only)
    }

    /// Begins a rehearsal on an empty state, for a run without a store. It can read only its own writes.
    #[must_use]
    pub fn scratch() -> Self {
        Self::rehearsal(Arc::new(empty::snapshot(CommitSeq::default())))
    }

    /// The same transaction, but read-only: a write ends it with [`StoreError::ReadOnly`].
    #[must_use]
    pub fn only_reading(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// The same with this many keys at most, instead of those of a call.
    #[must_use]
    pub fn with_keys_max(self, keys_max: usize) -> Self {
        Self { keys_max, ..self }
    }

    /// The same on this generation of the data. Only before the first read and write.
    #[must_use]
    pub fn in_generation(self, generation: Generation) -> Self {
        Self { generation, ..self }
    }

    /// The same as part of a span, to which the deliveries of its events are linked.
    #[must_use]
    pub fn in_span(self, span: ParentSpan) -> Self {
        Self { span, ..self }
    }

    /// Reads `snapshot` and may write, but never commits.
    pub(super) fn rehearsal(snapshot: Arc<Snapshot>) -> Self {
        let seen = snapshot.number;
        Self::on(None, snapshot, seen, false)
    }

    fn on(store: Option<Store>, snapshot: Arc<Snapshot>, durable: CommitSeq, read_only: bool) -> Self {
        Self {
            durable,
            saw: CommitSeq::default(),
            reads: ReadSet::new(snapshot.number),
            looked_up: Vec::new(),
            writes: BTreeMap::new(),
            rows: Vec::new(),
            events: Vec::new(),
            event_bytes: 0,
            bytes: 0,
            keys_max: COMMIT_KEYS_MAX,
            read_only,
            generation: Generation::First,
            span: ParentSpan::none(),
            snapshot,
            store,
        }
    }

    /// The value under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`] for a key out of bounds, or an index that cannot be read.
    pub fn get(&mut self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let key = Key::parse(self.generation, key)?;
        if let Some(value) = self.writes.get(&key) {
            return Ok(value.clone());
        }
        let value = self.look_up(&key)?;
        self.reads.add_key(key);
        Ok(value)
    }

    /// The value of a row of a system table, without this transaction's changes. The commit does not validate this
    /// read.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read.
    pub fn get_row<K: RowKey>(&mut self, table: &Table<K>, key: &K) -> Result<Option<Bytes>, StoreError> {
        self.look_up(&table.key(key))
    }

    /// Changes a row of a system table in the commit of the call. It does not count for the call's limits.
    pub fn write_row(&mut self, write: RowWrite) {
        self.rows.push(write);
    }

    /// At most `limit` rows of `table` in `range`, in order, read like [`Transaction::get_row`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read, or a key does not belong to the table.
    pub fn scan_rows<K: RowKey>(
        &mut self,
        table: &Table<K>,
        range: impl RangeBounds<K>,
        limit: u32,
    ) -> Result<Rows<K>, StoreError> {
        let (range, none) = (table.range(&range), BTreeMap::new());
        let read = |key: &[u8]| table.read_key(key);
        let scanned = scan::run(&range, Direction::Ascending, limit, &self.snapshot, &none, read)?;
        self.saw_commit(scanned.latest);
        Ok(Rows { more: scanned.looked_until.is_some(), rows: scanned.entries })
    }

    /// The keys of the first rows of `range`, at most `limit`. Reads no value.
    ///
    /// # Errors
    ///
    /// Like [`Transaction::scan_rows`].
    pub fn row_keys<K: RowKey>(
        &self,
        table: &Table<K>,
        range: impl RangeBounds<K>,
        limit: u32,
    ) -> Result<Vec<K>, StoreError> {
        scan::keys(&table.range(&range), limit, &self.snapshot, |key| table.read_key(key))
    }

    fn look_up(&mut self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        let value = match self.snapshot.written(key) {
            None => self.snapshot.index.get(key).map_err(StoreError::Index)?,
            Some(written) => {
                let (number, value) = (written.number, written.value.clone());
                self.saw_commit(number);
                value
            }
        };
        if !self.read_only && self.looked_up.len() < LOOKED_UP_MAX {
            self.looked_up.push((key.clone(), entry_bytes(key, value.as_ref().map(Bytes::len))));
        }
        Ok(value)
    }

    /// The bytes of an entry that count for a budget, without this transaction's changes.
    fn bytes_before(&self, key: &Key) -> Result<u64, StoreError> {
        match self.looked_up.iter().find(|(looked_up, _)| looked_up == key) {
            Some((_, bytes)) => Ok(*bytes),
            None => self.snapshot.entry_bytes(key).map_err(StoreError::Index),
        }
    }

    fn saw_commit(&mut self, number: CommitSeq) {
        if number > self.durable {
            self.saw = self.saw.max(number);
        }
    }

    /// Puts `value` under `key`, in place of an existing value.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the transaction is read-only, or a bound is exceeded.
    pub fn set(&mut self, key: &str, value: impl Into<Bytes>) -> Result<(), StoreError> {
        let value = value.into();
        if value.len() > VALUE_BYTES_MAX {
            return Err(StoreError::ValueTooLarge { bytes: value.len() });
        }
        self.write(key, Some(value))
    }

    /// Deletes `key` and its value, if they exist.
    ///
    /// # Errors
    ///
    /// Like [`Transaction::set`].
    pub fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.write(key, None)
    }

    fn write(&mut self, key: &str, value: Option<Bytes>) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        let key = Key::parse(self.generation, key)?;
        let before = self.writes.get(&key);
        if before.is_none() && self.writes.len() >= self.keys_max {
            return Err(StoreError::TooManyKeys { keys_max: self.keys_max });
        }
        let size = |value: &Option<Bytes>| key.counted_bytes() + value.as_ref().map_or(0, Bytes::len);
        self.bytes = self.bytes_with(size(&value), before.map_or(0, size))?;
        self.writes.insert(key, value);
        Ok(())
    }

    /// One page of the entries whose keys begin with the prefix, in order.
    ///
    /// # Errors
    ///
    /// [`StoreError`] for a limit out of bounds, an `after` without the prefix, or an index that cannot be read.
    pub fn scan(&mut self, scan: &Scan<'_>) -> Result<Page, StoreError> {
        let range = scan.range(self.generation)?;
        let read = |key: &[u8]| component_text(key).map(str::to_owned).ok_or(StoreError::KeyNotText);
        let scanned = scan::run(&range, scan.direction, scan.limit, &self.snapshot, &self.writes, read)?;
        self.saw_commit(scanned.latest);
        let Scanned { entries, looked_until, .. } = scanned;
        let more = looked_until.is_some();
        self.reads.add_range(match looked_until {
            None => range,
            Some(last) => range.up_to(&last, scan.direction == Direction::Ascending),
        });
        let entries = entries.into_iter().map(|(key, value)| Entry { key, value });
        Ok(Page { entries: entries.collect(), more })
    }

    /// Emits an event, which is delivered after the call is committed.
    ///
    /// # Errors
    ///
    /// Like [`Transaction::set`].
    pub fn emit(&mut self, event: Event) -> Result<(), StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        let bytes = emitted_bytes(&event);
        if bytes > EVENT_BYTES_MAX {
            return Err(StoreError::EventTooLarge { bytes });
        }
        if self.event_bytes + bytes > EVENTS_BYTES_MAX {
            return Err(StoreError::EventsTooLarge);
        }
        self.bytes = self.bytes_with(bytes, 0)?;
        self.event_bytes += bytes;
        self.events.push(event);
        Ok(())
    }

    fn bytes_with(&self, more: usize, less: usize) -> Result<usize, StoreError> {
        let bytes = self.bytes + more - less;
        if bytes > COMMIT_BYTES_MAX { Err(StoreError::CommitTooLarge) } else { Ok(bytes) }
    }

    /// The store that it may commit to; `None` for a rehearsal.
    #[must_use]
    pub fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// Deletes up to `limit` entries of the generation that it is on. Returns whether there are more.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the index cannot be read, or a bound is exceeded.
    pub fn clear(&mut self, limit: u32) -> Result<bool, StoreError> {
        let page = self.scan(&Scan { prefix: "", after: None, direction: Direction::Ascending, limit })?;
        for entry in &page.entries {
            self.delete(&entry.key)?;
        }
        Ok(page.more)
    }

    /// Bytes of the component's keys and values in the generation that it is on, without its own writes.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.snapshot.totals.of_generation(self.generation)
    }

    /// The version of the data that it reads.
    #[must_use]
    pub fn data_version(&self) -> u64 {
        self.snapshot.totals.data_version
    }

    /// How many events were emitted.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// Whether there is something to commit.
    #[must_use]
    pub fn has_effects(&self) -> bool {
        !self.writes.is_empty() || !self.events.is_empty()
    }

    /// The highest number of a commit that it read and that was not durable when it began; 0 if there is none. The
    /// call's answer may leave the host when that number is durable.
    #[must_use]
    pub fn saw(&self) -> CommitSeq {
        self.saw
    }

    /// The commit whose state it reads.
    #[must_use]
    pub fn number(&self) -> CommitSeq {
        self.snapshot.number
    }

    /// Its snapshot, to run the call on it again, on its generation of the data. `None` for a rehearsal.
    #[must_use]
    pub fn snapshot(&self) -> Option<PinnedSnapshot> {
        self.store.as_ref().map(|store| store.state().pins.pin(Arc::clone(&self.snapshot), self.generation))
    }

    /// Its writes and events so far. The values are shared, not copied.
    #[must_use]
    pub fn effects(&self) -> Effects {
        let writes = self.writes.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Effects { writes, events: self.events.clone() }
    }

    /// Like [`Transaction::effects`], in place of a commit.
    #[must_use]
    pub fn into_effects(self) -> Effects {
        Effects { writes: self.writes.into_iter().collect(), events: self.events }
    }

    /// Its reads, for [`Store::validity`]. Its writes are discarded.
    #[must_use]
    pub fn into_reads(self) -> ReadSet {
        self.reads.finish()
    }

    /// Like [`Transaction::into_reads`], or a larger set that takes at most about `bytes_max`.
    #[must_use]
    pub fn into_reads_within(self, bytes_max: usize) -> ReadSet {
        self.reads.within(bytes_max)
    }

    /// Commits. The commit is visible to later calls at once, and durable when [`super::Stores::wait_durable`] with the
    /// returned number resolves. A transaction without effects, rows and a new version writes no record, and returns
    /// [`Transaction::saw`].
    ///
    /// Waits only while the overlay or the journal has no room.
    ///
    /// # Errors
    ///
    /// [`CommitError`]; none of the call's effects remains.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it resolves, nothing is committed.
    pub async fn commit(self, details: CommitDetails) -> Result<CommitSeq, CommitError> {
        #[cfg(feature = "fail-points")]
        return self.commit_maybe_apart(details).await;
        #[cfg(not(feature = "fail-points"))]
        self.commit_whole(details).await
    }

    /// Like [`Transaction::commit`], but the rows that [`super::apart`] takes out are committed separately.
    #[cfg(feature = "fail-points")]
    async fn commit_maybe_apart(mut self, details: CommitDetails) -> Result<CommitSeq, CommitError> {
        if let apart @ [_, ..] = super::apart::take(&mut self.rows).as_slice()
            && let Some(store) = self.store.clone()
        {
            let number = self.commit_whole(details.clone()).await?;
            store.wait_durable(number).await?;
            tokio::time::sleep(crate::fail_point::WINDOW).await;
            let mut rest = Self::new(store, false);
            rest.rows = apart.to_vec();
            return rest.commit_whole(CommitDetails { data_version: None, ..details }).await;
        }
        self.commit_whole(details).await
    }

    async fn commit_whole(mut self, details: CommitDetails) -> Result<CommitSeq, CommitError> {
        let store = self.take_store()?;
        if !self.has_effects() && self.rows.is_empty() && details.data_version.is_none() {
            return Ok(self.saw);
        }
        let span = std::mem::take(&mut self.span);
        let part = self.into_part(&store, details.data_version)?;
        store.pipeline().commit(Prepared { span, ..Prepared::new(details.call, vec![part]) }).await
    }

    /// The changes of its commit in `store`. Does all work that needs no lock.
    pub(super) fn into_part(mut self, store: &Store, data_version: Option<u64>) -> Result<Part, CommitError> {
        if self.bytes + self.rows.iter().map(RowWrite::bytes).sum::<usize>() > COMMIT_BYTES_MAX {
            return Err(StoreError::CommitTooLarge.into());
        }
        // The keys of rows sort after all keys of components; of several changes of one row the last one counts.
        self.rows.sort_by(|one, other| one.key.cmp(&other.key));
        let rows = std::mem::take(&mut self.rows).into_iter().rev();
        let mut rows: Vec<_> = rows.collect();
        rows.dedup_by(|one, other| one.key == other.key);
        rows.reverse();
        let components = std::mem::take(&mut self.writes).into_iter();
        let components = components.map(|(key, value)| RowWrite { key, value, is_new: false });
        let mut writes = Vec::with_capacity(rows.len() + components.len());
        for RowWrite { key, value, is_new } in components.chain(rows) {
            let before = if is_new { 0 } else { self.bytes_before(&key)? };
            #[cfg(any(test, feature = "fail-points"))]
            assert_eq!(before, self.snapshot.entry_bytes(&key).map_err(StoreError::Index)?, "the size of {key:?}");
            let after = entry_bytes(&key, value.as_ref().map(Bytes::len));
            writes.push(Write { key, value, before, after });
        }
        let Self { snapshot, reads, events, .. } = self;
        let read_version = snapshot.totals.data_version;
        let changes = Changes { read_version, reads, writes, events, data_version };
        Ok(Part::new(Arc::clone(store.shared_state()), changes))
    }

    /// Takes out the store that it may commit to.
    pub(super) fn take_store(&mut self) -> Result<Store, CommitError> {
        self.store.take().ok_or(CommitError::Rehearsal)
    }
}
