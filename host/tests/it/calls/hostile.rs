//! Services that use all they can get: their neighbours still answer.

use std::time::Duration;

use futures::future::join_all;

use super::{Pair, spawn, until};
use crate::guest::now;

/// Longest that half of the calls to a neighbour may take: each spinning call may go before it for a tick of the epoch,
/// of a millisecond, at each of its steps.
const NEIGHBOUR_MEDIAN_MAX: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbour_answers_soon_while_eight_calls_spin_on_two_threads() {
    let pair = Pair::with(|front, _| front.deadline_ms = 3_000);
    let spinning = (0..8).map(|_| {
        let pair = std::sync::Arc::clone(&pair);
        spawn(async move { pair.front("spin").await })
    });
    let spinning: Vec<_> = spinning.collect();
    until("all spin", || pair.front.service.figures().in_flight == 8).await;
    let mut took = Vec::new();
    for n in 1..=11 {
        let begun = now();
        assert_eq!(pair.back("add n").await, n.to_string());
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    assert!(took[5] < NEIGHBOUR_MEDIAN_MAX, "{took:?}");
    assert_eq!(pair.front.service.figures().in_flight, 8, "they were at it all the time");
    for ended in join_all(spinning).await {
        assert_eq!(ended.unwrap(), "the deadline of the call to front passed");
    }
}

/// The host has 16 instances, of which one is for runs that are no calls, and each service can rely on one.
#[tokio::test]
async fn a_service_that_takes_all_instances_leaves_its_neighbour_those_that_are_reserved() {
    let pair = Pair::on(16, |front, back| (front.wait_ms_max, back.wait_ms_max) = (100, 100));
    let figures = || pair.front.service.figures();
    let greedy = join_all((0..20).map(|_| pair.front("sleep 1500")));
    let neighbour = async {
        until("all instances are taken", || figures().errors.unavailable == 6).await;
        for function in ["back.read", "back.write"] {
            assert_eq!(pair.call(function, "say well").await, "well");
        }
        assert_eq!(figures().in_flight, 14, "the other calls had ended, and the test shows nothing");
    };
    let (greedy, ()) = tokio::join!(greedy, neighbour);
    let refused = greedy.iter().filter(|answer| *answer == "front is not available: no instance is free");
    assert_eq!(refused.count(), 6, "{greedy:?}");
}

#[tokio::test]
async fn a_call_waits_for_a_free_instance_as_it_waits_for_its_turn() {
    let pair = Pair::on(2, |front, back| (front.instances_reserved, back.instances_reserved) = (0, 0));
    let calls = (0..10).map(|_| pair.front("sleep 20; say well"));
    assert_eq!(join_all(calls).await, ["well"; 10]);
}
