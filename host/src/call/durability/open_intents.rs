//! The open intents in memory: by id, by due time, and by the start time of their calls.
//!
//! Invariant: an intent that is taken, to run it or to abandon it, is not due, so that it is taken only once.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::claims::Claim;
use super::intent::Intent;
use crate::call::engine::answer::{Answer, CallError};
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::observe::IntentMetrics;

type Outcome = Result<Answer, CallError>;

#[derive(Debug, Default)]
pub(in crate::call) struct OpenIntents {
    open: Mutex<Open>,
    /// Notified when an intent may be due earlier than expected.
    changed: Notify,
    /// Notified when an intent is closed.
    closed: Notify,
    metrics: IntentMetrics,
}

/// Every operation takes logarithmic time in the number of intents.
#[derive(Debug, Default)]
struct Open {
    all: BTreeMap<CallId, Waiting>,
    /// Intents that are not taken: those that were not repeated yet, and those that were.
    first: BTreeSet<(Instant, CallId)>,
    repeated: BTreeSet<(Instant, CallId)>,
    /// By the start time of their calls, in microseconds since the Unix epoch.
    ages: BTreeSet<(u64, CallId)>,
    taken: usize,
    /// How many of the taken intents were repeated before.
    taken_repeated: usize,
}

#[derive(Debug)]
struct Waiting {
    intent: Arc<Intent>,
    attempts: u32,
    last_error: Option<String>,
    due: Instant,
    is_taken: bool,
    /// Blocks other requests with the client's key.
    claim: Option<Claim>,
    waiters: Vec<oneshot::Sender<Outcome>>,
}

/// An open intent for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentView {
    pub id: CallId,
    pub service: ServiceName,
    pub function: String,
    /// The id of the request that began its call.
    pub request: String,
    /// RFC 3339, in UTC.
    pub begun_at: String,
    /// Milliseconds since `begun_at`.
    pub age_ms: u64,
    /// How many times it was repeated.
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    pub running: bool,
    /// The time until the next repetition, in milliseconds.
    pub due_in_ms: u64,
    /// Whether it continues on the live releases instead of its original ones.
    pub on_live: bool,
}

/// Why an intent cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) enum NotTaken {
    Unknown,
    /// It is already taken.
    Running,
}

impl Open {
    fn queue(&mut self, attempts: u32) -> &mut BTreeSet<(Instant, CallId)> {
        if attempts == 0 { &mut self.first } else { &mut self.repeated }
    }

    fn take(&mut self, id: CallId) -> Result<Arc<Intent>, NotTaken> {
        let waiting = self.all.get_mut(&id).ok_or(NotTaken::Unknown)?;
        if waiting.is_taken {
            return Err(NotTaken::Running);
        }
        waiting.is_taken = true;
        let (due, attempts, intent) = (waiting.due, waiting.attempts, Arc::clone(&waiting.intent));
        self.queue(attempts).remove(&(due, id));
        self.taken += 1;
        self.taken_repeated += usize::from(attempts > 0);
        Ok(intent)
    }

    /// Makes a taken intent wait again, with `attempts`, until `due`.
    fn give_back(&mut self, id: CallId, attempts: u32, due: Instant) -> Option<&mut Waiting> {
        let waiting = self.all.get_mut(&id).filter(|waiting| waiting.is_taken)?;
        self.taken -= 1;
        self.taken_repeated -= usize::from(waiting.attempts > 0);
        (waiting.is_taken, waiting.attempts, waiting.due) = (false, attempts, due);
        self.queue(attempts).insert((due, id));
        self.all.get_mut(&id)
    }

    fn remove(&mut self, id: CallId) -> Option<Waiting> {
        let waiting = self.all.remove(&id)?;
        self.queue(waiting.attempts).remove(&(waiting.due, id));
        self.ages.remove(&(waiting.intent.time_unix_micros, id));
        if waiting.is_taken {
            self.taken -= 1;
            self.taken_repeated -= usize::from(waiting.attempts > 0);
        }
        Some(waiting)
    }

    /// The next intent that may be taken, while at most `at_once` run. A quarter of these places is reserved for calls
    /// that were not repeated yet, so that calls that use up their deadlines again and again do not delay them.
    fn next(&self, at_once: usize) -> Option<(Instant, CallId)> {
        if self.taken >= at_once {
            return None;
        }
        let has_place = at_once == 1 || self.taken_repeated < at_once - at_once.div_ceil(4);
        let repeated = self.repeated.first().filter(|_| has_place);
        [self.first.first(), repeated].into_iter().flatten().min().copied()
    }
}

