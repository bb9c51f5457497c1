//! The set of stores, and how stores are added and removed while the host runs.
//!
//! Invariants: the journal keeps every commit that some index on the disk does not contain yet, whether the index is
//! open or not. A dropped store is removed completely: its last record is durable before its file is deleted, and the
//! journal keeps that record until then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::commit::part::{Part, Prepared};
use super::commit::sequencer::Pipeline;
use super::commit::state::StoreState;
use super::error::{DropError, OpenError};
use super::handle::Store;
use super::index::disk_space::DiskSpace;
use super::index::{self, Index};
use crate::journal::stream::Stream;
use crate::journal::{Disk, JournalId};
use crate::names::{CallId, CommitSeq, ServiceName};

#[derive(Debug)]
pub(super) struct Services {
    pub(super) disk: Arc<dyn Disk>,
    /// The disk of the archive, if there is one.
    pub(super) archive: Option<Arc<dyn Disk>>,
    /// The stream of the cluster, if there is one.
    pub(super) stream: Option<Arc<dyn Stream>>,
    pub(super) journal: JournalId,
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) index_cache_bytes: usize,
    pub(super) space: Arc<DiskSpace>,
    /// Locked during each addition or removal of a store.
    pub(super) changes: Mutex<()>,
    /// Locked only for moments: calls and checkpoints go on while stores are added and removed.
    pub(super) list: Mutex<List>,
}

#[derive(Debug)]
pub(super) struct List {
    members: BTreeMap<ServiceName, Member>,
    /// Services whose index may be on the disk although it is not open, and the number up to which it is complete.
    held: BTreeMap<ServiceName, CommitSeq>,
}

/// One store.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) store: Store,
    pub(super) index: Arc<Index>,
    /// Whether a service uses it; otherwise it is kept.
    pub(super) in_use: bool,
}

/// A store that no service uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedStore {
    pub service: ServiceName,
    /// Bytes of the component's keys and values.
    pub bytes: u64,
    /// Bytes of the host's own rows about calls.
    pub platform_bytes: u64,
}

impl UnusedStore {
    /// Whether the store never had an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0 && self.platform_bytes == 0
    }
}

impl List {
    pub(super) fn new(members: BTreeMap<ServiceName, Member>) -> Self {
        Self { members, held: BTreeMap::new() }
    }
}

