//! Delivers what a service has emitted to one that takes it, one event after the other.
//!
//! Invariant: the position moves over an event in the commit of what it brought about, or of the letter that is kept of it.

use std::time::Duration;

use super::entries::{Held, put};
use super::letter::{Fate, Letter};
use super::parked::{Order, Parked};
use super::position::{Place, Position};
use super::subscription::{Desk, Subscription, Trouble};
use crate::clock;
use crate::config::EventsFrom;
use crate::contract::track;
use crate::limits::LETTERS_RETRIED_MAX;
use crate::names::CommitSeq;
use crate::store::system::Emitted;
use crate::store::{Store, StoreError};
use crate::tasks::Stop;

/// Events that are read at once.
const EVENTS_AT_ONCE: u32 = 256;

/// How long it waits for a service that is down, at first and at most.
const HELD_WAIT_MIN: Duration = Duration::from_millis(20);
const HELD_WAIT_MAX: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Delivery<'s> {
    subscription: &'s Subscription,
    position: Position,
    /// Whether the position is further than the one that is stored.
    unsaved: bool,
}

/// Delivers until there is nothing more to take, or the host stops.
pub(super) async fn run(subscription: &Subscription, mut stop: Stop) {
    let mut wait = HELD_WAIT_MIN;
    let mut delivery = Delivery { subscription, position: Position::default(), unsaved: false };
    let mut known: Option<Desk> = None;
    while !stop.is_set() {
        let Some(desk) = subscription.next_desk(known.as_ref()) else { return };
        let emission = desk.emitter.emission();
        tokio::pin!(emission);
        emission.as_mut().enable();
        let is_new = known.as_ref().is_none_or(|known| !known.is_same(&desk));
        let begun = if is_new { delivery.begin(&desk).await } else { Ok(()) };
        let taken = match begun {
            Ok(()) => {
                known = Some(desk.clone());
                delivery.take_page(&desk, &stop).await
            }
            Err(held) => Err(held),
        };
        match taken {
            Ok(any) => {
                subscription.goes_on();
                wait = HELD_WAIT_MIN;
                if !any {
                    tokio::select! {
                        () = stop.wait() => return,
                        () = emission => {}
                        () = subscription.wake.notified() => {}
                    }
                }
            }
            Err(held) => {
                if !subscription.pause(held, wait, &mut stop).await {
                    return;
                }
                wait = (wait * 2).min(HELD_WAIT_MAX);
            }
        }
    }
}

