//! Recovery: root calls that failed or were interrupted after an effect elsewhere run again with their own ids until
//! they end. Memos answer the nested calls that were already done.
//!
//! Invariant: at most one run of a call is active at a time, and none after the commit that ended the call. The
//! client's key stays claimed until then.

use std::ops::Bound;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use super::claims::ClaimResult;
use super::durable_calls::DurableCalls;
use super::intent::{Intent, UnreadableIntent};
use super::root_persistence::RootPersistence;
use crate::call::engine::answer::{Answer, CallError};
use crate::call::engine::call::{Call, panic_message};
use crate::call::engine::root::{Root, RootDetails};
use crate::call::routing::{Backend, Origin, RoutingTable};
use crate::clock;
use crate::contract::Function;
use crate::names::{Digest, ServiceName};
use crate::observe::traces::ParentSpan;
use crate::store::system::INTENTS;
use crate::store::{Store, StoreError};
use crate::tasks::blocking;

/// Intents of a store that are read in one step.
const PAGE: u32 = 100;

/// The longest wait for the next intent.
const IDLE: Duration = Duration::from_secs(3600);

/// Why the open intents of a store cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("cannot read the store of {service}")]
    Store { service: ServiceName, source: StoreError },
    #[error(
        "the store of {service} has an intent that cannot be read: it is of a later version of switchyard, or damaged"
    )]
    Intent { service: ServiceName, source: UnreadableIntent },
}

/// The releases that are kept for open intents although they are not live.
pub trait PinnedReleases: Send + Sync {
    /// The services with these releases, if they can still run on the current data. May block.
    fn table(&self, releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>>;
}

impl DurableCalls {
    /// Finds the open intents in `store`, before its service is called.
    pub(in crate::call) fn find_intents_in(&self, store: &Store) -> Result<usize, FindError> {
        let found = stored_intents(store)?;
        let count = found.len();
        for intent in found {
            let claim = intent.key.as_ref().and_then(|key| match self.claims.claim(key) {
                Ok(ClaimResult::Granted(claim)) => Some(claim),
                Ok(ClaimResult::Running(_)) | Err(_) => None,
            });
            let _nobody_waits = self.intents.add(intent, claim, None);
        }
        Ok(count)
    }

    /// Runs the calls of open intents until the tasks of the host are stopped, or the journal has stopped.
    pub(in crate::call) async fn recover(self: Arc<Self>, pinned: Arc<dyn PinnedReleases>) {
        let mut stop = self.tasks.stop();
        while !self.has_stopped() {
            let changed = self.intents.changed();
            let (due, next) = self.intents.take_due(self.settings.intents_at_once);
            for intent in due {
                let (durable, pinned) = (Arc::clone(&self), Arc::clone(&pinned));
                self.tasks.spawn("intent", async move { durable.go_on(&intent, pinned).await });
            }
            let next = next.unwrap_or_else(|| clock::now() + IDLE);
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = changed => {}
                () = tokio::time::sleep_until(next.into()) => {}
            }
        }
        // The supervisor would treat an early end as a failure. The next start continues the intents.
        stop.wait().await;
    }

    async fn go_on(self: &Arc<Self>, intent: &Arc<Intent>, pinned: Arc<dyn PinnedReleases>) {
        let (service, function, id) = (&intent.service, &intent.function, intent.id());
        let run = AssertUnwindSafe(self.run_again(intent, pinned)).catch_unwind().await;
        let result = run.unwrap_or_else(|panic| {
            if self.may_log("the host panicked in a recovery", service) {
                let panic = panic_message(&*panic);
                tracing::error!(%service, %function, %id, panic, "the host panicked in a recovery");
            }
            Err(CallError::Failed { service: service.clone() })
        });
        if let Err(error) = &result
            && self.may_log("a run of an open intent failed", service)
        {
            tracing::warn!(%service, %function, %id, %error, "a run of an open intent failed; the host runs it again");
        }
        let settings = &self.settings;
        let delay = |attempts: u32| {
            let doubled = settings.intent_retry_ms_min.saturating_mul(1 << attempts.min(20).saturating_sub(1));
            Duration::from_millis(doubled.min(settings.intent_retry_ms_max))
        };
        self.intents.has_run(id, result, delay);
    }

