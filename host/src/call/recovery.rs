//! Going on with root calls that had begun something elsewhere when they failed, or when the host ended: each is made
//! again under its own id until it ends, and memos turn what was done into answers.
//!
//! Invariant: of the runs of one call there is never more than one at a time; and its client's key is taken until its end.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{Answer, CallError};
use super::execute::Call;
use super::intent::{Intent, UnreadableIntent};
use super::oversight::close;
use super::request_key::Claimed;
use super::root::Root;
use super::table::{Backend, RoutingTable};
use super::{Calls, Inner, Origin};
use crate::clock;
use crate::contract::Function;
use crate::names::{Digest, ServiceName};
use crate::store::system::INTENTS;
use crate::store::{CommitError, Store, StoreError};

/// How many intents are read of a store at once at the start.
const PAGE: u32 = 100;

/// How long nothing is due, where nobody says that something is.
const IDLE: Duration = Duration::from_secs(3600);

/// Why the intents of a start cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("cannot read the store of {service}")]
    Store { service: ServiceName, source: StoreError },
    #[error(
        "the store of {service} has an intent that cannot be read: it is of a later version of switchyard, or damaged"
    )]
    Intent { service: ServiceName, source: UnreadableIntent },
}

/// Which releases an intent goes on with.
pub trait PinnedReleases: Send + Sync {
    /// The services with these releases, if they can still be run on the data as it is. May block.
    fn table(&self, releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>>;
}

impl Calls {
    /// Finds the intents that were open when the host ended. Before anything is served.
    ///
    /// # Errors
    ///
    /// [`FindError`] when a store cannot be read.
    pub fn find_intents(&self) -> Result<usize, FindError> {
        let routing = self.inner.routing.load();
        routing.live().backends().map(|backend| self.find_intents_in(backend.service.store())).sum()
    }

    /// Finds the intents that were left in the store of a service that comes back. Before anybody calls it.
    ///
    /// # Errors
    ///
    /// [`FindError`] when the store cannot be read.
    pub fn find_intents_in(&self, store: &Store) -> Result<usize, FindError> {
        let found = stored(store)?;
        let count = found.len();
        for intent in found {
            let claim = intent.key.as_ref().and_then(|key| match self.inner.under_way.claim(key) {
                Ok(Claimed::Yes(claim)) => Some(claim),
                Ok(Claimed::Running(_)) | Err(_) => None,
            });
            let _nobody_waits = self.inner.intents.add(intent, claim, None);
        }
        Ok(count)
    }

    /// Goes on with intents, until the tasks of the host are stopped. `earlier` has the releases that are not live.
    pub async fn recover(self, earlier: Arc<dyn PinnedReleases>) {
        let mut stop = self.inner.tasks.stop();
        loop {
            let changed = self.inner.intents.changed();
            let (due, next) = self.inner.intents.take_due(self.inner.settings.intents_at_once);
            for intent in due {
                let (calls, earlier) = (self.clone(), Arc::clone(&earlier));
                self.inner.tasks.spawn("intent", async move { calls.go_on(&intent, earlier).await });
            }
            let next = next.unwrap_or_else(|| clock::now() + IDLE);
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = changed => {}
                () = tokio::time::sleep_until(next.into()) => {}
            }
        }
    }

    async fn go_on(&self, intent: &Arc<Intent>, earlier: Arc<dyn PinnedReleases>) {
        let result = self.inner.make_again(intent, earlier).await;
        if let Err(error) = &result {
            let (service, function, request) = (&intent.service, &intent.function, intent.id());
            tracing::warn!(%service, %function, id = ?request, %error, "a call that was begun did not end");
        }
        let settings = &self.inner.settings;
        let delay = |attempts: u32| {
            let doubled = settings.intent_retry_ms_min.saturating_mul(1 << attempts.min(20).saturating_sub(1));
            Duration::from_millis(doubled.min(settings.intent_retry_ms_max))
        };
        self.inner.intents.ran(intent.id(), result, delay);
    }
}

fn stored(store: &Store) -> Result<Vec<Intent>, FindError> {
    let service = store.name();
    let mut transaction = store.begin_read();
    let (mut intents, mut after) = (Vec::new(), Bound::Unbounded);
    loop {
        let page = transaction
            .scan_rows(&INTENTS, (after, Bound::Unbounded), PAGE)
            .map_err(|source| FindError::Store { service: service.clone(), source })?;
        for (_, value) in &page.rows {
            let intent = Intent::decode(value);
            intents.push(intent.map_err(|source| FindError::Intent { service: service.clone(), source })?);
        }
        match page.rows.last() {
            Some((last, _)) if page.more => after = Bound::Excluded(*last),
            _ => return Ok(intents),
        }
    }
}

impl Inner {
    /// Closes the intent of a call that failed without an effect: there is nothing to finish.
    pub(super) async fn close(&self, root: &Root, backend: &Backend) -> Result<(), CommitError> {
        close(&backend.service.store, root.id()).await.map(|number| root.reach(number))
    }

    /// One more run of the call of `intent`; what it answers is durable.
    async fn make_again(&self, intent: &Arc<Intent>, earlier: Arc<dyn PinnedReleases>) -> Result<Answer, CallError> {
        let unfit = |why| CallError::unavailable(&intent.service, why);
        let table = self.begin_again(intent, earlier).await?;
        let backend = table.backend(&intent.service).cloned().ok_or_else(|| unfit("no such service"))?;
        let function = exported(&backend, intent).ok_or_else(|| unfit("its contract has no such function any more"))?;
        let arguments = intent.arguments(&function).map_err(|_| unfit("its contract takes other arguments now"))?;
        let request = intent.request().map_err(|_| unfit("the intent cannot be read"))?;
        let entries = intent.entries.clone();
        let root = Arc::new(Root::of_intent(intent, table, function, arguments, request, entries));
        let ended = Call::root(&root, &backend).execute().await;
        self.stores.wait_durable(root.reached()).await?;
        ended.map(|ended| ended.answer)
    }

    /// The releases that `intent` goes on with: those that it began with, where the settings say so and they can be run.
    async fn begin_again(
        &self,
        intent: &Arc<Intent>,
        earlier: Arc<dyn PinnedReleases>,
    ) -> Result<Arc<RoutingTable>, CallError> {
        let routing = self.routing.load_full();
        let began_with = match routing.with_releases(&intent.releases) {
            _ if intent.on_live => None,
            Some(table) => Some(Arc::clone(table)),
            None if self.settings.intents_keep_releases => {
                let intent = Arc::clone(intent);
                let found = tokio::task::spawn_blocking(move || earlier.table(&intent.releases)).await;
                // Who looked for them panicked, which is no reason to leave the call as it is.
                found.unwrap_or(None).inspect(|table| self.past.add_table(table))
            }
            None => None,
        };
        match began_with {
            Some(table) => self.begin_on(table, &routing, &intent.service).await,
            None => self.begin(&routing, intent.identity.as_ref(), Origin::HOST, &intent.service).await,
        }
    }
}

/// The function of `intent`, as its service exports it now.
fn exported(backend: &Backend, intent: &Intent) -> Option<Arc<Function>> {
    let mut functions = backend.release.world.exports.iter().flat_map(|interface| &interface.functions);
    functions.find(|function| intent.is_of(function)).cloned()
}
