//! Copies entities from the live generation to the other one: page by page at first, then what commits have touched.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;

use super::check::{check_copy, check_end, check_pages, page};
use super::digest::digest;
use super::error::MirrorError;
use super::pages::Pages;
use super::side::StateSide;
use crate::clock;
use crate::fail_point::fail_point;
use crate::limits::{MIRROR_BATCH_PAGES, MIRROR_PAGE_ENTITIES};
use crate::names::Generation;
use crate::runtime::{Failure, StateChange, StateEntity, StateError};
use crate::store::system::{EntityKey, INTENTS, MIRRORED_ENTITIES};
use crate::store::{CommitDetails, CommitError, PinnedSnapshot, ReadSet, Store, StoreError, Transaction};

/// A mirror of the live data of one service.
pub(in crate::release) struct Mirror {
    pub(super) store: Store,
    /// The generation that is copied. The other one gets the copy.
    pub(super) live: Generation,
    pub(super) source: Arc<dyn StateSide>,
    pub(super) target: Arc<dyn StateSide>,
    pages: Pages,
    /// The same entities in the copy, with what the target read for them: the pages of the way back.
    pub(super) back: Pages,
    /// Whether `back` has all entities.
    pub(super) is_verified: bool,
    /// Where the first pass continues; `None` when it is complete.
    next: Option<String>,
    pub(super) entities: u64,
    /// The most bytes that the live data has had since the mirror began.
    bytes_seen: u64,
    imported: u64,
    /// Whether it does nothing: see [`Frozen`].
    is_frozen: Arc<AtomicBool>,
}

/// Keeps a mirror from doing anything, because its copy is about to become the live data, or is it already. What calls write then
/// is for the mirror of the other direction: this one would take it for its own imports. When this is dropped, the swap has
/// failed, and the mirror goes on.
#[derive(Debug)]
pub(in crate::release) struct Frozen(Option<Arc<AtomicBool>>);

impl Frozen {
    fn new(is_frozen: &Arc<AtomicBool>) -> Self {
        is_frozen.store(true, Ordering::Release);
        Self(Some(Arc::clone(is_frozen)))
    }

    /// The swap is committed.
    pub(in crate::release) fn for_good(mut self) {
        self.0 = None;
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if let Some(is_frozen) = &self.0 {
            is_frozen.store(false, Ordering::Release);
        }
    }
}

/// The entities of one page, as the live release exports them.
struct Exported {
    /// The key that the page begins after.
    after: String,
    entities: Vec<StateEntity>,
    /// The last key of the page; `None` at the end of all entities.
    end: Option<String>,
    reads: ReadSet,
}

/// Entities to check after their import: those of a page, or of several pages that follow each other, from the first one
/// that has changed to the last one.
struct Part {
    after: String,
    entities: Vec<StateEntity>,
    end: Option<String>,
}

impl Part {
    /// What has changed of a page: `entities` are those after `after`, up to `end`. `changes` are sorted by key.
    fn changed(
        after: &str,
        mut entities: Vec<StateEntity>,
        end: Option<&str>,
        changes: &[StateChange],
    ) -> Option<Self> {
        let (first, last) = (&changes.first()?.key, &changes.last()?.key);
        let reaches_end = entities.last().is_none_or(|entity| entity.key <= *last);
        let end = if reaches_end { end } else { Some(last.as_str()) };
        entities.truncate(entities.partition_point(|entity| entity.key <= *last));
        let before = entities.partition_point(|entity| entity.key < *first);
        let after =
            before.checked_sub(1).and_then(|at| entities.get(at)).map_or(after, |entity| &entity.key).to_owned();
        entities.drain(..before);
        Some(Self { after, entities, end: end.map(str::to_owned) })
    }
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("store", &self.store).field("pages", &self.pages.count()).finish_non_exhaustive()
    }
}

impl Mirror {
    /// A mirror that has read nothing yet. Entities that an earlier mirror copied are compared, not copied again.
    pub(in crate::release) fn new(
        store: Store,
        live: Generation,
        source: Arc<dyn StateSide>,
        target: Arc<dyn StateSide>,
    ) -> Self {
        let (pages, back) = (Pages::new(store.last_commit()), Pages::new(store.last_commit()));
        let next = Some(String::new());
        Self {
            store,
            live,
            source,
            target,
            pages,
            back,
            is_verified: false,
            next,
            entities: 0,
            bytes_seen: 0,
            imported: 0,
            is_frozen: Arc::default(),
        }
    }

