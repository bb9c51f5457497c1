//! Retention: deletes kept answers after the configured time, and memos that no call needs any more.
//!
//! Invariant: a memo stays while a call that may need it can still run, whatever the clock says: calls in flight, open
//! intents of every store on the disk, and what `events` may deliver again.

use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::durable_calls::DurableCalls;
use super::recovery::stored_intents;
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::store::system::{ANSWER_EXPIRIES, ANSWERS, AgedCall, MEMOS, Table};
use crate::store::{CommitDetails, CommitError, Store, StoreError};

/// Rows that one commit deletes.
const PAGE: u32 = 250;

/// The time between two passes.
const EVERY: Duration = Duration::from_secs(30);

/// The largest difference between the clock and the time that has passed that is no jump of the clock.
const CLOCK_JUMP_MIN: Duration = Duration::from_secs(60);

/// Guests' answers are evicted from this fill of the table on, in percent, down to the other.
const EVICT_FROM_PERCENT: u64 = 80;
const EVICT_TO_PERCENT: u64 = 60;

/// Why rows were not deleted. The next pass tries again.
#[derive(Debug, thiserror::Error)]
enum RetentionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Recognizes jumps of the clock between two passes.
#[derive(Debug)]
struct Watch {
    unix_micros: u64,
    at: Instant,
    /// No answer is deleted before then.
    answers_from: Instant,
}

impl Watch {
    fn new() -> Self {
        let at = clock::now();
        Self { unix_micros: clock::unix_micros(), at, answers_from: at }
    }

    /// Whether answers may be deleted by their age now. After a jump forward each stays for the whole time once more.
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
    /// Deletes rows that nobody needs, again and again, until the tasks of the host are stopped. `needed` is when the
    /// oldest call began that `events` may make again, in microseconds since the Unix epoch.
    pub(in crate::call) async fn run_retention(self: Arc<Self>, needed: impl Fn() -> Option<u64> + Send + Sync) {
        let mut stop = self.tasks.stop();
        let mut watch = Watch::new();
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if !self.has_stopped() {
                self.pass(&mut watch, &needed).await;
            }
        }
    }

    async fn pass(&self, watch: &mut Watch, needed: &(impl Fn() -> Option<u64> + Send + Sync)) {
        let settings = &self.settings;
        let micros_before = |now: u64, ms: u64| now.saturating_sub(ms.saturating_mul(1_000));
        let services: Vec<_> = {
            let routing = self.current.load();
            routing.live().backends().map(|backend| Arc::clone(&backend.service)).collect()
        };
        let now = self.begins_at();
        let expire = watch.answers_expire(now, clock::now(), Duration::from_millis(settings.answers_kept_ms));
        for service in services {
            // For each store anew: a pass over all takes a while.
            let old = micros_before(now, settings.memos_kept_ms);
            let memos_before = self.memos_needed_since(needed()).map_or(old, |since| since.min(old));
            let store = service.store();
            let mut deleted = delete_before(store, &MEMOS, memos_before).await;
            if deleted.is_ok() && expire {
                deleted = delete_before(store, &ANSWER_EXPIRIES, micros_before(now, settings.answers_kept_ms)).await;
            }
            if deleted.is_ok() {
                deleted = evict_guests(store, ANSWERS.bytes_max(service.limits().kept_bytes_max)).await;
            }
            match deleted {
                // The host as a whole reports this.
                Ok(()) | Err(RetentionError::Commit(CommitError::Stopped(_))) => {}
                Err(error) => tracing::warn!(service = %service.name(), %error, "old rows of calls cannot be deleted"),
            }
        }
    }

    /// When the oldest call began that may run again; the beginning of time where that cannot be found out.
    fn memos_needed_since(&self, by_events: Option<u64>) -> Option<u64> {
        // The stores of removed services: their intents go on when the service comes back.
        let detached = self.stores.kept().into_iter().filter_map(|kept| self.stores.kept_store(&kept.service));
        let detached = detached.filter_map(|store| oldest_intent(&store));
        let known = [self.in_flight.oldest(), self.intents.oldest(), by_events];
        known.into_iter().flatten().chain(detached).min()
    }
}

fn oldest_intent(store: &Store) -> Option<u64> {
    match stored_intents(store) {
        Ok(intents) => intents.iter().map(|intent| intent.time_unix_micros).min(),
        Err(error) => {
            let service: &ServiceName = store.name();
            tracing::error!(%service, %error, "no memo is deleted: the intents of a removed service cannot be read");
            Some(0)
        }
    }
}

/// Deletes all rows of calls that began before `before`; with an expiry its answer.
async fn delete_before(store: &Store, table: &Table<AgedCall>, before: u64) -> Result<(), RetentionError> {
    let end = AgedCall::first_of(before);
    delete_rows(store, table, end, |_| true, || false).await
}

/// Deletes guests' answers, oldest first, when the answers take most of their budget.
async fn evict_guests(store: &Store, bytes_max: u64) -> Result<(), RetentionError> {
    let takes_more = |percent: u64| store.usage(&ANSWERS).bytes > bytes_max / 100 * percent;
    if !takes_more(EVICT_FROM_PERCENT) {
        return Ok(());
    }
    tracing::warn!(service = %store.name(), "answers take most of their room: the oldest ones of guests are evicted");
    let end = AgedCall::first_of(u64::MAX);
    delete_rows(store, &ANSWER_EXPIRIES, end, |value| value == [1], || !takes_more(EVICT_TO_PERCENT)).await
}

/// Deletes the rows before `end` whose values are `wanted`, oldest first, until all are deleted or `is_enough`.
async fn delete_rows(
    store: &Store,
    table: &Table<AgedCall>,
    end: AgedCall,
    wanted: impl Fn(&[u8]) -> bool,
    is_enough: impl Fn() -> bool,
) -> Result<(), RetentionError> {
    let mut after = Bound::Unbounded;
    while !is_enough() {
        let mut transaction = store.begin();
        // Deleted rows stay in the index for a while: a scan from the start would read them again.
        let page = transaction.scan_rows(table, (after, Bound::Excluded(end)), PAGE)?;
        let Some((last, _)) = page.rows.last() else { return Ok(()) };
        after = Bound::Excluded(*last);
        for (key, _) in page.rows.iter().filter(|(_, value)| wanted(value)) {
            if table.id() == ANSWER_EXPIRIES.id() {
                transaction.write_row(ANSWERS.delete(&key.call));
            }
            transaction.write_row(table.delete(key));
        }
        // A commit of the host, which no call made.
        transaction.commit(CommitDetails { call: CallId([0; 16]), data_version: None }).await?;
        if !page.more {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