impl Delivery<'_> {
    /// Goes on where the position is that is stored, and makes one where there is none.
    async fn begin(&mut self, desk: &Desk) -> Result<(), Held> {
        let emitter = &self.subscription.pair.emitter;
        self.position = Position::read(&desk.own, emitter)?;
        self.unsaved = false;
        let lacks = self.position.lacks(&desk.taken);
        if lacks.is_empty() {
            return Ok(());
        }
        let place = match self.subscription.begins() {
            EventsFrom::Beginning => Place::START,
            EventsFrom::Now => last_before(&desk.emitter, desk.live_since)?,
        };
        for track in lacks {
            self.position.begin(track, place);
        }
        put(&desk.own, vec![self.position.entry(emitter)]).await?;
        Ok(())
    }

    /// Takes some events, the oldest first; false when there were none.
    async fn take_page(&mut self, desk: &Desk, stop: &Stop) -> Result<bool, Held> {
        let page = desk.emitter.emitted(Some(self.position.last_taken(&desk.taken)), EVENTS_AT_ONCE)?;
        for emitted in &page {
            if stop.is_set() {
                return Err(Held::Ended);
            }
            if !self.take(desk, emitted).await? {
                return Ok(true);
            }
        }
        if page.is_empty() && self.unsaved {
            put(&desk.own, vec![self.position.entry(&self.subscription.pair.emitter)]).await?;
            self.unsaved = false;
        }
        Ok(!page.is_empty())
    }

    /// Takes one event; false when the contracts are others now.
    async fn take(&mut self, desk: &Desk, emitted: &Emitted) -> Result<bool, Held> {
        let Subscription { pair, calls, parked, .. } = self.subscription;
        let routing = calls.routing();
        if !desk.is_of(&routing) {
            return Ok(false);
        }
        let (place, event) = (Place::of(emitted), &emitted.event);
        let mut after = self.position.clone();
        after.reach(&desk.taken, place);
        let Some(handler) = desk.taken.handler(event).filter(|_| !self.position.has(track(&event.interface), place))
        else {
            (self.position, self.unsaved) = (after, true);
            return Ok(true);
        };
        let waiting = parked.lock().await;
        if !waiting.is_empty() {
            let order = self.subscription.order(desk, place, event);
            if waiting.holds_back(&order) {
                self.park(desk, waiting, order, Letter::new(&pair.emitter, emitted, None), after).await?;
                return Ok(true);
            }
        }
        drop(waiting);
        let entries = vec![after.entry(&pair.emitter)];
        let told = (place, emitted.time_unix_micros, event);
        match self.subscription.call(&routing, handler, told, entries).await {
            Ok(()) => (self.position, self.unsaved) = (after, false),
            Err(Trouble::Held(held)) => return Err(held),
            Err(Trouble::Failed(error)) => self.failed(desk, emitted, (error, true), after).await?,
            Err(Trouble::Unfit(error)) => self.failed(desk, emitted, (error, false), after).await?,
        }
        Ok(true)
    }

    /// Keeps an event that could not be delivered for itself, to be tried `again` or not, and goes on.
    async fn failed(
        &mut self,
        desk: &Desk,
        emitted: &Emitted,
        (error, again): (String, bool),
        after: Position,
    ) -> Result<(), Held> {
        let Subscription { pair, parked, metrics, .. } = self.subscription;
        metrics.failed.increment(1);
        tracing::warn!(service = %pair.subscriber, from = %pair.emitter, commit = emitted.number.0, error, "an event could not be delivered");
        let mut letter = Letter::new(&pair.emitter, emitted, None);
        letter.failed(error, clock::unix_micros());
        if again && self.subscription.may_retry(letter.attempts()) {
            let order = self.subscription.order(desk, letter.id.place, &letter.event);
            return self.park(desk, parked.lock().await, order, letter, after).await;
        }
        put(&desk.own, vec![after.entry(&pair.emitter), letter.entry(Fate::Dead)]).await?;
        metrics.dead.increment(1);
        (self.position, self.unsaved) = (after, false);
        Ok(())
    }

    /// Leaves an event to be tried again.
    async fn park(
        &mut self,
        desk: &Desk,
        mut parked: tokio::sync::MutexGuard<'_, Parked>,
        order: Order,
        letter: Letter,
        after: Position,
    ) -> Result<(), Held> {
        if parked.len() >= LETTERS_RETRIED_MAX {
            return Err(Held::Waits(format!("{LETTERS_RETRIED_MAX} events that failed are tried again first")));
        }
        let position = after.entry(&self.subscription.pair.emitter);
        put(&desk.own, vec![position, letter.entry(Fate::Retrying)]).await?;
        let due = match &letter.failure {
            Some(failure) => self.subscription.retry_at(failure.attempts),
            None => clock::now(),
        };
        parked.add(order, due);
        (self.position, self.unsaved) = (after, false);
        self.subscription.retry.notify_one();
        Ok(())
    }
}

/// The last place before all events that were committed at `since`, in microseconds since the Unix epoch, or later.
fn last_before(emitter: &Store, since: u64) -> Result<Place, StoreError> {
    // Times grow with the numbers: whether all behind a number are late enough is so from some number on.
    let (mut low, mut high) = (0, u64::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        let next = emitter.emitted(Some(Place(CommitSeq(middle), u32::MAX)), 1)?;
        match next.first().is_none_or(|next| next.time_unix_micros >= since) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Ok(Place(CommitSeq(low), u32::MAX))
}