    /// The mirror of the other direction, after a swap. It knows what each entity of the copy was read from, so it need not
    /// read them again.
    pub(in crate::release) fn turn(&mut self) -> Self {
        let (source, target) = (Arc::clone(&self.target), Arc::clone(&self.source));
        let turned = Self::new(self.store.clone(), self.live.other(), source, target);
        if !self.is_verified || self.next.is_some() {
            return turned;
        }
        // What is left here must read everything before it is of use.
        self.next = Some(String::new());
        let empty = || Pages::new(self.store.last_commit());
        let (pages, back) = (std::mem::replace(&mut self.back, empty()), std::mem::replace(&mut self.pages, empty()));
        Self { pages, back, is_verified: true, next: None, entities: self.entities, ..turned }
    }

    /// Whether all entities have been read, and the copy was verified.
    pub(super) fn is_following(&self) -> bool {
        self.is_verified && self.next.is_none()
    }

    /// About how many entities there are; `None` if this is the first mirror of the handover.
    pub(super) fn entities_expected(&self) -> Option<u64> {
        let known = self.store.usage(&MIRRORED_ENTITIES).rows;
        (known > self.entities).then_some(known)
    }

    /// Copies the next pages of the first pass, as one import. Returns whether the pass is complete.
    pub(in crate::release) async fn copy_next(&mut self) -> Result<bool, MirrorError> {
        let Some(first) = self.next.clone() else { return Ok(true) };
        let (mut after, mut batch, mut count) = (Some(first.clone()), Vec::new(), 0);
        // One snapshot for all of them, so that they can be compared with pages of another size.
        let snapshot = self.read().snapshot();
        let on_snapshot = || snapshot.as_ref().and_then(PinnedSnapshot::rehearse).map(Transaction::only_reading);
        while let Some(from) = after.clone().filter(|_| count < MIRROR_PAGE_ENTITIES as usize) {
            let transaction = on_snapshot().unwrap_or_else(|| self.read());
            let exported = self.export(transaction, &from, None, self.pages.hot_limit()).await?;
            count += exported.entities.len();
            after.clone_from(&exported.end);
            batch.push(exported);
        }
        // Without the snapshot, the store has released it, and pages before and after that may differ.
        if let Some(transaction) = on_snapshot() {
            let entities = batch.iter().flat_map(|exported| &exported.entities);
            let keys: Vec<_> = entities.map(|entity| entity.key.clone()).collect();
            check_pages(&*self.source, transaction, (&first, after.as_deref()), &keys).await?;
        }
        match self.copy(batch).await {
            Ok(()) => self.next = after,
            Err(error) if !is_again(&error) => return Err(error),
            Err(_) => (count, self.next) = self.copy_page(first, None).await?,
        }
        self.entities += count as u64;
        self.bytes_seen = self.bytes_seen.max(self.store.bytes_of(self.live));
        check_end(self.entities, self.bytes_seen)?;
        Ok(self.next.is_none())
    }

    /// Takes note of the pages that commits have touched since the last time, before the commit log forgets them.
    pub(in crate::release) fn note_commits(&mut self) {
        self.pages.mark_dirty(&self.store, self.live);
        self.back.mark_dirty(&self.store, self.live.other());
    }

    /// Copies again what commits have touched, at most `pages_max` pages. Returns how many pages are left.
    pub(in crate::release) async fn follow(&mut self, pages_max: usize) -> Result<usize, MirrorError> {
        if self.is_frozen() {
            return Ok(0);
        }
        self.note_commits();
        let mut left = pages_max;
        while left > 0 {
            let dirty = self.pages.next_dirty(left.min(MIRROR_BATCH_PAGES));
            if dirty.is_empty() {
                break;
            }
            left -= dirty.len();
            self.copy_again(dirty).await?;
        }
        if self.pages.dirty() == 0 {
            self.pages.commits_behind = 0;
            if self.is_following() {
                self.store.mark_copied(self.live, self.pages.checked());
            }
        }
        Ok(self.pages.dirty())
    }

    /// Copies pages again, as one import: each with the key that it begins after, and its last key.
    async fn copy_again(&mut self, dirty: Vec<(String, Option<String>)>) -> Result<(), MirrorError> {
        let (mut batch, mut ends) = (Vec::with_capacity(dirty.len()), Vec::with_capacity(dirty.len()));
        for (after, until) in &dirty {
            let exported = self.export(self.read(), after, until.as_deref(), self.pages.hot_limit()).await?;
            ends.push(exported.end.clone());
            batch.push(exported);
        }
        // There is no await point between a copy and the marks, so a cancelled run leaves no gap.
        match self.copy(batch).await {
            Ok(()) => {
                for ((after, until), end) in dirty.into_iter().zip(ends) {
                    self.pages.mark_read(&after, end, until);
                }
            }
            Err(error) if !is_again(&error) => return Err(error),
            Err(_) => {
                for (after, until) in dirty {
                    let (_, end) = self.copy_page(after.clone(), until.clone()).await?;
                    self.pages.mark_read(&after, end, until);
                }
            }
        }
        Ok(())
    }

