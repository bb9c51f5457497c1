//! A counter: pieces of an item that are only received, one by one, through all hosts. A read must see at least what was
//! acknowledged or seen before it began, and at most what was sent before it ended.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shop_tests::Client;

use super::pace::Pace;
use crate::act::Act;
use crate::ask::Asker;
use crate::report::Violation;

/// The item, which nobody buys.
pub(super) const SKU: &str = "counter-01";

/// The longest time for one read.
const READ_MAX: Duration = Duration::from_millis(500);

/// Most violations that are kept of a round.
const VIOLATIONS_MAX: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Counter {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    /// The highest number that an answer has shown.
    shown: AtomicU64,
    reads: AtomicUsize,
    wrong: Mutex<Vec<Violation>>,
}

impl Counter {
    /// Counts on, with the token of `staff`.
    pub(super) async fn count(self: Arc<Self>, pace: Pace, staff: Client, mut asker: Asker) -> anyhow::Result<()> {
        while pace.goes_on().await {
            self.sent.fetch_add(1, Ordering::SeqCst);
            let received = asker.act(&staff, Act::Receive { sku: SKU.to_owned(), quantity: 1 }).await?;
            // Others are found by the check of all answers.
            if received.status == 200 {
                self.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Reads it again and again: the numbers only grow, through whichever hosts it is read.
    pub(super) async fn watch(self: Arc<Self>, pace: Pace, mut asker: Asker) -> anyhow::Result<()> {
        while pace.goes_on().await {
            let public = asker.doors().await?.public;
            let [acknowledged, shown] = [&self.acknowledged, &self.shown].map(|number| number.load(Ordering::SeqCst));
            // A read without an answer shows nothing. A host that is cut off keeps it for longer than the others need to go on.
            let line = format!("GET /items/{SKU}");
            let Ok(Ok(answer)) = tokio::time::timeout(READ_MAX, public.ask(&line)).await else { continue };
            let Some(number) = answer.body["available"].as_u64() else { continue };
            let sent = self.sent.load(Ordering::SeqCst);
            self.shown.fetch_max(number, Ordering::SeqCst);
            self.reads.fetch_add(1, Ordering::SeqCst);
            let at = public.address();
            if number < acknowledged.max(shown) {
                let before = format!("{acknowledged} were acknowledged and {shown} read before");
                self.note(Violation::lost(format!("{at} has {number} pieces of {SKU}, and {before}")));
            }
            if number > sent {
                self.note(Violation::doubled(format!("{at} has {number} pieces of {SKU}, and {sent} were sent")));
            }
        }
        Ok(())
    }

    fn note(&self, violation: Violation) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() < VIOLATIONS_MAX {
            wrong.push(violation);
        }
    }

    /// The violations and the number of reads since the last call.
    pub(super) fn take(&self) -> (Vec<Violation>, usize) {
        let wrong = std::mem::take(&mut *self.wrong.lock().unwrap_or_else(PoisonError::into_inner));
        (wrong, self.reads.swap(0, Ordering::SeqCst))
    }
}
