//! Services that take what they can get: their neighbours answer all the same.

use std::time::Duration;

use futures::future::join_all;

use super::{Pair, spawn, until};
use crate::guest::{now, runtime};

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

#[tokio::test]
async fn a_host_without_a_free_instance_says_so_and_recovers() {
    let pair = Pair::on(runtime(2), |_, _| {});
    let figures = || pair.front.service.figures();
    let others = async {
        until("all instances are taken", || figures().in_flight == 2).await;
        for function in ["back.read", "back.write"] {
            assert_eq!(pair.call(function, "say well").await, "back is not available: no instance is free");
        }
    };
    let (one, nested, ()) = tokio::join!(pair.front("sleep 200"), pair.front("sleep 100; back.read{say well}"), others);
    assert_eq!((one.as_str(), nested.as_str()), ("", "unavailable: back is not available: no instance is free"));
    for _ in 0..10 {
        assert_eq!(pair.front("back.read{say well}").await, "well");
    }
}
