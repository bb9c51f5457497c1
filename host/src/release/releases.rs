//! The control plane of a host: its state, and the turns of changes.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::{Mutex, oneshot};

use super::changes::change_set::ChangeSet;
use super::error::DeployError;
use super::loading::loader::ReleaseLoader;
use super::loading::pinned_tables::PinnedTables;
use super::loading::uploads::Uploads;
use super::mirror::Mirrors;
use super::prepare::Prepare;
use super::records::platform_store::{PlatformError, PlatformStore};
use super::records::record::{ChangeKind, HistoryEntry, NewEntry};
use super::records::state::State;
use super::records::token::Holder;
use crate::call::{Calls, PinnedReleases, RoutingTable};
use crate::config::Manifest;
use crate::names::{Digest, ServiceName};
use crate::observe::{LogLimits, SwapPauses};
use crate::store::Stores;
use crate::tasks::{Tasks, blocking, blocking_future};

/// The control plane of a host. Clones share its state.
#[derive(Debug, Clone)]
pub struct Releases {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    /// The data directory.
    pub(super) data: PathBuf,
    pub(super) loader: ReleaseLoader,
    pub(super) platform: PlatformStore,
    pub(super) calls: Calls,
    pub(super) stores: Stores,
    pub(super) tasks: Tasks,
    pub(super) state: ArcSwap<State>,
    pub(super) uploads: Uploads,
    pub(super) pinned: PinnedTables,
    pub(super) mirrors: Mirrors,
    pub(super) pauses: SwapPauses,
    /// Whether a backup runs: then unneeded files are not deleted. Changed while `changing` is held, or by the one
    /// backup that runs.
    pub(super) backup_runs: AtomicBool,
    /// Dropped stores whose files may still exist.
    pub(super) unfinished_drops: std::sync::Mutex<BTreeSet<ServiceName>>,
    /// Of lines about work that is tried again until it succeeds.
    pub(super) log_limits: LogLimits<&'static str>,
    /// Lets the other nodes of a cluster get ready.
    pub(super) prepare: OnceLock<Prepare>,
    /// Held by the one running change, from reading the state before it until it is complete.
    pub(super) changing: Mutex<()>,
}

impl Releases {
    pub(super) fn state(&self) -> Arc<State> {
        self.inner.state.load_full()
    }

    /// Runs a change to its end, on a thread that may block, also when its client goes away.
    pub(super) async fn to_the_end<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, DeployError>> + Send + 'static,
    ) -> Result<T, DeployError> {
        let (send, done) = oneshot::channel();
        self.inner.tasks.spawn("change of releases", async move {
            let changed = blocking_future(change).await;
            let _unheard = send.send(changed.map_err(DeployError::from).flatten());
        });
        done.await?
    }

    /// Runs the change that `plan` creates from the current state, and returns the second result of `plan`.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        plan: impl FnOnce(&Inner, &Arc<State>) -> Result<(ChangeSet, T), DeployError> + Send + 'static,
    ) -> Result<T, DeployError> {
        let inner = Arc::clone(&self.inner);
        self.to_the_end(async move {
            let _changing = inner.changing.lock().await;
            let (set, told) = plan(&inner, &inner.state.load_full())?;
            inner.run(set).await?;
            Ok(told)
        })
        .await
    }

    /// The services, by name.
    #[must_use]
    pub fn names(&self) -> Vec<ServiceName> {
        self.state().services.keys().cloned().collect()
    }

    /// The lines of the history before the number `before`, newest first.
    ///
    /// # Errors
    ///
    /// [`PlatformError`].
    pub async fn history(
        &self,
        service: Option<ServiceName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, PlatformError> {
        let platform = self.inner.platform.clone();
        let done = self.state().last_line.saturating_add(1);
        let before = Some(before.map_or(done, |before| before.min(done)));
        blocking(move || platform.history(service.as_ref(), before, limit)).await?
    }

    /// Adds a line about `service` to the history, and waits until it is durable.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; no line was added.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end it: it continues in the background.
    pub async fn note(
        &self,
        who: &Holder,
        service: &ServiceName,
        what: ChangeKind,
        reason: String,
    ) -> Result<(), DeployError> {
        let event = NewEntry { reason: Some(reason), ..NewEntry::new(&who.name, service, what) };
        self.change(move |_, state| Ok((ChangeSet::note(state, vec![event]), ()))).await
    }

    /// Keeps a component for a later deploy that names its digest, for at most an hour.
    #[must_use]
    pub fn upload(&self, component: Bytes) -> Digest {
        let digest = Digest::of(&component);
        self.inner.uploads.add(digest, component);
        digest
    }

    /// The component `digest`: either uploaded before, or of a kept release.
    ///
    /// # Errors
    ///
    /// [`DeployError::NoComponent`], when it is neither.
    pub fn component(&self, digest: &Digest) -> Result<Bytes, DeployError> {
        self.inner.component(digest)
    }
}

impl PinnedReleases for Releases {
    fn table(&self, releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>> {
        self.inner.pinned.table(&self.state(), &self.inner.loader, releases)
    }
}

impl Inner {
    pub(super) fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.state.load().manifest)
    }

    /// See [`Releases::component`].
    pub(super) fn component(&self, digest: &Digest) -> Result<Bytes, DeployError> {
        let components = &self.loader.components;
        match self.uploads.get(digest) {
            Some(component) => Ok(component),
            None if components.has(digest) => Ok(components.get_checked(digest)?.into()),
            None => Err(DeployError::NoComponent),
        }
    }

    pub(super) fn unfinished_drops(&self) -> MutexGuard<'_, BTreeSet<ServiceName>> {
        self.unfinished_drops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
