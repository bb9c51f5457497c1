//! Going on with root calls that had begun something elsewhere when they failed, or when the host ended: each is made
//! again under its own id until it ends, and memos turn what was done into answers.
//!
//! Invariant: of the runs of one call there is never more than one at a time; and its client's key is taken until its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{Notify, oneshot};

use super::answer::{Answer, CallError};
use super::directory::{Directory, Member};
use super::execute::Call;
use super::intent::{Intent, UnreadableIntent};
use super::kept;
use super::request_key::{Claim, Claimed};
use super::root::Root;
use super::{Calls, Inner, Origin};
use crate::clock;
use crate::contract::Function;
use crate::names::{CallId, Digest, Number, ServiceName};
use crate::store::{CommitDetails, CommitError, Store, StoreError};

/// How many intents are read of a store at once at the start.
const PAGE: u32 = 100;

/// The intents that wait to be gone on with.
#[derive(Debug, Default)]
pub(super) struct Intents {
    waiting: Mutex<BTreeMap<CallId, Waiting>>,
    /// Told when one may be due earlier than was known.
    changed: Notify,
}

#[derive(Debug)]
struct Waiting {
    intent: Arc<Intent>,
    attempts: u32,
    last_error: Option<String>,
    due: Instant,
    runs: bool,
    _claim: Option<Claim>,
    told: Vec<oneshot::Sender<Result<Answer, CallError>>>,
}

/// An open intent, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentView {
    pub id: String,
    pub service: ServiceName,
    pub function: String,
    /// The request that its call began with.
    pub request: String,
    /// In microseconds since the Unix epoch.
    pub begun_at: u64,
    /// How often it was made again.
    pub attempts: u32,
    pub last_error: Option<String>,
    pub running: bool,
    /// How long until it is made again, in milliseconds.
    pub due_in_ms: u64,
}

/// Why an intent was not done with as told.
#[derive(Debug, thiserror::Error)]
pub enum IntentError {
    #[error("no intent with this id is open")]
    Unknown,
    #[error("its call runs right now: try again when it has ended")]
    Running,
    #[error("its service {service} is not there")]
    NoService { service: ServiceName },
    #[error(transparent)]
    Commit(#[from] CommitError),
}

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
pub trait Earlier: Send + Sync {
    /// The services with these releases, if they can still be run on the data as it is. May block.
    fn directory(&self, releases: &[(ServiceName, Digest)]) -> Option<Arc<Directory>>;
}

impl Intents {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<CallId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call of `intent` did not end. Who asks is told when it does.
    pub(super) fn add(
        &self,
        intent: Intent,
        claim: Option<Claim>,
        error: Option<&CallError>,
    ) -> oneshot::Receiver<Result<Answer, CallError>> {
        let (tell, told) = oneshot::channel();
        let last_error = error.map(ToString::to_string);
        let (id, due) = (intent.id(), clock::now());
        let intent = Arc::new(intent);
        let waiting = Waiting { intent, attempts: 0, last_error, due, runs: false, _claim: claim, told: vec![tell] };
        self.lock().insert(id, waiting);
        self.changed.notify_one();
        told
    }

    /// The intents that are due, which run from now on; at most `max`. And when the next one is due.
    fn take_due(&self, max: usize) -> (Vec<Arc<Intent>>, Option<Instant>) {
        let now = clock::now();
        let mut waiting = self.lock();
        let due = waiting.values_mut().filter(|waiting| !waiting.runs && waiting.due <= now).take(max);
        let taken = due.map(|waiting| {
            waiting.runs = true;
            Arc::clone(&waiting.intent)
        });
        let taken = taken.collect();
        (taken, waiting.values().filter(|waiting| !waiting.runs).map(|waiting| waiting.due).min())
    }

