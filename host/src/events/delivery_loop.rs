//! Delivers the events of one service to one subscriber, one after another: new events after the cursor, and between
//! them due retries.
//!
//! Invariant: the cursor moves past an event in the commit of its handler's writes, or of its failed delivery.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::commit::{Pause, commit};
use super::cursor::Cursor;
use super::delivery::{Delivery, DeliveryState};
use super::retry_queue::RetryQueue;
use super::subscription::{Attempt, Endpoints, Subscription};
use crate::clock;
use crate::config::EventsFrom;
use crate::contract::track;
use crate::limits::EVENTS_SKIPPED_MAX;
use crate::names::CommitSeq;
use crate::store::system::{Emitted, EventId, EventSeq};
use crate::store::{Store, StoreError};
use crate::tasks::Stop;

/// Events, or failed deliveries, per read.
const PAGE: u32 = 256;

/// The first and the longest wait for an unavailable service.
const WAIT_MIN: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Delivers until the service does not subscribe any more, or the host stops.
pub(super) async fn run(subscription: &Subscription, mut stop: Stop) {
    while let Some(endpoints) = subscription.endpoints() {
        if !(DeliveryLoop::new(subscription, &endpoints).run(&mut stop).await) {
            return;
        }
    }
}

struct DeliveryLoop<'s> {
    subscription: &'s Subscription,
    endpoints: &'s Endpoints,
    cursor: Cursor,
    /// Events that the cursor has passed since it was stored.
    skipped: u32,
    /// The events after the cursor that were already read.
    page: VecDeque<Emitted>,
    /// Whether the retry queue has no room for the next event.
    is_blocked: bool,
}

/// The result of one step.
enum Step {
    Progress,
    /// There is no work before the next retry.
    Idle {
        next_retry: Option<Instant>,
    },
}

impl<'s> DeliveryLoop<'s> {
    fn new(subscription: &'s Subscription, endpoints: &'s Endpoints) -> Self {
        let (cursor, page) = (Cursor::default(), VecDeque::new());
        Self { subscription, endpoints, cursor, skipped: 0, page, is_blocked: false }
    }

