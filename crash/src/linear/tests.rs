//! Histories that are right, histories that are wrong, and a slow but simple checker of small ones for comparison.

use proptest::prelude::*;

use super::Effect::{Read, Write};
use super::*;

/// Operations by call and answer; 0 for no answer.
fn history(operations: &[(u64, u64, Effect)]) -> Vec<Operation> {
    let operation = |(called, answered, effect): &(u64, u64, Effect)| Operation {
        called: *called,
        answered: (*answered > 0).then_some(*answered),
        effect: *effect,
    };
    operations.iter().map(operation).collect()
}

/// Expects the operation at `wrong` to be the first that does not fit.
fn check(told: &str, operations: &[(u64, u64, Effect)], wrong: Option<usize>) {
    let history = history(operations);
    assert_eq!(first_wrong(None, &history), wrong.map(|index| history[index]), "{told}");
}

#[test]
fn what_one_order_explains_is_right() {
    check("nothing", &[], None);
    check("one after the other", &[(1, 2, Write(Some(1))), (3, 4, Read(Some(1)))], None);
    check("a read during a write gives the old", &[(1, 4, Write(Some(1))), (2, 3, Read(None))], None);
    check("a read during a write gives the new", &[(1, 4, Write(Some(1))), (2, 3, Read(Some(1)))], None);
    let two_writes = [(1, 6, Write(Some(1))), (2, 5, Write(Some(2))), (7, 8, Read(Some(1)))];
    check("of two writes at once either is the last", &two_writes, None);
    check("a lost write came about", &[(1, 0, Write(Some(1))), (2, 3, Read(Some(1)))], None);
    check("a lost write did not", &[(1, 0, Write(Some(1))), (2, 3, Read(None)), (4, 5, Read(None))], None);
    let late = [(1, 0, Write(Some(1))), (2, 3, Read(None)), (4, 5, Read(Some(1)))];
    check("a lost write came about late", &late, None);
    check("a lost read tells nothing", &[(1, 0, Read(Some(7))), (2, 3, Read(None))], None);
    let emptied = [(1, 2, Write(Some(1))), (3, 0, Write(None)), (4, 5, Read(None))];
    check("a lost removal came about", &emptied, None);
}

#[test]
fn what_no_order_explains_is_found() {
    let stale = [(1, 2, Write(Some(1))), (3, 4, Write(Some(2))), (5, 6, Read(Some(1)))];
    check("a stale read", &stale, Some(2));
    check("a lost write that was acknowledged", &[(1, 2, Write(Some(1))), (3, 4, Read(None))], Some(1));
    let back = [(1, 8, Write(Some(1))), (2, 3, Read(Some(1))), (4, 5, Read(None))];
    check("a read that goes back", &back, Some(2));
    let twice = [
        (1, 4, Write(Some(1))),
        (2, 3, Read(Some(1))),
        (5, 6, Write(Some(2))),
        (7, 8, Read(Some(2))),
        (9, 10, Read(Some(1))),
    ];
    check("a double effect", &twice, Some(4));
    let lost_twice = [(1, 0, Write(Some(1))), (2, 3, Read(Some(1))), (4, 5, Write(Some(2))), (6, 7, Read(Some(1)))];
    check("a double effect of a lost write", &lost_twice, Some(3));
    check("out of thin air", &[(1, 2, Write(Some(1))), (3, 4, Read(Some(9)))], Some(1));
    check("from the future", &[(1, 2, Read(Some(1))), (3, 4, Write(Some(1)))], Some(0));
    let split = [
        (1, 10, Write(Some(1))),
        (2, 9, Write(Some(2))),
        (3, 4, Read(Some(1))),
        (5, 6, Read(Some(2))),
        (7, 8, Read(Some(1))),
    ];
    check("two that see two orders", &split, Some(4));
}

/// Tries every order of every subset of the unanswered operations.
fn slow_judge(content: Content, left: &[Operation]) -> bool {
    let first_answer = left.iter().filter_map(|operation| operation.answered).min();
    let Some(first_answer) = first_answer else { return true };
    (0..left.len()).filter(|index| left[*index].called < first_answer).any(|index| {
        let mut rest = left.to_vec();
        let operation = rest.remove(index);
        match operation.effect {
            Write(written) => slow_judge(written, &rest),
            Read(read) => (operation.answered.is_none() || read == content) && slow_judge(content, &rest),
        }
    })
}

fn effects() -> impl Strategy<Value = Effect> {
    let content = prop_oneof![Just(None), (1u32..4).prop_map(Some)];
    (any::<bool>(), content).prop_map(|(writes, content)| if writes { Write(content) } else { Read(content) })
}

/// A history of overlapping clients with the answers of a correct register: each operation takes effect at one moment,
/// is called before that, and is answered after it or never.
fn true_history() -> impl Strategy<Value = Vec<Operation>> {
    prop::collection::vec((effects(), 0u64..4, 0u64..4, 0u8..8), 1..40).prop_map(|all| {
        let mut content = None;
        let operations = all.into_iter().enumerate().map(|(index, (effect, before, after, fate))| {
            let effect = match effect {
                Read(_) => Read(content),
                // Fate 0: the host died before the write was done; it is never seen.
                Write(written) if fate == 0 => Write(written),
                Write(written) => {
                    content = written;
                    Write(written)
                }
            };
            let (instant, index) = ((index as u64 + 10) * 1000, index as u64);
            let called = instant - before * 1000 - 500 + index;
            let answered = (fate > 1).then_some(instant + after * 1000 + 500 + index);
            Operation { called, answered, effect }
        });
        operations.collect()
    })
}

proptest! {
    #[test]
    fn what_a_register_did_is_right(history in true_history()) {
        prop_assert_eq!(first_wrong(None, &history), None);
    }

    #[test]
    fn the_verdict_is_that_of_trying_every_order(
        all in prop::collection::vec((effects(), 0u64..6, 0u8..5), 0..8)
    ) {
        let operations = all.into_iter().enumerate().map(|(index, (effect, length, fate))| {
            let called = index as u64 * 10;
            Operation { called, answered: (fate > 0).then_some(called + length * 10 + 5), effect }
        });
        let history: Vec<_> = operations.collect();
        prop_assert_eq!(first_wrong(None, &history).is_none(), slow_judge(None, &history));
    }

    #[test]
    fn a_read_of_what_nobody_wrote_is_found(history in true_history(), which in any::<prop::sample::Index>()) {
        let mut history = history;
        let reads: Vec<_> = (0..history.len())
            .filter(|index| matches!(history[*index].effect, Read(_)) && history[*index].answered.is_some())
            .collect();
        prop_assume!(!reads.is_empty());
        let index = reads[which.index(reads.len())];
        history[index].effect = Read(Some(77));
        prop_assert_eq!(first_wrong(None, &history), Some(history[index]));
    }
}