    /// Reads pages of the copy again that imports have touched, at most `pages_max`: then the way back need not do it.
    pub(in crate::release) async fn refresh_back(&mut self, pages_max: usize) -> Result<(), MirrorError> {
        if self.is_frozen() {
            return Ok(());
        }
        let other = self.live.other();
        self.back.mark_dirty(&self.store, other);
        for _ in 0..pages_max {
            let Some((after, until)) = self.back.next_dirty(1).pop() else { break };
            let page = page(&after, until.as_deref(), self.back.hot_limit());
            let run = self.target.export(self.store.begin_read().in_generation(other), &page).await;
            let entities = run.result.map_err(MirrorError::Target)?;
            let end = entities.last().map(|last| last.key.clone()).or_else(|| until.clone());
            self.back.insert(after.clone(), end.clone(), run.transaction.into_reads());
            self.back.mark_read(&after, end, until);
        }
        Ok(())
    }

    /// Makes the copy complete while no call changes the data. Then it does nothing any more, unless the swap fails.
    pub(in crate::release) async fn finish(&mut self, deadline: Instant) -> Result<Frozen, MirrorError> {
        if !self.is_following() {
            return Err(MirrorError::NotReady { entities: self.entities, expected: self.entities_expected() });
        }
        let intents = self.store.usage(&INTENTS).rows;
        if intents > 0 {
            return Err(MirrorError::OpenIntents { count: intents });
        }
        while self.follow(MIRROR_BATCH_PAGES).await? > 0 {
            if clock::now() >= deadline {
                return Err(MirrorError::NotInTime { dirty: self.pages.dirty() });
            }
        }
        Ok(Frozen::new(&self.is_frozen))
    }

    fn is_frozen(&self) -> bool {
        self.is_frozen.load(Ordering::Acquire)
    }

    /// The live data and the copy, of one number at which both hold the same entities; `None` if something is not copied yet.
    pub(super) fn consistent_snapshots(&self) -> Option<(Transaction, Transaction)> {
        let snapshot = self.read().snapshot().filter(|_| !self.is_frozen())?;
        Some((snapshot.rehearse()?, snapshot.rehearse_on(self.live.other()).ok()?))
    }

    /// Commits that touched the data and are not copied yet.
    pub(in crate::release) fn commits_behind(&self) -> usize {
        self.pages.commits_behind
    }

    /// How many entities were imported since the mirror began.
    pub(in crate::release) fn imported(&self) -> u64 {
        self.imported
    }

    /// Copies the pages of `batch`, and remembers them.
    async fn copy(&mut self, batch: Vec<Exported>) -> Result<(), MirrorError> {
        let (mut changes, mut pages, mut parts) = (Vec::new(), Vec::with_capacity(batch.len()), Vec::<Part>::new());
        for exported in batch {
            let of_page = self.changes(&exported)?;
            let Exported { after, entities, end, reads } = exported;
            if let Some(part) = Part::changed(&after, entities, end.as_deref(), &of_page) {
                match parts.last_mut().filter(|before| before.end.as_ref() == Some(&part.after)) {
                    Some(before) => {
                        before.entities.extend(part.entities);
                        before.end = part.end;
                    }
                    None => parts.push(part),
                }
                changes.extend(of_page);
            }
            pages.push((after, end, reads));
        }
        self.import(&parts, changes, MIRROR_PAGE_ENTITIES).await?;
        for (after, end, reads) in pages {
            self.pages.insert(after, end, reads);
        }
        Ok(())
    }

    /// Copies the entities after `after`, at most up to `until`, as one page: so few of them that they fit into one commit.
    /// Returns how many there are, and the last key of the page; `None` at the end of all entities.
    async fn copy_page(
        &mut self,
        after: String,
        until: Option<String>,
    ) -> Result<(usize, Option<String>), MirrorError> {
        let mut limit = self.pages.hot_limit();
        loop {
            let exported = self.export(self.read(), &after, until.as_deref(), limit).await?;
            let changes = self.changes(&exported)?;
            let Exported { after: from, entities, end, reads } = exported;
            let part = Part { after: from, entities, end };
            let count = part.entities.len().max(changes.len());
            match self.import(std::slice::from_ref(&part), changes, limit).await {
                // Something else was committed to the store: what was read is read again.
                Err(MirrorError::Commit(CommitError::Conflict { .. })) => {}
                Err(error) if is_too_large(&error) && limit > 1 && count > 1 => {
                    // The next page must have fewer entities, and not only a smaller limit.
                    limit = limit.min(u32::try_from(count).unwrap_or(limit)) / 2;
                }
                Err(error) => return Err(too_large(error, &part)),
                Ok(()) => {
                    let Part { entities, end, .. } = part;
                    self.pages.insert(after, end.clone(), reads);
                    return Ok((entities.len(), end));
                }
            }
        }
    }

