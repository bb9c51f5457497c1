//! Releases: which component each service runs, and how that changes while calls go on.
//!
//! Invariant: one change at a time. It is in the ledger, with its line in the history, before a call begins on it; and
//! of one that fails nothing remains but a line.

mod apply;
mod backup;
mod candidate;
mod change;
mod comings;
mod data;
mod deploy;
mod draft;
mod drop_store;
mod error;
mod files;
mod intents;
mod judge;
mod ledger;
mod load;
mod migrate;
mod note;
mod open;
mod pinned;
mod plan;
mod record;
mod rehearse;
mod scene;
mod state;
mod tokens;
mod uploads;
mod verdict;
mod view;
mod watch;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};

pub use apply::{Applied, Wanted};
pub use backup::BackupError;
pub use deploy::{Deployed, Outcome, Plan, Rollout};
pub use drop_store::StoreView;
pub use error::DeployError;
pub use files::FileError;
pub use judge::Proposal;
pub use ledger::LedgerError;
pub use load::LoadError;
pub(crate) use open::Report;
pub use open::{OpenError, Progress};
pub use plan::{Difference, Differs};
pub use record::{DataVersions, Line, What};
pub use tokens::{Holder, Role, TokenView};
pub use verdict::{Asks, Check, Checked, Verdict};
pub use view::{CandidateView, ReleaseView, ServiceView};

use crate::call::{Calls, Routing};
use crate::clock;
use crate::config::Manifest;
use crate::fail_point::fail_point;
use crate::names::ServiceName;
use crate::observe::SwapPauses;
use crate::store::Stores;
use crate::tasks::Tasks;
use backup::Backups;
use ledger::{Change, Ledger, LedgerError as Error};
use load::Workshop;
use pinned::Chosen;
use record::Event;
use state::{Running, State};
use tokens::TokenRecord;
use uploads::Uploads;

/// The file of the ledger, in the data directory.
const LEDGER_FILE: &str = "platform.redb";

/// The control plane of a host. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Releases {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The data directory.
    data: PathBuf,
    workshop: Workshop,
    ledger: Ledger,
    calls: Calls,
    stores: Stores,
    tasks: Tasks,
    state: ArcSwap<State>,
    tokens: ArcSwap<Vec<TokenRecord>>,
    uploads: Uploads,
    chosen: std::sync::Mutex<Chosen>,
    pauses: SwapPauses,
    backups: Backups,
    /// Held by whoever makes a change, from when it knows what to change until that is done.
    changing: Mutex<()>,
}

impl Releases {
    fn state(&self) -> Arc<State> {
        self.inner.state.load_full()
    }

    /// Runs a change to its end, on a thread that may block: also when whoever asked for it goes away.
    async fn to_the_end<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, DeployError>> + Send + 'static,
    ) -> Result<T, DeployError> {
        let (send, done) = oneshot::channel();
        self.inner.tasks.spawn("change of releases", async move {
            let handle = Handle::current();
            let changed = tokio::task::spawn_blocking(move || handle.block_on(change)).await;
            let _unheard = send.send(changed.map_err(DeployError::from).flatten());
        });
        done.await?
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
    /// [`LedgerError`].
    pub fn history(
        &self,
        service: Option<&ServiceName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Line>, LedgerError> {
        self.inner.ledger.history(service, before, limit)
    }
}

impl Inner {
    fn manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.state.load().manifest)
    }

    /// Makes `next` what runs: in the ledger, with what `tell` adds to it, and then for calls. Whoever calls this holds
    /// `changing`.
    fn make(&self, next: State, has_migrated: bool, events: Vec<Event>) -> Result<(), DeployError> {
        let routing = next.routing()?;
        self.record(&next, events)?;
        fail_point("release.before-swap");
        self.publish(next, routing, has_migrated);
        Ok(())
    }

    /// Makes `next` durable, with lines of the history.
    fn record(&self, next: &State, events: Vec<Event>) -> Result<(), DeployError> {
        let before = self.state.load();
        let mut change = self.ledger.begin()?;
        for (name, record) in next.records() {
            if before.record(name) != Some(record) {
                change.service(name, record)?;
            }
        }
        for (name, _) in before.records().filter(|(name, _)| next.record(name).is_none()) {
            change.remove_service(name)?;
        }
        tell(&mut change, events)?;
        Ok(change.commit()?)
    }

    /// Makes `next` what calls begin on.
    fn publish(&self, next: State, routing: Routing, has_migrated: bool) {
        let routing = routing.after(&self.calls.routing(), has_migrated);
        self.calls.prepare(&routing);
        let began = clock::now();
        self.calls.swap(routing);
        self.pauses.moved(clock::elapsed(began));
        self.state.store(Arc::new(next));
    }

    /// Adds lines to the history, and changes nothing else.
    fn tell(&self, events: Vec<Event>) -> Result<(), Error> {
        let mut change = self.ledger.begin()?;
        tell(&mut change, events)?;
        change.commit()
    }

    /// As [`Inner::make`], with one service as `running` is.
    fn make_one(&self, name: &ServiceName, running: Running, event: Event) -> Result<(), DeployError> {
        let mut next = State::clone(&self.state.load());
        next.services.insert(name.clone(), running);
        self.make(next, false, vec![event])
    }
}

fn tell(change: &mut Change, events: Vec<Event>) -> Result<(), Error> {
    events.into_iter().try_for_each(|event| change.tell(event))
}

fn ledger_path(data: &Path) -> PathBuf {
    data.join(LEDGER_FILE)
}