    /// What came of a run.
    fn ran(&self, id: CallId, result: Result<Answer, CallError>, delay: impl Fn(u32) -> Duration) {
        let mut all = self.lock();
        match result {
            Ok(answer) => {
                let ended = all.remove(&id);
                drop(all);
                for tell in ended.into_iter().flat_map(|ended| ended.told) {
                    // Who waited may have gone.
                    let _unheard = tell.send(Ok(answer.clone()));
                }
            }
            Err(error) => {
                let Some(waiting) = all.get_mut(&id) else { return };
                waiting.attempts += 1;
                waiting.last_error = Some(error.to_string());
                waiting.due = clock::now() + delay(waiting.attempts);
                waiting.runs = false;
            }
        }
        self.changed.notify_one();
    }
}

impl Calls {
    /// Finds the intents that were open when the host ended. Before anything is served.
    ///
    /// # Errors
    ///
    /// [`FindError`] when a store cannot be read.
    pub fn find_intents(&self) -> Result<usize, FindError> {
        let mut count = 0;
        for member in self.inner.routing.load().live().members() {
            for intent in stored(member)? {
                let claim = intent.key.as_ref().and_then(|key| match self.inner.under_way.claim(key) {
                    Ok(Claimed::Yes(claim)) => Some(claim),
                    Ok(Claimed::Running(_)) | Err(_) => None,
                });
                let _nobody_waits = self.inner.intents.add(intent, claim, None);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Goes on with intents, until the tasks of the host are stopped. `earlier` has the releases that are not live.
    pub async fn recover(self, earlier: Arc<dyn Earlier>) {
        let mut stop = self.inner.tasks.stop();
        loop {
            let changed = self.inner.intents.changed.notified();
            let room = self.inner.settings.intents_at_once.saturating_sub(self.running_intents());
            let (due, next) = self.inner.intents.take_due(room);
            for intent in due {
                let (calls, earlier) = (self.clone(), Arc::clone(&earlier));
                self.inner.tasks.spawn("intent", async move { calls.go_on(&intent, earlier).await });
            }
            let next = next.unwrap_or_else(|| clock::now() + Duration::from_secs(3600));
            tokio::select! {
                () = stop.wait() => return,
                () = changed => {}
                () = tokio::time::sleep_until(next.into()), if room > 0 => {}
            }
        }
    }

    fn running_intents(&self) -> usize {
        self.inner.intents.lock().values().filter(|waiting| waiting.runs).count()
    }

    async fn go_on(&self, intent: &Arc<Intent>, earlier: Arc<dyn Earlier>) {
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

    /// The open intents that wait to be gone on with, oldest first.
    #[must_use]
    pub fn intents(&self) -> Vec<IntentView> {
        let now = clock::now();
        let view = |(id, waiting): (&CallId, &Waiting)| IntentView {
            id: format!("{id:?}"),
            service: waiting.intent.service.clone(),
            function: waiting.intent.function.clone(),
            request: waiting.intent.request_text().into(),
            begun_at: waiting.intent.time_unix_micros,
            attempts: waiting.attempts,
            last_error: waiting.last_error.clone(),
            running: waiting.runs,
            due_in_ms: u64::try_from(waiting.due.saturating_duration_since(now).as_millis()).unwrap_or(u64::MAX),
        };
        let mut views: Vec<_> = self.inner.intents.lock().iter().map(view).collect();
        views.sort_by(|one, other| (one.begun_at, &one.id).cmp(&(other.begun_at, &other.id)));
        views
    }

    /// Has an intent made again at once.
    ///
    /// # Errors
    ///
    /// [`IntentError::Unknown`], [`IntentError::Running`].
    pub fn retry_intent(&self, id: &str) -> Result<IntentView, IntentError> {
        {
            let mut all = self.inner.intents.lock();
            let waiting = all.iter_mut().find(|(known, _)| format!("{known:?}") == id);
            let (_, waiting) = waiting.ok_or(IntentError::Unknown)?;
            if waiting.runs {
                return Err(IntentError::Running);
            }
            waiting.due = clock::now();
        }
        self.inner.intents.changed.notify_one();
        self.intents().into_iter().find(|view| view.id == id).ok_or(IntentError::Unknown)
    }

    /// Gives an intent up: its call is not made again, and what it did elsewhere stays as it is.
    ///
    /// # Errors
    ///
    /// [`IntentError`]; then it is still open.
    pub async fn give_up_intent(&self, id: &str) -> Result<IntentView, IntentError> {
        let view = self.intents().into_iter().find(|view| view.id == id).ok_or(IntentError::Unknown)?;
        let call = {
            let mut all = self.inner.intents.lock();
            let waiting = all.iter_mut().find(|(known, _)| format!("{known:?}") == id);
            let (call, waiting) = waiting.ok_or(IntentError::Unknown)?;
            if waiting.runs {
                return Err(IntentError::Running);
            }
            // Nobody begins a run while it is taken away.
            waiting.runs = true;
            *call
        };
        let closed = self.close_intent(&view.service, call).await;
        let mut all = self.inner.intents.lock();
        match closed {
            Ok(()) => {
                all.remove(&call);
                Ok(view)
            }
            Err(error) => {
                all.entry(call).and_modify(|waiting| waiting.runs = false);
                Err(error)
            }
        }
    }

    async fn close_intent(&self, service: &ServiceName, call: CallId) -> Result<(), IntentError> {
        let store = self.inner.routing.load().live().member(service).map(|member| member.service.store.clone());
        let store = store.ok_or_else(|| IntentError::NoService { service: service.clone() })?;
        let number = close(&store, call).await?;
        store.wait_durable(number).await.map_err(CommitError::Stopped)?;
        Ok(())
    }

    /// Whether a call of this function waits to be gone on with.
    #[must_use]
    pub fn has_intent_of(&self, service: &ServiceName, function: &Function) -> bool {
        let same = |intent: &Intent| intent.service == *service && intent.is_of(function);
        self.inner.intents.lock().values().any(|waiting| same(&waiting.intent))
    }

    /// When the oldest of the calls began that wait to be gone on with, in microseconds since the Unix epoch.
    #[must_use]
    pub fn oldest_intent(&self) -> Option<u64> {
        self.inner.intents.lock().values().map(|waiting| waiting.intent.time_unix_micros).min()
    }
}

fn stored(member: &Member) -> Result<Vec<Intent>, FindError> {
    let service = member.service.name();
    let mut transaction = member.service.store.begin_read();
    let (mut intents, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = transaction
            .scan_platform(&kept::intents(), after.as_deref(), PAGE)
            .map_err(|source| FindError::Store { service: service.clone(), source })?;
        for entry in &page.entries {
            let intent = Intent::decode(&entry.value);
            intents.push(intent.map_err(|source| FindError::Intent { service: service.clone(), source })?);
        }
        match page.entries.last() {
            Some(last) if page.more => after = Some(last.key.clone()),
            _ => return Ok(intents),
        }
    }
}

async fn close(store: &Store, call: CallId) -> Result<Number, CommitError> {
    let mut transaction = store.begin();
    transaction.set_platform(kept::intent(call), None);
    transaction.commit(CommitDetails { call, data_version: None }).await
}

impl Inner {
    /// Closes the intent of a call that failed without an effect: there is nothing to finish.
    pub(super) async fn close(&self, root: &Root, member: &Member) -> Result<(), CommitError> {
        close(&member.service.store, root.id()).await.map(|number| root.reach(number))
    }

    /// One more run of the call of `intent`; what it answers is durable.
    async fn make_again(&self, intent: &Arc<Intent>, earlier: Arc<dyn Earlier>) -> Result<Answer, CallError> {
        let unfit = |why| CallError::unavailable(&intent.service, why);
        let directory = self.begin_again(intent, earlier).await?;
        let member = directory.member(&intent.service).cloned().ok_or_else(|| unfit("no such service"))?;
        let function = exported(&member, intent).ok_or_else(|| unfit("its contract has no such function any more"))?;
        let arguments = intent.arguments(&function).map_err(|_| unfit("its contract takes other arguments now"))?;
        let unreadable = |_| unfit("the intent cannot be read");
        let (request, entries) = (intent.request().map_err(unreadable)?, intent.entries().map_err(unreadable)?);
        let root = Arc::new(Root::of_intent(intent, directory, function, arguments, request, entries));
        let ended = Call::root(&root, &member).execute().await;
        self.stores.wait_durable(root.reached()).await?;
        ended.map(|ended| ended.answer)
    }

    /// The releases that `intent` goes on with: those that it began with, where the settings say so and they can be run.
    async fn begin_again(&self, intent: &Arc<Intent>, earlier: Arc<dyn Earlier>) -> Result<Arc<Directory>, CallError> {
        let routing = self.routing.load_full();
        let began_with = match routing.with_releases(&intent.releases) {
            Some(directory) => Some(Arc::clone(directory)),
            None if self.settings.intents_keep_releases => {
                let intent = Arc::clone(intent);
                let found = tokio::task::spawn_blocking(move || earlier.directory(&intent.releases)).await;
                // Who looked for them panicked, which is no reason to leave the call as it is.
                found.unwrap_or(None).inspect(|directory| self.past.add_directory(directory))
            }
            None => None,
        };
        match began_with {
            Some(directory) => self.begin_on(directory, &routing, &intent.service).await,
            None => self.begin(&routing, intent.identity.as_ref(), Origin::HOST, &intent.service).await,
        }
    }
}

/// The function of `intent`, as its service exports it now.
fn exported(member: &Member, intent: &Intent) -> Option<Arc<Function>> {
    let mut functions = member.release.world.exports.iter().flat_map(|interface| &interface.functions);
    functions.find(|function| intent.is_of(function)).cloned()
}
