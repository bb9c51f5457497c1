use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock;
use crate::names::CommitSeq;

/// The event `index` of the commit `number`, with a key such as `a/1`.
fn order((number, index, key): (u64, u32, &str)) -> Order {
    let key = key.split_once('/').map(|(track, key)| (track.into(), key.to_owned()));
    Order { seq: EventSeq(CommitSeq(number), index), key }
}

#[test]
fn an_event_waits_for_those_of_its_commit_and_of_its_key_alone() {
    let mut queue = RetryQueue::default();
    for event in [(5, 1, "a/1"), (7, 0, "")] {
        queue.add(order(event), clock::now());
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
        assert_eq!(queue.holds_back(&order(event)), waits, "{event:?}");
    }
}

/// The simplest model of the queue: a list that is searched.
#[derive(Default)]
struct Model(Vec<(Order, Instant)>);

impl Model {
    fn holds_back(&self, order: &Order) -> bool {
        let same = |other: &Order| other.seq.0 == order.seq.0 || order.key.is_some() && other.key == order.key;
        self.0.iter().any(|(other, _)| other.seq < order.seq && same(other))
    }

    fn next(&self) -> Option<(EventSeq, Instant)> {
        let ready = self.0.iter().filter(|(order, _)| !self.holds_back(order));
        ready.map(|(order, due)| (order.seq, *due)).min_by_key(|(seq, due)| (*due, *seq))
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Add {
        event: usize,
        seconds: u64,
    },
    Remove {
        event: usize,
    },
    /// Removes the next event, as after its delivery.
    Deliver,
}

fn operation(events: usize) -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0..events, 0..20_u64).prop_map(|(event, seconds)| Operation::Add { event, seconds }),
        1 => (0..events).prop_map(|event| Operation::Remove { event }),
        2 => Just(Operation::Deliver),
    ]
}

const EVENTS: usize = 24;

proptest! {
    #[test]
    fn the_queue_orders_events_as_a_search_of_all_would(
        keys in proptest::collection::vec(proptest::option::of((0..2_u8, 0..3_u8)), EVENTS),
        operations in proptest::collection::vec(operation(EVENTS), 0..80),
    ) {
        let start = clock::now();
        let events: Vec<_> = keys.iter().zip(0_u32..).map(|(key, number)| Order {
            seq: EventSeq(CommitSeq(u64::from(number / 4)), number % 4),
            key: key.map(|(track, key)| (format!("t{track}").into(), key.to_string())),
        }).collect();
        let (mut queue, mut model) = (RetryQueue::default(), Model::default());
        for operation in operations {
            match operation {
                Operation::Add { event, seconds } => {
                    let (order, due) = (&events[event], start + Duration::from_secs(seconds));
                    queue.add(order.clone(), due);
                    model.0.retain(|(other, _)| other != order);
                    model.0.push((order.clone(), due));
                }
                Operation::Remove { event } => {
                    queue.remove(events[event].seq);
                    model.0.retain(|(other, _)| *other != events[event]);
                }
                Operation::Deliver => if let Some((seq, _)) = queue.next() {
                    queue.remove(seq);
                    model.0.retain(|(other, _)| other.seq != seq);
                }
            }
            prop_assert_eq!(queue.next(), model.next());
            prop_assert_eq!((queue.len(), queue.is_empty()), (model.0.len(), model.0.is_empty()));
            for order in &events {
                prop_assert_eq!(queue.holds_back(order), model.holds_back(order), "{:?}", order);
                let due = model.0.iter().find(|(other, _)| other == order).map(|(_, due)| *due);
                prop_assert_eq!(queue.due(order.seq), due);
            }
        }
        prop_assert_eq!(queue.by_key.values().map(BTreeSet::len).sum::<usize>(), model.0.iter().filter(|(order, _)| order.key.is_some()).count());
    }
}
