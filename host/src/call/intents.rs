//! The intents that wait to be gone on with, in memory: by their ids, by when they are due, and by when they began.
//!
//! Invariant: what is taken, to be run or to be given up, is not among what is due: so nobody else takes it.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::answer::{Answer, CallError};
use super::intent::Intent;
use super::request_key::Claim;
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::observe::IntentMetrics;

type Outcome = Result<Answer, CallError>;

#[derive(Debug, Default)]
pub(super) struct Intents {
    open: Mutex<Open>,
    /// Told when one may be due earlier than was known.
    changed: Notify,
    /// Told, to all who wait for it, when one is open no more.
    closed: Notify,
    metrics: IntentMetrics,
}

/// The open ones. All of its operations take the time of a search, however many there are.
#[derive(Debug, Default)]
struct Open {
    all: BTreeMap<CallId, Waiting>,
    /// Those that nobody has taken.
    due: BTreeSet<(Instant, CallId)>,
    /// By when their calls began, in microseconds since the Unix epoch.
    ages: BTreeSet<(u64, CallId)>,
    taken: usize,
}

#[derive(Debug)]
struct Waiting {
    intent: Arc<Intent>,
    attempts: u32,
    last_error: Option<String>,
    due: Instant,
    is_taken: bool,
    /// Keeps the client's key from being used meanwhile.
    claim: Option<Claim>,
    told: Vec<oneshot::Sender<Outcome>>,
}

/// An open intent, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntentView {
    pub id: CallId,
    pub service: ServiceName,
    pub function: String,
    /// The request that its call began with.
    pub request: String,
    /// RFC 3339, in UTC.
    pub begun_at: String,
    /// Since then, in milliseconds.
    pub age_ms: u64,
    /// How often it was made again.
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    pub running: bool,
    /// How long until it is made again, in milliseconds.
    pub due_in_ms: u64,
    /// Whether it goes on with the live releases, whatever it began with.
    pub on_live: bool,
}

/// Why an intent cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    Unknown,
    /// It is taken by somebody else.
    Taken,
}

impl Open {
    fn take(&mut self, id: CallId) -> Result<Arc<Intent>, NotTaken> {
        let waiting = self.all.get_mut(&id).ok_or(NotTaken::Unknown)?;
        if waiting.is_taken {
            return Err(NotTaken::Taken);
        }
        waiting.is_taken = true;
        self.due.remove(&(waiting.due, id));
        self.taken += 1;
        Ok(Arc::clone(&waiting.intent))
    }

    /// Has what was taken wait again, until `due`.
    fn give_back(&mut self, id: CallId, due: Instant) -> Option<&mut Waiting> {
        let waiting = self.all.get_mut(&id).filter(|waiting| waiting.is_taken)?;
        (waiting.is_taken, waiting.due) = (false, due);
        self.due.insert((due, id));
        self.taken -= 1;
        Some(waiting)
    }

    fn remove(&mut self, id: CallId) -> Option<Waiting> {
        let waiting = self.all.remove(&id)?;
        self.due.remove(&(waiting.due, id));
        self.ages.remove(&(waiting.intent.time_unix_micros, id));
        self.taken -= usize::from(waiting.is_taken);
        Some(waiting)
    }
}

