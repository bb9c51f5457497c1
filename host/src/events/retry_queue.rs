//! The failed deliveries of one subscription to retry, in memory: which one is next, and which events must wait for
//! them.
//!
//! Invariant: an event is tried only when the queue contains no earlier event of the same commit, and none of the same
//! interface with the same key.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::time::Instant;

use crate::store::system::EventSeq;

/// The track of an interface and the value by which its events are ordered, if the contract names one.
pub(super) type OrderKey = (Box<str>, String);

/// The position of an event, and its key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Order {
    pub(super) seq: EventSeq,
    pub(super) key: Option<OrderKey>,
}

#[derive(Debug, Default)]
pub(super) struct RetryQueue {
    all: BTreeMap<EventSeq, Waiting>,
    by_key: HashMap<OrderKey, BTreeSet<EventSeq>>,
    /// The events without an earlier one of their commit or key, by due time.
    ready: BTreeSet<(Instant, EventSeq)>,
}

#[derive(Debug)]
struct Waiting {
    key: Option<OrderKey>,
    due: Instant,
}

impl RetryQueue {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether an event must wait for one in the queue.
    pub(super) fn holds_back(&self, order: &Order) -> bool {
        let earlier_of_commit = self.all.range(EventSeq(order.seq.0, 0)..order.seq).next().is_some();
        let first_of_key = order.key.as_ref().and_then(|key| self.by_key.get(key)?.first());
        earlier_of_commit || first_of_key.is_some_and(|first| *first < order.seq)
    }

    /// Adds an event, or changes the due time of one in the queue.
    pub(super) fn add(&mut self, order: Order, due: Instant) {
        self.remove(order.seq);
        let Order { seq, key } = order;
        if let Some(key) = &key {
            self.by_key.entry(key.clone()).or_default().insert(seq);
        }
        let followers = self.followers(seq, key.as_ref());
        self.all.insert(seq, Waiting { key, due });
        [Some(seq)].into_iter().chain(followers).flatten().for_each(|seq| self.update_ready(seq));
    }

    pub(super) fn remove(&mut self, seq: EventSeq) {
        let Some(Waiting { key, due }) = self.all.remove(&seq) else { return };
        self.ready.remove(&(due, seq));
        let followers = self.followers(seq, key.as_ref());
        if let Some(key) = key
            && let Some(of_key) = self.by_key.get_mut(&key)
        {
            of_key.remove(&seq);
            if of_key.is_empty() {
                self.by_key.remove(&key);
            }
        }
        followers.into_iter().flatten().for_each(|seq| self.update_ready(seq));
    }

    /// The earliest due event among those that wait for no other.
    pub(super) fn next(&self) -> Option<(EventSeq, Instant)> {
        self.ready.first().map(|(due, seq)| (*seq, *due))
    }

    /// The due time of the event; `None` when it is not in the queue.
    pub(super) fn due(&self, seq: EventSeq) -> Option<Instant> {
        self.all.get(&seq).map(|waiting| waiting.due)
    }

    /// The next events after `seq` with the same commit and with the same key. Only these can become ready, or stop
    /// being ready, because of `seq`.
    fn followers(&self, seq: EventSeq, key: Option<&OrderKey>) -> [Option<EventSeq>; 2] {
        let behind = (Bound::Excluded(seq), Bound::Unbounded);
        let of_commit = self.all.range(behind).next().map(|(next, _)| *next).filter(|next| next.0 == seq.0);
        let of_key = key.and_then(|key| self.by_key.get(key)?.range(behind).next().copied());
        [of_commit, of_key]
    }

    fn update_ready(&mut self, seq: EventSeq) {
        let Some(Waiting { key, due }) = self.all.get(&seq) else { return };
        let (due, order) = (*due, Order { seq, key: key.clone() });
        if self.holds_back(&order) {
            self.ready.remove(&(due, seq));
        } else {
            self.ready.insert((due, seq));
        }
    }
}
