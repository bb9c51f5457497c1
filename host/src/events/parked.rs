//! Which events of a subscription are tried again, and which wait for those: what its letters come to, in memory.
//!
//! Invariant: an event is behind every earlier one of its commit, and every earlier one of its interface with its key.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use super::position::Place;

/// What orders an event among others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Order {
    pub(super) place: Place,
    /// The track of its interface and its value there, where the contract names one.
    pub(super) key: Option<(Box<str>, String)>,
}

#[derive(Debug, Default)]
pub(super) struct Parked(BTreeMap<Place, Waiting>);

#[derive(Debug)]
struct Waiting {
    key: Option<(Box<str>, String)>,
    /// When it is to be tried, once nothing is before it.
    due: Instant,
}

impl Parked {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an event has to wait for one that is here.
    pub(super) fn holds_back(&self, order: &Order) -> bool {
        let mut earlier = self.0.range(..order.place);
        let same = |(place, waiting): (&Place, &Waiting)| {
            place.0 == order.place.0 || order.key.is_some() && waiting.key == order.key
        };
        earlier.any(same)
    }

    pub(super) fn add(&mut self, order: Order, due: Instant) {
        self.0.insert(order.place, Waiting { key: order.key, due });
    }

    /// Tries the event again later.
    pub(super) fn put_off(&mut self, place: Place, due: Instant) {
        if let Some(waiting) = self.0.get_mut(&place) {
            waiting.due = due;
        }
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.0.remove(&place);
    }

    /// Of those with nothing before them, the one that is due first.
    pub(super) fn next(&self) -> Option<(Place, Instant)> {
        let (mut commits, mut keys) = (HashSet::new(), HashSet::new());
        let mut next: Option<(Place, Instant)> = None;
        for (place, waiting) in &self.0 {
            let first_of_commit = commits.insert(place.0);
            let first_of_key = waiting.key.as_ref().is_none_or(|key| keys.insert(key));
            if first_of_commit && first_of_key && next.is_none_or(|(_, due)| waiting.due < due) {
                next = Some((*place, waiting.due));
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;
    use crate::names::CommitSeq;

    /// The event `position` of the commit `number`, with a key such as `a/1`.
    fn order((number, position, key): (u64, u32, &str)) -> Order {
        let key = key.split_once('/').map(|(track, key)| (track.into(), key.to_owned()));
        Order { place: Place(CommitSeq(number), position), key }
    }

    #[test]
    fn an_event_waits_for_those_of_its_commit_and_of_its_key_alone() {
        let mut parked = Parked::default();
        for event in [(5, 1, "a/1"), (7, 0, "")] {
            parked.add(order(event), clock::now());
        }
        for (event, waits) in [
            ((5, 2, ""), true),
            ((5, 0, "a/1"), false),
            ((6, 0, "a/1"), true),
            ((6, 0, "a/2"), false),
            ((6, 0, "b/1"), false),
            ((6, 0, ""), false),
            ((7, 1, "b/1"), true),
            ((8, 0, ""), false),
        ] {
            assert_eq!(parked.holds_back(&order(event)), waits, "{event:?}");
        }
    }

    #[test]
    fn the_next_is_due_first_of_those_with_nothing_before_them() {
        let (mut parked, now) = (Parked::default(), clock::now());
        let after = |seconds| now + Duration::from_secs(seconds);
        let next = |parked: &Parked| parked.next().map(|(Place(number, position), _)| (number.0, position));
        assert_eq!(next(&parked), None);
        for (event, seconds) in [((5, 0, "a/1"), 3), ((5, 1, ""), 0), ((6, 0, "a/1"), 0), ((7, 0, "a/2"), 2)] {
            parked.add(order(event), after(seconds));
        }
        assert_eq!(next(&parked), Some((7, 0)), "what waits for others is not due");
        parked.put_off(Place(CommitSeq(7), 0), after(9));
        assert_eq!(next(&parked), Some((5, 0)));
        parked.remove(Place(CommitSeq(5), 0));
        assert_eq!(next(&parked), Some((5, 1)));
        parked.remove(Place(CommitSeq(5), 1));
        assert_eq!(next(&parked), Some((6, 0)));
    }
}