impl Intents {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when one may be due earlier than was known when this was called.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Resolves when one is closed after this was called.
    pub(super) fn closed(&self) -> Notified<'_> {
        self.closed.notified()
    }

    /// The call of `intent` did not end. Who asks is told when it does.
    pub(super) fn add(
        &self,
        intent: Intent,
        claim: Option<Claim>,
        error: Option<&CallError>,
    ) -> oneshot::Receiver<Outcome> {
        let (tell, told) = oneshot::channel();
        let last_error = error.map(ToString::to_string);
        let (id, due, began) = (intent.id(), clock::now(), intent.time_unix_micros);
        let intent = Arc::new(intent);
        let mut open = self.lock();
        match open.all.entry(id) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                known.claim = known.claim.take().or(claim);
                known.told.push(tell);
            }
            Entry::Vacant(place) => {
                let told = vec![tell];
                place.insert(Waiting { intent, attempts: 0, last_error, due, is_taken: false, claim, told });
                open.due.insert((due, id));
                open.ages.insert((began, id));
            }
        }
        drop(open);
        self.changed.notify_one();
        told
    }

    /// Takes what is due, as long as not more than `at_once` are taken. And says when the next one is due: not where
    /// there is no room for it.
    pub(super) fn take_due(&self, at_once: usize) -> (Vec<Arc<Intent>>, Option<Instant>) {
        let now = clock::now();
        let mut open = self.lock();
        let mut taken = Vec::new();
        while open.taken < at_once {
            match open.due.first().copied() {
                Some((due, id)) if due <= now => taken.extend(open.take(id)),
                next => return (taken, next.map(|(due, _)| due)),
            }
        }
        (taken, None)
    }

    /// Takes one, due or not.
    pub(super) fn take(&self, id: CallId) -> Result<Arc<Intent>, NotTaken> {
        self.lock().take(id)
    }

    /// Gives back what was taken, to be gone on with as `intent` says: at once where it is `due`, else when it was due
    /// before.
    pub(super) fn give_back(&self, id: CallId, intent: Arc<Intent>, due: bool) {
        {
            let mut open = self.lock();
            let Some(until) = open.all.get(&id).map(|waiting| waiting.due) else { return };
            if let Some(waiting) = open.give_back(id, if due { clock::now() } else { until }) {
                waiting.intent = intent;
            }
        }
        self.changed.notify_one();
    }

    /// What was taken is closed.
    pub(super) fn remove(&self, id: CallId) {
        let _closed = self.lock().remove(id);
        self.changed.notify_one();
        self.closed.notify_waiters();
    }

    /// What came of a run; after a failure the next one is due after what `delay` says of the number of attempts.
    pub(super) fn ran(&self, id: CallId, result: Outcome, delay: impl Fn(u32) -> Duration) {
        self.metrics.ran(result.is_ok());
        match result {
            Ok(answer) => {
                let ended = self.lock().remove(id);
                for tell in ended.into_iter().flat_map(|ended| ended.told) {
                    // Who waited may have gone.
                    let _unheard = tell.send(Ok(answer.clone()));
                }
                self.closed.notify_waiters();
            }
            Err(error) => {
                let mut open = self.lock();
                let attempts = open.all.get(&id).map_or(1, |waiting| waiting.attempts.saturating_add(1));
                if let Some(waiting) = open.give_back(id, clock::now() + delay(attempts)) {
                    (waiting.attempts, waiting.last_error) = (attempts, Some(error.to_string()));
                }
            }
        }
        self.changed.notify_one();
    }

    /// Those that `wanted` is true of, the oldest first.
    pub(super) fn views(&self, wanted: impl Fn(&Intent) -> bool) -> Vec<IntentView> {
        let open = self.lock();
        let waiting = open.ages.iter().filter_map(|(_, id)| Some((*id, open.all.get(id)?)));
        waiting.filter(|(_, waiting)| wanted(&waiting.intent)).map(|(id, waiting)| waiting.view(id)).collect()
    }

    pub(super) fn view(&self, id: CallId) -> Option<IntentView> {
        self.lock().all.get(&id).map(|waiting| waiting.view(id))
    }

    pub(super) fn any(&self, wanted: impl Fn(&Intent) -> bool) -> bool {
        self.lock().all.values().any(|waiting| wanted(&waiting.intent))
    }

    /// When the oldest of their calls began, in microseconds since the Unix epoch.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.lock().ages.first().map(|(began, _)| *began)
    }

    /// Sets the metrics to how many there are, and how old.
    pub(super) fn measure(&self) {
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

/// How long ago that was.
fn age(unix_micros: u64) -> Duration {
    Duration::from_micros(clock::unix_micros().saturating_sub(unix_micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The intent of a call that began so many microseconds after the Unix epoch.
    fn intent(began: u8) -> Intent {
        let seed = [began; 32];
        let json = format!(
            r#"{{"service":"cart","interface":"a:b/c@1.0.0","function":"f","seed":{seed:?},"time_unix_micros":{began},
                "request":"r","releases":[],"entries":[]}}"#
        );
        Intent::decode(format!("{}\n", json.replace('\n', "")).as_bytes()).expect("an intent")
    }

    fn all(count: u8) -> Intents {
        let intents = Intents::default();
        (1..=count).for_each(|began| drop(intents.add(intent(began), None, None)));
        intents
    }

    fn began(taken: &[Arc<Intent>]) -> Vec<u64> {
        taken.iter().map(|intent| intent.time_unix_micros).collect()
    }

    fn failed() -> Outcome {
        Err(CallError::Failed { service: ServiceName::parse("cart").expect("a name") })
    }

    #[test]
    fn no_more_are_taken_than_may_run_and_the_first_to_be_due_come_first() {
        let intents = all(5);
        let (first, next) = intents.take_due(2);
        assert_eq!((began(&first), next), (vec![1, 2], None), "there is no room for one that comes later");
        assert_eq!(began(&intents.take_due(2).0), [0_u64; 0]);
        intents.ran(intent(1).id(), failed(), |_| Duration::from_secs(3600));
        assert_eq!(began(&intents.take_due(2).0), [3]);
        intents.ran(intent(2).id(), Ok(Answer::Ok(None)), |_| Duration::ZERO);
        let (last, next) = intents.take_due(9);
        assert_eq!(began(&last), [4, 5]);
        assert!(next.is_some_and(|next| next > clock::now() + Duration::from_secs(3000)), "{next:?}");
        let views = intents.views(|_| true);
        let seen = views.iter().map(|view| (view.attempts, view.running)).collect::<Vec<_>>();
        assert_eq!(seen, [(1, false), (0, true), (0, true), (0, true)], "the oldest first");
    }

    #[test]
    fn what_is_taken_is_taken_once_and_given_back_when_it_was_due_or_at_once() {
        let intents = all(1);
        let id = intent(1).id();
        let (_, _) = intents.take_due(1);
        intents.ran(id, failed(), |_| Duration::from_secs(3600));
        let taken = intents.take(id).expect("it waits");
        assert_eq!(intents.take(id), Err(NotTaken::Taken));
        intents.give_back(id, Arc::clone(&taken), false);
        assert_eq!(began(&intents.take_due(1).0), [0_u64; 0], "it is due when it was before");
        intents.take(id).expect("it waits");
        intents.give_back(id, taken, true);
        assert_eq!(began(&intents.take_due(1).0), [1]);
        intents.remove(id);
        assert_eq!((intents.take(id), intents.oldest()), (Err(NotTaken::Unknown), None));
        assert_eq!(began(&intents.take_due(1).0), [0_u64; 0]);
    }

    #[test]
    fn who_asks_twice_for_one_call_is_told_twice_and_it_stays_one() {
        let intents = all(0);
        let mut told = [intents.add(intent(1), None, None), intents.add(intent(1), None, None)];
        assert_eq!((began(&intents.take_due(9).0), intents.views(|_| true).len()), (vec![1], 1));
        intents.ran(intent(1).id(), Ok(Answer::Ok(None)), |_| Duration::ZERO);
        assert!(told.iter_mut().all(|told| matches!(told.try_recv(), Ok(Ok(Answer::Ok(None))))));
    }
}