    /// Begins to read the live data.
    fn read(&self) -> Transaction {
        self.store.begin_read().in_generation(self.live)
    }

    async fn export(
        &self,
        transaction: Transaction,
        after: &str,
        until: Option<&str>,
        limit: u32,
    ) -> Result<Exported, MirrorError> {
        let run = self.source.export(transaction, &page(after, until, limit)).await;
        let entities = run.result.map_err(MirrorError::Source)?;
        let end = entities.last().map(|last| last.key.clone()).or_else(|| until.map(str::to_owned));
        Ok(Exported { after: after.to_owned(), entities, end, reads: run.transaction.into_reads() })
    }

    /// What the other generation needs to hold the entities of the page.
    fn changes(&self, exported: &Exported) -> Result<Vec<StateChange>, MirrorError> {
        let mut known = self.known_digests(&exported.after, exported.end.as_deref())?;
        let mut changes = Vec::new();
        for StateEntity { key, value } in &exported.entities {
            let is_same = known.remove(key).is_some_and(|known| *known == digest(value));
            if !is_same {
                changes.push(StateChange { key: key.clone(), value: Some(value.clone()) });
            }
        }
        changes.extend(known.into_keys().map(|key| StateChange { key, value: None }));
        changes.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(changes)
    }

    /// The digests of the entities that the other generation holds after `after`, up to `end`.
    fn known_digests(&self, after: &str, end: Option<&str>) -> Result<BTreeMap<String, Bytes>, MirrorError> {
        let mut known = BTreeMap::new();
        let end = end.map_or(Bound::Unbounded, |end| Bound::Included(EntityKey(end.into())));
        let mut from = Bound::Excluded(EntityKey(after.into()));
        loop {
            let page = self.store.scan_rows(&MIRRORED_ENTITIES, (from, end.clone()), 1_000)?;
            let last = page.rows.last().map(|(key, _)| key.clone());
            known.extend(page.rows.into_iter().map(|(EntityKey(key), digest)| (key, digest)));
            match last.filter(|_| page.more) {
                Some(last) => from = Bound::Excluded(last),
                None => return Ok(known),
            }
        }
    }

    /// Imports `changes`, checks that an export of the other generation then gives the `parts`, and commits.
    async fn import(&mut self, parts: &[Part], changes: Vec<StateChange>, limit: u32) -> Result<(), MirrorError> {
        let count = changes.len() as u64;
        let mut batches = changes.chunks(usize::try_from(limit).unwrap_or(1).max(1)).peekable();
        while let Some(batch) = batches.next() {
            let transaction = self.store.begin().in_generation(self.live.other());
            let run = self.target.import(transaction, batch.to_vec()).await;
            run.result.map_err(MirrorError::Target)?;
            let mut transaction = run.transaction;
            if batches.peek().is_none() {
                for Part { after, end, entities } in parts {
                    transaction = check_copy(&*self.target, transaction, (after, end.as_deref()), entities).await?;
                }
            }
            for StateChange { key, value } in batch {
                let key = EntityKey(key.clone());
                transaction.write_row(match value {
                    Some(value) => MIRRORED_ENTITIES.put(&key, digest(value).to_vec()),
                    None => MIRRORED_ENTITIES.delete(&key),
                });
            }
            fail_point("mirror.before-page");
            transaction.commit(CommitDetails::OF_THE_HOST).await?;
            fail_point("mirror.after-page");
        }
        self.imported += count;
        Ok(())
    }
}

/// Whether the same is worth another attempt, with one page after the other.
fn is_again(error: &MirrorError) -> bool {
    matches!(error, MirrorError::Commit(CommitError::Conflict { .. })) || is_too_large(error)
}

/// Whether fewer entities would fit.
fn is_too_large(error: &MirrorError) -> bool {
    let too_large = |error: &StoreError| matches!(error, StoreError::TooManyKeys { .. } | StoreError::CommitTooLarge);
    match error {
        MirrorError::Target(StateError::Import(Failure::Store(error))) => too_large(error),
        MirrorError::Target(StateError::Import(Failure::Deadline)) => true,
        MirrorError::Commit(CommitError::Store(error)) => too_large(error),
        _ => false,
    }
}

/// The error with the entity that it is about, when one alone is too large.
fn too_large(error: MirrorError, part: &Part) -> MirrorError {
    let key = part.entities.first().map(|first| first.key.clone()).unwrap_or_default();
    match error {
        MirrorError::Target(StateError::Import(Failure::Store(source)))
            if matches!(source, StoreError::TooManyKeys { .. } | StoreError::CommitTooLarge) =>
        {
            MirrorError::TooLarge { key, source }
        }
        error => error,
    }
}