impl Services {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Blocks additions and removals of stores until the guard is dropped.
    pub(super) fn changes(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn in_use(&self, name: &ServiceName) -> Option<Store> {
        self.list().members.get(name).filter(|member| member.in_use).map(|member| member.store.clone())
    }

    pub(super) fn unused(&self) -> Vec<UnusedStore> {
        let list = self.list();
        let kept = list.members.iter().filter(|(_, member)| !member.in_use);
        kept.map(|(service, member)| UnusedStore {
            service: service.clone(),
            bytes: member.store.bytes(),
            platform_bytes: member.store.platform_bytes(),
        })
        .collect()
    }

    /// See [`super::Stores::kept_store`].
    pub(super) fn kept_store(&self, name: &ServiceName) -> Option<Store> {
        let member = self.list().members.get(name).filter(|member| !member.in_use).cloned();
        member.map(|member| member.store).filter(|store| store.state().dropped().is_none())
    }

    /// See [`super::Stores::all`].
    pub(super) fn all(&self) -> Vec<Store> {
        let stores = self.members().into_iter().map(|member| member.store);
        stores.filter(|store| store.state().dropped().is_none()).collect()
    }

    /// All stores, in use or kept.
    pub(super) fn members(&self) -> Vec<Member> {
        self.list().members.values().cloned().collect()
    }

    /// Like [`Services::members`], but also empties the set.
    pub(super) fn take(&self) -> Vec<Member> {
        std::mem::take(&mut self.list().members).into_values().collect()
    }

    /// The memory of the commits that the indexes do not contain yet.
    #[cfg(test)]
    pub(super) fn unwritten_bytes(&self) -> usize {
        self.members().iter().map(|member| member.store.snapshot().memory_bytes()).sum()
    }

    /// Divides the overlay among all stores.
    pub(super) fn share_overlay(&self) {
        let members = self.members();
        self.pipeline.share_among(members.iter().map(|member| member.store.state()));
    }

    /// The lowest number of all indexes on the disk; `None` when there is no index.
    pub(super) fn passed(&self) -> Option<CommitSeq> {
        let list = self.list();
        list.members.values().map(|member| member.index.number()).chain(list.held.values().copied()).min()
    }

    /// See [`super::Stores::add`].
    pub(super) fn add(&self, name: &ServiceName, bytes_max: u64) -> Result<Store, OpenError> {
        let _change = self.changes();
        if let Some(member) = self.list().members.get_mut(name) {
            if member.in_use {
                return Err(OpenError::InUse { service: name.clone() });
            }
            if member.store.state().dropped().is_none() {
                member.in_use = true;
                member.store.set_bytes_max(bytes_max);
                return Ok(member.store.clone());
            }
        }
        if let Some(stopped) = self.pipeline.journal.stopped() {
            return Err(stopped.into());
        }
        let number = self.hold(name);
        let created = Index::create(&*self.disk, name, self.journal, number, self.index_cache_bytes, &self.space);
        let (index, snapshot) = created?;
        let store = Store::new(StoreState::new(name.clone(), bytes_max, snapshot), Arc::clone(&self.pipeline));
        let member = Member { store: store.clone(), index: Arc::new(index), in_use: true };
        let mut list = self.list();
        list.members.insert(name.clone(), member);
        list.held.remove(name);
        drop(list);
        self.share_overlay();
        if self.pipeline.journal.takes_commits() {
            // Without a record, a store without commits would not exist after a restore, and on the other nodes of a
            // cluster.
            let prepared = Prepared::new(CallId([0; 16]), vec![Part::founding(Arc::clone(store.shared_state()))]);
            let recorded = futures::executor::block_on(self.pipeline.commit(prepared));
            if let Err(source) = recorded {
                let _new = self.list().members.get_mut(name).map(|member| member.in_use = false);
                return Err(OpenError::Record { service: name.clone(), source: Box::new(source) });
            }
        }
        Ok(store)
    }

    /// The store of `name` for a record of the stream: a new one, which no service uses yet, if there is none.
    pub(super) fn store_to_apply(&self, name: &ServiceName) -> Result<Store, OpenError> {
        let known = self.list().members.get(name).map(|member| member.store.clone());
        if let Some(store) = known.filter(|store| store.state().dropped().is_none()) {
            return Ok(store);
        }
        let store = self.add(name, u64::MAX)?;
        self.detach(name);
        Ok(store)
    }

    /// Deletes the store of `name`, which a record of the stream has dropped.
    pub(super) fn remove_dropped(&self, name: &ServiceName) -> Result<(), DropError> {
        let _change = self.changes();
        let member = self.list().members.get(name).cloned();
        let Some((member, number)) = member.and_then(|member| Some((member.clone(), member.store.state().dropped()?)))
        else {
            return Ok(());
        };
        self.forget(name, &member, number)?;
        self.remove(name)
    }

    /// Takes the store of `name`, which the record `number` drops, out of the set, once that record is durable.
    fn forget(&self, name: &ServiceName, member: &Member, number: CommitSeq) -> Result<(), DropError> {
        self.pipeline.journal.wait_durable_blocking(number)?;
        let mut list = self.list();
        list.held.insert(name.clone(), member.index.number());
        list.members.remove(name);
        drop(list);
        self.share_overlay();
        Ok(())
    }

    /// From here on the journal keeps the commits for an index of `name`, whether its creation succeeds or not. Returns
    /// the number to begin at: the last durable one. The end of an earlier store of that name is durable too.
    fn hold(&self, name: &ServiceName) -> CommitSeq {
        let mut list = self.list();
        // Under the lock, so that meanwhile no index passes this number and lets the journal discard later commits.
        let durable = self.pipeline.journal.durable_in_segments();
        list.held.entry(name.clone()).or_insert(durable);
        durable
    }

    /// See [`super::Stores::detach`].
    pub(super) fn detach(&self, name: &ServiceName) -> bool {
        let _change = self.changes();
        let mut list = self.list();
        let used = list.members.get_mut(name).map(|member| std::mem::replace(&mut member.in_use, false));
        used.unwrap_or(false)
    }

    /// See [`super::Stores::drop_store`].
    pub(super) fn drop_store(&self, name: &ServiceName) -> Result<(), DropError> {
        let _change = self.changes();
        let member = self.list().members.get(name).cloned();
        match member {
            Some(Member { in_use: true, .. }) => return Err(DropError::InUse { service: name.clone() }),
            Some(member) => {
                let number = self.pipeline.drop_store(member.store.shared_state())?;
                self.forget(name, &member, number)?;
            }
            // An earlier attempt may have left its file.
            None if self.list().held.contains_key(name) => {}
            None => return Err(DropError::Unknown { service: name.clone() }),
        }
        self.remove(name)
    }

    /// Deletes the index file of `name`, which is not open any more.
    fn remove(&self, name: &ServiceName) -> Result<(), DropError> {
        let disk = &*self.disk;
        index::remove(disk, name).map_err(|source| DropError::File { path: disk.full(&index::path(name)), source })?;
        self.list().held.remove(name);
        Ok(())
    }
}