impl OpenIntents {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when an intent may be due earlier than expected at the time of this call.
    pub(in crate::call) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Resolves when an intent is closed after this call.
    pub(in crate::call) fn closed(&self) -> Notified<'_> {
        self.closed.notified()
    }

    /// Adds `intent`, whose call has not ended. The receiver gets the outcome when it has.
    pub(in crate::call) fn add(
        &self,
        intent: Intent,
        claim: Option<Claim>,
        error: Option<&CallError>,
    ) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let last_error = error.map(ToString::to_string);
        let (id, due, began) = (intent.id(), clock::now(), intent.time_unix_micros);
        let intent = Arc::new(intent);
        let mut open = self.lock();
        match open.all.entry(id) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.claim = known.claim.take().or(claim);
                known.waiters.push(sender);
            }
            Entry::Vacant(place) => {
                let waiters = vec![sender];
                place.insert(Waiting { intent, attempts: 0, last_error, due, is_taken: false, claim, waiters });
                open.first.insert((due, id));
                open.ages.insert((began, id));
            }
        }
        drop(open);
        self.changed.notify_one();
        receiver
    }

    /// Takes due intents while at most `at_once` are taken. Also returns when the next one is due, if there is a place
    /// for it.
    pub(in crate::call) fn take_due(&self, at_once: usize) -> (Vec<Arc<Intent>>, Option<Instant>) {
        let now = clock::now();
        let mut open = self.lock();
        let mut taken = Vec::new();
        loop {
            match open.next(at_once) {
                Some((due, id)) if due <= now => taken.extend(open.take(id)),
                next => return (taken, next.map(|(due, _)| due)),
            }
        }
    }

    /// Takes an intent, due or not.
    pub(in crate::call) fn take(&self, id: CallId) -> Result<Arc<Intent>, NotTaken> {
        self.lock().take(id)
    }

    /// Returns a taken intent, to continue as `intent` says: at once if it is `due`, otherwise at its earlier due time.
    pub(in crate::call) fn give_back(&self, id: CallId, intent: Arc<Intent>, due: bool) {
        {
            let mut open = self.lock();
            let Some((attempts, until)) = open.all.get(&id).map(|waiting| (waiting.attempts, waiting.due)) else {
                return;
            };
            if let Some(waiting) = open.give_back(id, attempts, if due { clock::now() } else { until }) {
                waiting.intent = intent;
            }
        }
        self.changed.notify_one();
    }

    /// Records a run of a taken intent. After an error it is due again after the `delay` for its number of attempts.
    pub(in crate::call) fn has_run(&self, id: CallId, outcome: Outcome, delay: impl Fn(u32) -> Duration) {
        self.metrics.ran(outcome.is_ok());
        match outcome {
            Ok(answer) => self.end(id, &Ok(answer)),
            Err(error) => {
                let mut open = self.lock();
                let attempts = open.all.get(&id).map_or(1, |waiting| waiting.attempts.saturating_add(1));
                if let Some(waiting) = open.give_back(id, attempts, clock::now() + delay(attempts)) {
                    waiting.last_error = Some(error.to_string());
                }
            }
        }
        self.changed.notify_one();
    }

    /// Removes the intent of an ended call. Its waiters get the outcome.
    pub(in crate::call) fn end(&self, id: CallId, outcome: &Outcome) {
        let ended = self.lock().remove(id);
        for waiter in ended.into_iter().flat_map(|ended| ended.waiters) {
            // The waiter may have given up.
            let _gone = waiter.send(outcome.clone());
        }
        self.changed.notify_one();
        self.closed.notify_waiters();
    }

    /// The intents that are `wanted`, oldest first.
    pub(in crate::call) fn views(&self, wanted: impl Fn(&Intent) -> bool) -> Vec<IntentView> {
        let open = self.lock();
        let waiting = open.ages.iter().filter_map(|(_, id)| Some((*id, open.all.get(id)?)));
        waiting.filter(|(_, waiting)| wanted(&waiting.intent)).map(|(id, waiting)| waiting.view(id)).collect()
    }

    pub(in crate::call) fn view(&self, id: CallId) -> Option<IntentView> {
        self.lock().all.get(&id).map(|waiting| waiting.view(id))
    }

    pub(in crate::call) fn any(&self, wanted: impl Fn(&Intent) -> bool) -> bool {
        self.lock().all.values().any(|waiting| wanted(&waiting.intent))
    }

    /// Sets the metrics for the number of intents and their age.
    pub(in crate::call) fn measure(&self) {
        let (count, oldest) = {
            let open = self.lock();
            (open.all.len(), open.ages.first().map(|(began, _)| *began))
        };
        self.metrics.open(count, oldest.map_or(Duration::ZERO, age));
    }
}

impl Waiting {
    fn view(&self, id: CallId) -> IntentView {
        let Intent { service, function, time_unix_micros, on_live, .. } = &*self.intent;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        IntentView {
            id,
            service: service.clone(),
            function: function.clone(),
            request: self.intent.request_text().into(),
            begun_at: clock::rfc_3339_millis(*time_unix_micros),
            age_ms: millis(age(*time_unix_micros)),
            attempts: self.attempts,
            last_error: self.last_error.clone(),
            running: self.is_taken,
            due_in_ms: if self.is_taken { 0 } else { millis(self.due.saturating_duration_since(clock::now())) },
            on_live: *on_live,
        }
    }
}

/// The time since `unix_micros`.
fn age(unix_micros: u64) -> Duration {
    Duration::from_micros(clock::unix_micros().saturating_sub(unix_micros))
}

#[cfg(test)]
mod tests;
