//! Taking away what was kept of calls for long enough.
//!
//! Invariant: a memo stays for as long as its root call may be made again, and an answer for as long as it was promised.

use std::time::Duration;

use super::Calls;
use super::kept::{self, Entry};
use crate::clock;
use crate::names::{CallId, Key, ServiceName};
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
    pub async fn sweep(self, needed: impl Fn() -> Option<u64> + Send + Sync) {
        let mut stop = self.inner.tasks.stop();
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let services: Vec<_> = {
                let routing = self.inner.routing.load();
                routing.live().members().map(|member| member.service.store().clone()).collect()
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
        take_away(store, kept::answers_before(answers_before), |expiry| {
            let answer = kept::answer_of_expiry(expiry).map(|answer| (answer, None));
            answer.into_iter().collect()
        })
        .await?;
        // A call that is under way may still fail and be made again.
        let kept_ms = settings.memos_kept_ms.max(2 * self.longest_deadline_ms());
        let old = now.saturating_sub(kept_ms.saturating_mul(1_000));
        let memos_before = [self.oldest_intent(), needed].into_iter().flatten().fold(old, u64::min);
        take_away(store, kept::memos_before(memos_before), |_| Vec::new()).await
    }

    fn longest_deadline_ms(&self) -> u64 {
        let routing = self.inner.routing.load();
        routing.live().members().map(|member| member.service.limits().deadline_ms).max().unwrap_or(0)
    }
}

/// Takes away all entries whose keys begin with `prefix` and come before `end`, each with what `also` says.
async fn take_away(
    store: &Store,
    (prefix, end): (String, String),
    also: impl Fn(&str) -> Vec<Entry>,
) -> Result<(), SweepError> {
    loop {
        let mut transaction = store.begin();
        let page = transaction.scan_platform(&prefix, None, PAGE)?;
        let mut taken = 0;
        for entry in page.entries.iter().take_while(|entry| entry.key < end) {
            let Ok(key) = Key::stored(&entry.key) else { continue };
            also(&entry.key).into_iter().for_each(|(key, value)| transaction.set_platform(key, value));
            transaction.set_platform(key, None);
            taken += 1;
        }
        if taken > 0 {
            // A commit of the host's own, which no call made.
            transaction.commit(CommitDetails { call: CallId([0; 16]), data_version: None }).await?;
        }
        if taken < PAGE {
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
