//! Retention: deletes kept answers after the configured time, and memos that no call needs any more.
//!
//! Invariant: a memo stays while its root call can still run, whatever the clock says. This includes calls in flight,
//! open intents of every store on the disk, and calls that `events` may repeat.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::durable_calls::DurableCalls;
use super::kept_answers::EVICT_FROM_PERCENT;
use crate::clock;
use crate::names::CallId;
use crate::observe;
use crate::store::system::{ANSWER_EXPIRIES, ANSWERS, AgedCall, INTENTS, MEMOS, MemoKey};
use crate::store::{CommitDetails, CommitError, Store, StoreError};
use crate::tasks::blocking;

/// Rows per deleting commit.
const PAGE: u32 = 250;

/// Memos that are compared in one step with the calls that may run again.
const MEMOS_AT_ONCE: u32 = 100_000;

/// The time between two passes, at most the time that memos are kept. A pass reads the keys of all old memos.
const EVERY_MIN: Duration = Duration::from_millis(100);
const EVERY_MAX: Duration = Duration::from_secs(30);

/// A difference between the clock and the passed time counts as a jump of the clock only if it is larger.
const CLOCK_JUMP_MIN: Duration = Duration::from_secs(60);

/// Guests' answers are evicted until the table is filled only this far, in hundredths.
const EVICT_TO_PERCENT: u64 = 60;

/// Returns the ids of calls that may run again. Blocks while it reads their keys.
pub(in crate::call) type RepeatableCalls = Arc<dyn Fn() -> Result<HashSet<CallId>, StoreError> + Send + Sync>;

/// Why rows were not deleted. The next pass tries again.
#[derive(Debug, thiserror::Error)]
enum RetentionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Detects jumps of the clock between two passes.
#[derive(Debug)]
struct Watch {
    unix_micros: u64,
    at: Instant,
    /// No answer is deleted before this time.
    answers_from: Instant,
}

impl Watch {
    fn new() -> Self {
        let at = clock::now();
        Self { unix_micros: clock::unix_micros(), at, answers_from: at }
    }

    /// Whether answers may be deleted by their age now. After a jump forward each answer stays for the whole time once
    /// more.
    fn answers_expire(&mut self, unix_micros: u64, at: Instant, answers_kept: Duration) -> bool {
        let passed = Duration::from_micros(unix_micros.saturating_sub(self.unix_micros));
        if passed > at.saturating_duration_since(self.at) + CLOCK_JUMP_MIN {
            tracing::warn!(seconds = passed.as_secs(), "the clock jumped forward: kept answers stay for longer");
            self.answers_from = at + answers_kept;
        }
        (self.unix_micros, self.at) = (unix_micros, at);
        at >= self.answers_from
    }
}

impl DurableCalls {
    /// Deletes unneeded rows repeatedly, until the tasks of the host are stopped. `by_events` returns the ids of the
    /// calls that `events` may repeat.
    pub(in crate::call) async fn run_retention(self: Arc<Self>, by_events: RepeatableCalls) {
        let mut stop = self.tasks.stop();
        let mut watch = Watch::new();
        let every = Duration::from_millis(self.settings.memos_kept_ms).clamp(EVERY_MIN, EVERY_MAX);
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = tokio::time::sleep(every) => {}
                () = self.full.notified() => tokio::time::sleep(EVERY_MIN).await,
            }
            if !self.has_stopped() {
                self.pass(&mut watch, &by_events).await;
            }
        }
    }

    async fn pass(self: &Arc<Self>, watch: &mut Watch, by_events: &RepeatableCalls) {
        let settings = &self.settings;
        let micros_before = |now: u64, ms: u64| now.saturating_sub(ms.saturating_mul(1_000));
        let services: Vec<_> = {
            let routing = self.current.load();
            routing.live().backends().map(|backend| Arc::clone(&backend.service)).collect()
        };
        let now = self.begins_at();
        let expire = watch.answers_expire(now, clock::now(), Duration::from_millis(settings.answers_kept_ms));
        let (durable, by_events) = (Arc::clone(self), Arc::clone(by_events));
        let repeatable: RepeatableCalls = Arc::new(move || durable.repeatable_calls(&*by_events));
        for service in services {
            let store = service.store();
            let bytes_max = ANSWERS.bytes_max(service.limits().kept_bytes_max);
            let mut deleted = delete_memos(store, micros_before(now, settings.memos_kept_ms), &repeatable).await;
            if deleted.is_ok() && expire {
                deleted = delete_answers(store, micros_before(now, settings.answers_kept_ms)).await;
            }
            if deleted.is_ok() {
                let evicted = evict_guests(store, bytes_max).await;
                if matches!(evicted, Ok(true))
                    && self.may_log("the table of kept answers is nearly full", service.name())
                {
                    tracing::warn!(service = %service.name(), "the table of kept answers is nearly full: the oldest \
                        guests' answers are deleted");
                }
                deleted = evicted.map(drop);
            }
            observe::kept_answers::take(service.name(), store.usage(&ANSWERS).bytes, bytes_max);
            match deleted {
                // The host as a whole reports this.
                Ok(()) | Err(RetentionError::Commit(CommitError::Stopped(_))) => {}
                Err(error) => {
                    if self.may_log("old rows of calls cannot be deleted", service.name()) {
                        tracing::warn!(service = %service.name(), %error, "old rows of calls cannot be deleted");
                    }
                }
            }
        }
    }

    /// The root calls that may run again: those in flight, those with an open intent (also of removed services), and
    /// those of `by_events`.
    fn repeatable_calls(
        &self,
        by_events: &(dyn Fn() -> Result<HashSet<CallId>, StoreError> + Send + Sync),
    ) -> Result<HashSet<CallId>, StoreError> {
        let mut ids = self.in_flight.ids();
        for store in self.stores.all() {
            ids.extend(store.row_keys(&INTENTS, .., u32::MAX)?);
        }
        ids.extend(by_events()?);
        Ok(ids)
    }
}