    /// Runs the call of `intent` once more; its answer is durable.
    async fn run_again(
        self: &Arc<Self>,
        intent: &Arc<Intent>,
        pinned: Arc<dyn PinnedReleases>,
    ) -> Result<Answer, CallError> {
        let unavailable = |why| CallError::unavailable(&intent.service, why);
        self.check_running()?;
        let table = self.table_for(intent, pinned).await?;
        let backend = table.backend(&intent.service).cloned().ok_or_else(|| unavailable("no such service"))?;
        let row = backend.service.store.get_row(&INTENTS, &intent.id());
        if row.map_err(|_| unavailable("its store cannot be read"))?.is_none() {
            // The commit that ended the call deleted the row, and then the host panicked.
            let ended = CallError::Failed { service: intent.service.clone() };
            self.intents.end(intent.id(), &Err(ended.clone()));
            return Err(ended);
        }
        let function =
            exported(&backend, intent).ok_or_else(|| unavailable("its contract has no such function any more"))?;
        let arguments = intent.arguments(&function);
        let arguments = arguments.map_err(|_| unavailable("its contract now has other parameters"))?;
        let request = intent.request().map_err(|_| unavailable("the intent cannot be read"))?;
        let details = RootDetails {
            service: intent.service.clone(),
            function,
            arguments: arguments.into(),
            identity: intent.identity.clone(),
            calling_service: intent.calling_service.clone(),
            request,
            seed: intent.seed,
            time_unix_micros: intent.time_unix_micros,
            client: None,
            may_have_run: true,
            span: ParentSpan::none(),
            takes_body: false,
        };
        let root = Root::new(table, details, RootPersistence::of_intent(self, intent), &self.instances, intent.reached);
        let ended = Call::root(&root, &backend).execute().await;
        self.wait_durable(&root).await?;
        ended.map(|ended| ended.answer)
    }

    /// The releases that `intent` continues on: its original ones, if its settings say so and they can run.
    async fn table_for(
        &self,
        intent: &Arc<Intent>,
        pinned: Arc<dyn PinnedReleases>,
    ) -> Result<Arc<RoutingTable>, CallError> {
        let (current, routing) = (&self.current, Arc::clone(&self.current.load()));
        let began_with = match routing.with_releases(&intent.releases) {
            _ if intent.on_live => None,
            Some(table) => Some(Arc::clone(table)),
            None if self.settings.intents_keep_releases => {
                let intent = Arc::clone(intent);
                let found = blocking(move || pinned.table(&intent.releases)).await;
                // If the search panicked, the call continues on the live releases.
                found.unwrap_or(None).inspect(|table| current.add_table(table))
            }
            None => None,
        };
        let service = &intent.service;
        let begun = match began_with {
            Some(table) => current.begin_on(table, &routing, service).await,
            None => current.begin(&routing, intent.identity.as_ref(), Origin::HOST, (service, false)).await,
        };
        begun.map_err(|why| CallError::not_begun(service, why))
    }
}

/// The open intents in `store`.
fn stored_intents(store: &Store) -> Result<Vec<Intent>, FindError> {
    let service = store.name();
    let mut transaction = store.begin_read();
    let (mut intents, mut after) = (Vec::new(), Bound::Unbounded);
    loop {
        let page = transaction.scan_rows(&INTENTS, (after, Bound::Unbounded), PAGE);
        let page = page.map_err(|source| FindError::Store { service: service.clone(), source })?;
        for (_, value) in &page.rows {
            let intent = Intent::decode(value);
            intents.push(intent.map_err(|source| FindError::Intent { service: service.clone(), source })?);
        }
        match page.rows.last() {
            Some((last, _)) if page.more => after = Bound::Excluded(*last),
            _ => break,
        }
    }
    intents.iter_mut().for_each(|intent| intent.reached = transaction.saw());
    Ok(intents)
}

/// The function of `intent`, as its service exports it now.
fn exported(backend: &Backend, intent: &Intent) -> Option<Arc<Function>> {
    let mut functions = backend.release.world.exports.iter().flat_map(|interface| &interface.functions);
    functions.find(|function| intent.is_of(function)).cloned()
}
