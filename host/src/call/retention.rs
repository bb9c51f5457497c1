//! Taking away what was kept of calls for long enough.
//!
//! Invariant: a memo stays for as long as its root call may be made again, and an answer for as long as it was promised.

use std::ops::Bound;
use std::time::Duration;

use super::Calls;
use crate::clock;
use crate::names::{CallId, ServiceName};
use crate::store::system::{ANSWER_EXPIRIES, ANSWERS, AgedCall, MEMOS, RowWrite, Table};
use crate::store::{CommitDetails, CommitError, Store, StoreError};

/// Entries that one commit takes away.
const PAGE: u32 = 250;

/// How often it is looked what may go.
const EVERY: Duration = Duration::from_secs(30);

/// Why something was not taken away. It is tried again the next time.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Calls {
    /// Takes away what was kept for long enough, again and again, until the tasks of the host are stopped. `needed` is
    /// when the oldest call began that others than this part may make again, in microseconds since the Unix epoch.
    pub async fn run_retention(self, needed: impl Fn() -> Option<u64> + Send + Sync) {
        let mut stop = self.inner.tasks.stop();
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let services: Vec<_> = {
                let routing = self.inner.routing.load();
                routing.live().backends().map(|backend| backend.service.store().clone()).collect()
            };
            for store in services {
                if let Err(error) = self.sweep_store(&store, clock::unix_micros(), needed()).await {
                    report(store.name(), &error);
                }
            }
        }
    }

    async fn sweep_store(&self, store: &Store, now: u64, needed: Option<u64>) -> Result<(), SweepError> {
        let settings = &self.inner.settings;
        let answers_before = now.saturating_sub(settings.answers_kept_ms.saturating_mul(1_000));
        take_away(store, &ANSWER_EXPIRIES, answers_before, |expiry| Some(ANSWERS.delete(&expiry.call))).await?;
        // A call that is under way may still fail and be made again.
        let kept_ms = settings.memos_kept_ms.max(2 * self.longest_deadline_ms());
        let old = now.saturating_sub(kept_ms.saturating_mul(1_000));
        let memos_before = [self.oldest_intent(), needed].into_iter().flatten().fold(old, u64::min);
        take_away(store, &MEMOS, memos_before, |_| None).await
    }

    fn longest_deadline_ms(&self) -> u64 {
        let routing = self.inner.routing.load();
        routing.live().backends().map(|backend| backend.service.limits().deadline_ms).max().unwrap_or(0)
    }
}

/// Deletes all rows of calls that began before `before`, each with what `also` says.
async fn take_away(
    store: &Store,
    table: &Table<AgedCall>,
    before: u64,
    also: impl Fn(&AgedCall) -> Option<RowWrite>,
) -> Result<(), SweepError> {
    let mut after = Bound::Unbounded;
    loop {
        let mut transaction = store.begin();
        // Behind what was deleted already: until the index is written, each of those would be passed over again.
        let page = transaction.scan_rows(table, (after, Bound::Excluded(AgedCall::first_of(before))), PAGE)?;
        for (key, _) in &page.rows {
            also(key).into_iter().for_each(|write| transaction.write_row(write));
            transaction.write_row(table.delete(key));
        }
        let Some((last, _)) = page.rows.last() else { return Ok(()) };
        after = Bound::Excluded(*last);
        // A commit of the host's own, which no call made.
        transaction.commit(CommitDetails { call: CallId([0; 16]), data_version: None }).await?;
        if !page.more {
            return Ok(());
        }
    }
}

fn report(service: &ServiceName, error: &SweepError) {
    match error {
        // The host as a whole says why.
        SweepError::Commit(CommitError::Stopped(_)) => {}
        error => tracing::warn!(%service, %error, "what was kept of calls for long enough is still there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::simulated::SimulatedDisk;
    use crate::store::Stores;
    use crate::store::system::{INTENTS, Usage};

    const HOUR: u64 = 3_600_000_000;

    #[tokio::test]
    async fn what_comes_before_a_time_goes_with_what_belongs_to_it_and_all_else_stays() {
        let cart = ServiceName::parse("cart").expect("a name");
        let stores = Stores::open_on(
            &SimulatedDisk::new(5).as_disk(),
            &super::super::tests::STORE,
            &[(cart.clone(), 1 << 20)],
            None,
        );
        let stores = stores.expect("an empty disk");
        let store = stores.service(&cart).expect("it is there");
        // More than go in one commit.
        for number in 0..600_u32 {
            let mut id = [0; 16];
            id.iter_mut().zip(number.to_be_bytes()).for_each(|(place, byte)| *place = byte);
            let (id, time) = (CallId(id), HOUR * u64::from(number % 3));
            let mut transaction = store.begin();
            let aged = AgedCall { began_at: time, call: id };
            for write in [MEMOS.put(&aged, "kept"), ANSWERS.put(&id, "kept"), ANSWER_EXPIRIES.put(&aged, "kept")] {
                transaction.write_row(write);
            }
            transaction.write_row(INTENTS.put(&id, "kept"));
            transaction.commit(CommitDetails { call: id, data_version: None }).await.expect("a commit");
        }
        let all = 4 * 600;
        let memos = async |before| take_away(&store, &MEMOS, before, |_| None).await;
        let answers = async |before| {
            let also = |expiry: &AgedCall| Some(ANSWERS.delete(&expiry.call));
            take_away(&store, &ANSWER_EXPIRIES, before, also).await
        };
        memos(0).await.expect("nothing to do");
        assert_eq!(count(&store), all);
        memos(HOUR).await.expect("a third goes");
        assert_eq!(count(&store), all - 200);
        answers(2 * HOUR).await.expect("two thirds go, each with its answer");
        assert_eq!(count(&store), all - 200 - 800);
        memos(u64::MAX / 2).await.expect("all go");
        answers(u64::MAX / 2).await.expect("all go");
        assert_eq!(count(&store), 600, "intents go when their calls end");
        assert_eq!(store.usage(&INTENTS), Usage { rows: 600, bytes: 600 * (1 + 16 + 4) });
    }

    /// How many rows are in the store.
    fn count(store: &Store) -> u64 {
        let usages = [store.usage(&MEMOS), store.usage(&ANSWERS), store.usage(&ANSWER_EXPIRIES), store.usage(&INTENTS)];
        usages.iter().map(|usage| usage.rows).sum()
    }
}
