//! Calls that want the same key: each counts once, the answers that it got of others stay, and each has its turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;

use super::{Pair, spawn};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_of_hundreds_of_concurrent_increments_counts() {
    const AT_ONCE: usize = 400;
    let pair = Pair::new();
    let adds = (0..AT_ONCE).map(|_| {
        let pair = Arc::clone(&pair);
        spawn(async move { pair.front("add n").await.parse::<usize>().unwrap() })
    });
    let mut given: Vec<_> = join_all(adds).await.into_iter().map(Result::unwrap).collect();
    given.sort_unstable();
    assert_eq!(given, (1..=AT_ONCE).collect::<Vec<_>>(), "each saw the one before it");
    assert!(pair.front.service.figures().conflicts > 0, "nobody was in anybody's way: the test shows nothing");
}

/// The nested call comes back to change what its caller has read, so that the caller runs twice.
#[tokio::test]
async fn a_call_that_runs_again_gets_the_first_answer_of_its_nested_call() {
    let pair = Pair::new();
    assert_eq!(pair.front("get n; back.write{add m; front.write{add n}}; add n").await, "1,1,1,2");
}

/// The nested call has the time or the random number in its arguments: if the second run saw others, there were two calls.
#[tokio::test]
async fn a_call_that_runs_again_sees_the_same_time_and_randomness() {
    for fixed in ["time", "random"] {
        let pair = Pair::new();
        pair.front(&format!("{fixed}; back.write{{add at-%; front.write{{below n 1}}}}; get n; add done")).await;
        assert_eq!(pair.front.service.figures().conflicts, 1, "{fixed}");
        assert_eq!(pair.call("back.read", "keys at-").await, "1", "{fixed}");
    }
}

/// The first run tells `back` that there is no `n`, the second that it is 1: another call, which is made.
#[tokio::test]
async fn a_run_that_takes_another_path_makes_new_nested_calls() {
    let pair = Pair::new();
    let answer = pair.front("get n; back.write{add saw-%}; front.write{below n 1}; set done yes").await;
    assert_eq!(answer, "1,1,1");
    assert_eq!((pair.get("back", "saw-none").await, pair.get("back", "saw-1").await), ("1".into(), "1".into()));
    assert_eq!(pair.get("front", "done").await, "yes");
}

/// Each run makes another nested call, which draws its own random numbers: `back` never draws one id twice.
#[tokio::test]
async fn a_nested_call_that_replaces_another_has_other_randomness() {
    let pair = Pair::new();
    let answer = pair.front("get n; back.write{say %; random; set id-% taken}; front.write{below n 1}; add done").await;
    assert!(answer.starts_with("1,1,"), "{answer}");
    assert_eq!(pair.call("back.read", "keys id-").await, "2");
}

/// Without an exclusive run the slow call would conflict with the quick ones for ever. With it, it runs four times.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_call_ends_while_quick_ones_write_its_key_without_pause() {
    let pair = Pair::new();
    let (stop, quick) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writers = (0..8).map(|_| {
        let (pair, stop, quick) = (Arc::clone(&pair), Arc::clone(&stop), Arc::clone(&quick));
        spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                pair.front("add n").await.parse::<u64>().unwrap();
                quick.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for _ in 0..3 {
        let slow = timeout(Duration::from_secs(15), pair.front("get n; sleep 200; add n; add slow")).await;
        assert!(slow.is_ok_and(|answer| answer.split(',').count() == 3));
    }
    stop.store(true, Ordering::Relaxed);
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    assert_eq!(pair.get("front", "slow").await, "3");
    assert_eq!(pair.get("front", "n").await, (quick.load(Ordering::Relaxed) + 3).to_string());
}

/// In three runs the call below it changes `n`. The fourth run is exclusive, and the call below it may write all the same.
#[tokio::test]
async fn an_exclusive_run_may_call_back_into_its_own_service() {
    let pair = Pair::new();
    let script = "get n; back.write{front.write{below n 3; add with-%}}; add done";
    let answer = timeout(Duration::from_secs(15), pair.front(script)).await.expect("it waits for itself");
    assert_eq!(answer, "3,3,1,1");
    assert_eq!(pair.front.service.figures().conflicts, 3);
    assert_eq!(pair.get("front", "with-3").await, "1");
}

#[tokio::test]
async fn a_call_that_never_agrees_with_the_calls_below_it_fails() {
    let pair = Pair::with(|front, _| front.deadline_ms = 2_000);
    let said = pair.front("get n; back.write{say %; front.write{add n}}; add done").await;
    // The calls below it wrote: so it is not left at that.
    assert_eq!(said, "the call to front has not ended yet, and continues");
    assert_eq!(pair.calls.intents()[0].last_error.as_deref(), Some("front failed"));
    assert_eq!((pair.get("front", "n").await, pair.get("front", "done").await), ("6".into(), "none".into()));
}

/// In its exclusive run each writes in the other's service.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exclusive_runs_that_write_in_each_others_service_do_not_deadlock() {
    let pair = Pair::new();
    let front = "get n; back.write{say %; front.write{below n 3}}; if n 3{sleep 100; back.write{add m}}; add done";
    let back = "get n; front.write{say %; back.write{below n 3}}; if n 3{sleep 100; front.write{add m}}; add done";
    let both = async { tokio::join!(pair.front(front), pair.back(back)) };
    let (front, back) = timeout(Duration::from_secs(15), both).await.expect("each waits for the other");
    assert_eq!((front.as_str(), back.as_str()), ("3,3,3,1,1", "3,3,3,1,1"));
}