/// Deletes the memos of root calls that began before `before` and are not `repeatable`.
async fn delete_memos(store: &Store, before: u64, repeatable: &RepeatableCalls) -> Result<(), RetentionError> {
    let mut after = Bound::Unbounded;
    loop {
        let (from, repeatable) = (store.clone(), Arc::clone(repeatable));
        let read = move || {
            // Read the memos before the set of calls: a call that begins later has no memo among them.
            let memos = from.row_keys(&MEMOS, (after, Bound::Excluded(MemoKey::first_of(before))), MEMOS_AT_ONCE)?;
            let needed = if memos.is_empty() { HashSet::new() } else { repeatable()? };
            Ok::<_, StoreError>((memos, needed))
        };
        let read = blocking(read).await;
        let (memos, needed) = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let Some(last) = memos.last() else { return Ok(()) };
        after = Bound::Excluded(*last);
        let unneeded: Vec<_> = memos.iter().filter(|memo| !needed.contains(&memo.root)).collect();
        for some in unneeded.chunks(PAGE as usize) {
            let mut transaction = store.begin();
            some.iter().for_each(|memo| transaction.write_row(MEMOS.delete(memo)));
            transaction.commit(CommitDetails::OF_THE_HOST).await?;
        }
    }
}

/// Deletes the answers to requests that began before `before`.
async fn delete_answers(store: &Store, before: u64) -> Result<(), RetentionError> {
    delete_answers_where(store, AgedCall::first_of(before), |_| true, || false).await
}

/// Deletes guests' answers, oldest first, when the answers take most of their budget. False when they do not.
async fn evict_guests(store: &Store, bytes_max: u64) -> Result<bool, RetentionError> {
    let takes_more = |percent: u64| store.usage(&ANSWERS).bytes > bytes_max / 100 * percent;
    if !takes_more(EVICT_FROM_PERCENT) {
        return Ok(false);
    }
    let end = AgedCall::first_of(u64::MAX);
    let before = store.usage(&ANSWERS).rows;
    delete_answers_where(store, end, |value| value == [1], || !takes_more(EVICT_TO_PERCENT)).await?;
    observe::kept_answers::evicted(store.name(), before.saturating_sub(store.usage(&ANSWERS).rows));
    Ok(true)
}

/// Deletes the answers before `end` whose expiries have `wanted` values, oldest first, until all are deleted or
/// `is_enough`.
async fn delete_answers_where(
    store: &Store,
    end: AgedCall,
    wanted: impl Fn(&[u8]) -> bool,
    is_enough: impl Fn() -> bool,
) -> Result<(), RetentionError> {
    let mut after = Bound::Unbounded;
    while !is_enough() {
        let mut transaction = store.begin();
        // Deleted rows stay in the index for a while: a scan from the start would read them again.
        let page = transaction.scan_rows(&ANSWER_EXPIRIES, (after, Bound::Excluded(end)), PAGE)?;
        let Some((last, _)) = page.rows.last() else { return Ok(()) };
        after = Bound::Excluded(*last);
        for (key, _) in page.rows.iter().filter(|(_, value)| wanted(value)) {
            transaction.write_row(ANSWERS.delete(&key.call));
            transaction.write_row(ANSWER_EXPIRIES.delete(key));
        }
        transaction.commit(CommitDetails::OF_THE_HOST).await?;
        if !page.more {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