    /// Delivers until the contracts change; false when the host stops first.
    async fn run(&mut self, stop: &mut Stop) -> bool {
        let subscription = self.subscription;
        let (mut wait, mut is_loaded) = (WAIT_MIN, false);
        while !stop.is_set() {
            if !self.endpoints.is_of(&subscription.calls.routing()) {
                return true;
            }
            let emission = self.endpoints.emitter.emission();
            tokio::pin!(emission);
            emission.as_mut().enable();
            let step = if is_loaded { self.step().await } else { self.load().await };
            match step {
                Ok(Step::Progress) => (wait, is_loaded) = (WAIT_MIN, true),
                Ok(Step::Idle { next_retry }) => {
                    let retry = async {
                        match next_retry {
                            Some(due) => tokio::time::sleep_until(due.into()).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        biased;
                        () = stop.wait() => return false,
                        () = emission => {}
                        () = subscription.wake.notified() => {}
                        () = retry => {}
                    }
                }
                Err(Pause::Stopped) => return false,
                Err(Pause::Waits(why)) => {
                    subscription.set_waits(Some(why));
                    tokio::select! {
                        biased;
                        () = stop.wait() => return false,
                        () = subscription.wake.notified() => {}
                        () = tokio::time::sleep(wait) => {}
                    }
                    wait = (wait * 2).min(WAIT_MAX);
                }
            }
        }
        false
    }

    /// Reads the stored cursor and failed deliveries, and starts new tracks.
    async fn load(&mut self) -> Result<Step, Pause> {
        let Endpoints { handlers, subscriber, emitter, live_since, .. } = self.endpoints;
        self.cursor = Cursor::read(subscriber, &self.subscription.pair.emitter)?;
        let missing = self.cursor.missing(handlers);
        if !missing.is_empty() {
            let before = match self.subscription.starts_from() {
                EventsFrom::Beginning => EventSeq::START,
                EventsFrom::Now => last_before(emitter, *live_since)?,
            };
            missing.into_iter().for_each(|track| self.cursor.start(track, before));
            self.store_cursor().await?;
        }
        let mut queue = self.subscription.queue.lock().await;
        let (mut loaded, mut after) = (RetryQueue::default(), None::<EventId>);
        loop {
            let from = Some(&self.subscription.pair.emitter);
            let page = Delivery::list(subscriber, DeliveryState::Retrying, from, after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for delivery in page {
                let due = queue.due(delivery.id.seq).unwrap_or_else(clock::now);
                loaded.add(self.subscription.order(self.endpoints, &delivery), due);
            }
        }
        *queue = loaded;
        Ok(Step::Progress)
    }

    /// Handles one due retry and one new event.
    async fn step(&mut self) -> Result<Step, Pause> {
        if let Some(until) = self.subscription.overflow() {
            self.move_to_dead_letters(until).await?;
        }
        let retried = self.retry().await?;
        let delivered = self.deliver_next().await?;
        let full = "there are too many failed deliveries: they are retried before new events";
        self.subscription.set_waits(self.is_blocked.then(|| full.into()));
        if retried || delivered {
            return Ok(Step::Progress);
        }
        let next = self.subscription.queue.lock().await.next();
        Ok(Step::Idle { next_retry: next.map(|(_, due)| due) })
    }

    /// Tries the due failed delivery; false when none is due.
    async fn retry(&mut self) -> Result<bool, Pause> {
        let Subscription { pair, calls, queue, metrics, .. } = self.subscription;
        let next = queue.lock().await.next();
        let Some((seq, _)) = next.filter(|(_, due)| *due <= clock::now()) else { return Ok(false) };
        let id = EventId { emitter: pair.emitter.clone(), seq };
        let Some(delivery) = Delivery::read(&self.endpoints.subscriber, &id, DeliveryState::Retrying)? else {
            queue.lock().await.remove(seq);
            return Ok(true);
        };
        let routing = calls.routing();
        let attempt = match self.endpoints.handlers.handler(&delivery.event) {
            None => Attempt::Failed(format!("{} does not handle it any more", pair.subscriber)),
            Some(_) if !self.endpoints.is_of(&routing) => return Ok(true),
            Some(handler) => {
                metrics.retried.increment(1);
                let entries = vec![DeliveryState::Retrying.delete(&id)];
                self.subscription.attempt(&routing, handler, &delivery, entries).await?
            }
        };
        match attempt {
            Attempt::Delivered => queue.lock().await.remove(seq),
            Attempt::Failed(error) => self.failed(delivery, (error, true), None).await?,
            Attempt::Unfit(error) => self.failed(delivery, (error, false), None).await?,
        }
        Ok(true)
    }

    /// Moves the cursor past the next event: delivers it, or adds it to the retry queue. False when there is no event,
    /// or the retry queue is full.
    async fn deliver_next(&mut self) -> Result<bool, Pause> {
        let Subscription { pair, calls, queue, .. } = self.subscription;
        let handlers = &self.endpoints.handlers;
        if self.is_blocked && !self.subscription.has_room(&self.endpoints.subscriber, queue.lock().await.len()) {
            return Ok(false);
        }
        self.is_blocked = false;
        let Some(emitted) = self.peek().await? else { return Ok(false) };
        let (seq, event) = (emitted.key.seq, &emitted.event);
        let mut after = self.cursor.clone();
        after.advance(handlers, seq);
        let handler = handlers.handler(event).filter(|_| !self.cursor.has(track(&event.interface), seq));
        let Some(handler) = handler else {
            (self.cursor, self.skipped) = (after, self.skipped + 1);
            self.page.pop_front();
            return Ok(true);
        };
        let delivery = Delivery::new(&pair.emitter, &emitted);
        let waits = {
            let queue = queue.lock().await;
            !queue.is_empty() && queue.holds_back(&self.subscription.order(self.endpoints, &delivery))
        };
        if waits {
            self.put_aside(delivery, Some(clock::now()), Some(after)).await?;
            return Ok(!self.is_blocked);
        }
        let routing = calls.routing();
        if !self.endpoints.is_of(&routing) {
            return Ok(true);
        }
        match self.subscription.attempt(&routing, handler, &delivery, vec![after.row(&pair.emitter)]).await? {
            Attempt::Delivered => self.passed(after),
            Attempt::Failed(error) => self.failed(delivery, (error, true), Some(after)).await?,
            Attempt::Unfit(error) => self.failed(delivery, (error, false), Some(after)).await?,
        }
        Ok(!self.is_blocked)
    }

    /// Moves the events up to `until` to the dead letters, without an attempt.
    async fn move_to_dead_letters(&mut self, until: EventSeq) -> Result<(), Pause> {
        let (pair, handlers) = (&self.subscription.pair, &self.endpoints.handlers);
        while self.peek().await?.is_some_and(|next| next.key.seq <= until) {
            let (mut after, mut rows) = (self.cursor.clone(), Vec::new());
            for emitted in std::mem::take(&mut self.page).iter().filter(|emitted| emitted.key.seq <= until) {
                let seq = emitted.key.seq;
                after.advance(handlers, seq);
                let handled = self.cursor.has(track(&emitted.event.interface), seq);
                if !handled && handlers.handler(&emitted.event).is_some() {
                    let mut delivery = Delivery::new(&pair.emitter, emitted);
                    delivery.not_attempted(format!("the outbox of {} was full", pair.emitter), clock::unix_micros());
                    rows.push(delivery.row(DeliveryState::Dead));
                }
            }
            let count = rows.len();
            rows.push(after.row(&pair.emitter));
            commit(&self.endpoints.subscriber, rows).await?;
            (self.cursor, self.skipped, self.is_blocked) = (after, 0, false);
            self.subscription.metrics.overflowed(count);
        }
        self.subscription.clear_overflow(until);
        Ok(())
    }

    /// The first event after the cursor.
    async fn peek(&mut self) -> Result<Option<Emitted>, Pause> {
        if self.skipped >= EVENTS_SKIPPED_MAX {
            self.store_cursor().await?;
        }
        if self.page.is_empty() {
            let handled = self.cursor.handled(&self.endpoints.handlers);
            self.page = self.endpoints.emitter.emitted(Some(handled), PAGE)?.into();
            if self.page.is_empty() && self.skipped > 0 {
                self.store_cursor().await?;
            }
        }
        Ok(self.page.front().cloned())
    }

    async fn store_cursor(&mut self) -> Result<(), Pause> {
        commit(&self.endpoints.subscriber, vec![self.cursor.row(&self.subscription.pair.emitter)]).await?;
        self.skipped = 0;
        Ok(())
    }

    /// Records that the stored cursor has passed the first event of the page.
    fn passed(&mut self, after: Cursor) {
        (self.cursor, self.skipped) = (after, 0);
        self.page.pop_front();
    }

    /// Handles a failed attempt. With `after`, the delivery is the first event of the page, otherwise it was in the
    /// queue.
    async fn failed(
        &mut self,
        mut delivery: Delivery,
        (error, may_retry): (String, bool),
        after: Option<Cursor>,
    ) -> Result<(), Pause> {
        let Subscription { pair, metrics, .. } = self.subscription;
        metrics.failed.increment(1);
        if self.subscription.log_limits.allows("a delivery failed") {
            tracing::warn!(service = %pair.subscriber, event = %delivery.id, error, "a delivery failed");
        }
        delivery.failed(error, clock::unix_micros());
        let may_retry = may_retry && self.subscription.may_retry(delivery.attempts());
        let retry_at = may_retry.then(|| self.subscription.retry_at(delivery.attempts()));
        self.put_aside(delivery, retry_at, after).await
    }

    /// Stores a delivery for a retry at `retry_at`, or as a dead letter without that, in one commit with the cursor
    /// `after`. If the retry queue has no room, it stays the first event of the page.
    async fn put_aside(
        &mut self,
        delivery: Delivery,
        retry_at: Option<Instant>,
        after: Option<Cursor>,
    ) -> Result<(), Pause> {
        let Subscription { pair, queue, metrics, .. } = self.subscription;
        let mut queue = queue.lock().await;
        let mut rows: Vec<_> = after.iter().map(|after| after.row(&pair.emitter)).collect();
        if let Some(due) = retry_at {
            if after.is_some() && !self.subscription.has_room(&self.endpoints.subscriber, queue.len()) {
                self.is_blocked = true;
                return Ok(());
            }
            rows.push(delivery.row(DeliveryState::Retrying));
            commit(&self.endpoints.subscriber, rows).await?;
            queue.add(self.subscription.order(self.endpoints, &delivery), due);
        } else {
            rows.push(delivery.row(DeliveryState::Dead));
            if after.is_none() {
                rows.push(DeliveryState::Retrying.delete(&delivery.id));
            }
            commit(&self.endpoints.subscriber, rows).await?;
            queue.remove(delivery.id.seq);
            metrics.dead.increment(1);
            if self.subscription.log_limits.allows("an event goes to the dead letters") {
                tracing::error!(service = %pair.subscriber, event = %delivery.id, "an event goes to the dead letters");
            }
        }
        drop(queue);
        if let Some(after) = after {
            self.passed(after);
        }
        Ok(())
    }
}

/// The last position before all events that were committed at `since` (in microseconds since the Unix epoch) or later.
fn last_before(emitter: &Store, since: u64) -> Result<EventSeq, StoreError> {
    // Times never decrease with the numbers, so a binary search finds the position.
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let next = emitter.emitted_keys(EventSeq(CommitSeq(middle), u32::MAX), 1)?;
        match next.first().is_none_or(|next| next.emitted_at >= since) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok(EventSeq(CommitSeq(low), u32::MAX))
}
