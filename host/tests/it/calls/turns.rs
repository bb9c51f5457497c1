//! Calls that would change the same key take turns, after one of them lost a commit. Others wait for nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use switchyard::call::{Origin, RootCall};
use tokio::time::timeout;
use wasmtime::component::Val;

use super::{Pair, said, spawn};

/// Calls `front.keyed`, which names `key`.
async fn keyed(pair: &Pair, key: &str, script: &str) -> String {
    let function = pair.function("front", "keyed");
    let arguments = vec![Val::String(key.into()), Val::String(script.into())];
    let root = RootCall { function, arguments, ..pair.root("front.write", script) };
    said(pair.calls.call(root, &pair.calls.routing(), Origin::HOST).await.map(|called| called.answer))
}

/// `callers` make `count` calls of `call` in all.
async fn many<F: Future<Output = ()> + Send>(
    callers: usize,
    count: usize,
    call: impl Fn(usize) -> F + Send + Sync + 'static,
) {
    let (call, next) = (Arc::new(call), Arc::new(AtomicUsize::new(0)));
    let callers = (0..callers).map(|_| {
        let (call, next) = (Arc::clone(&call), Arc::clone(&next));
        spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                call(number).await;
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    join_all(callers).await.into_iter().for_each(Result::unwrap);
}

/// Without turns there are more conflicts than commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_change_one_key_seldom_lose() {
    const CALLS: usize = 4_000;
    const CALLERS: usize = 256;
    for key in ["n", "another"] {
        let pair = Pair::with(|front, _| front.calls_in_flight_max = CALLERS);
        let called = Arc::clone(&pair);
        // The second has only the function in common with those before it.
        many(CALLERS, CALLS, move |_| {
            let pair = Arc::clone(&called);
            async move { assert!(keyed(&pair, key, "add n").await.parse::<usize>().is_ok()) }
        })
        .await;
        assert_eq!(pair.get("front", "n").await, CALLS.to_string());
        let figures = pair.front.service.figures();
        assert!(figures.conflicts > 0 && figures.turns > 0, "nobody was in anybody's way: {figures:?}");
        assert!(figures.conflicts < CALLS as u64 / 20, "{key}: {figures:?}");
    }
}

/// The first run of the slow call loses to `below`. It sleeps in its turn for the second, until its deadline.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_on_another_key_does_not_wait_and_one_on_the_same_key_waits_until_its_deadline() {
    let pair = Pair::with(|front, _| front.deadline_ms = 3_000);
    let slow = {
        let pair = Arc::clone(&pair);
        spawn(async move { keyed(&pair, "tea", "get tea; sleep 500; if tea 1{sleep 100000}; add tea").await })
    };
    super::until("the slow call runs", || pair.front.service.figures().in_flight == 1).await;
    assert_eq!(keyed(&pair, "tea", "add tea").await, "1");
    super::until("the slow call lost", || pair.front.service.figures().conflicts == 1).await;
    for count in 1..=20 {
        assert_eq!(keyed(&pair, "cocoa", "add cocoa").await, count.to_string());
    }
    assert_eq!(pair.front.service.figures().turns, 0);
    assert!(!slow.is_finished(), "it is too slow for the test to show anything");
    let waits = {
        let pair = Arc::clone(&pair);
        spawn(async move { keyed(&pair, "tea", "add tea").await })
    };
    assert_eq!(slow.await.unwrap(), "the deadline of the call to front passed");
    assert_eq!(waits.await.unwrap(), "2");
    assert_eq!(pair.front.service.figures().turns, 1);
}

/// Each calls the other service, where calls wait for turns too. A call that kept its turn meanwhile would wait for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_across_two_services_do_not_wait_for_each_other() {
    let pair = Pair::with(|front, back| (front.calls_in_flight_max, back.calls_in_flight_max) = (256, 256));
    let called = Arc::clone(&pair);
    let all = many(64, 800, move |number| {
        let pair = Arc::clone(&called);
        async move {
            let (answer, expected) = match number % 4 {
                0 => (pair.front("add n; back.write{add n}; say ok").await, 3),
                1 => (pair.back("add n; front.write{add n}; say ok").await, 3),
                2 => (keyed(&pair, "n", "add n; say ok").await, 2),
                _ => (pair.back("add n; say ok").await, 2),
            };
            assert!(answer.ends_with("ok") && answer.split(',').count() == expected, "{answer}");
        }
    });
    timeout(Duration::from_secs(15), all).await.expect("calls wait for each other until their deadline");
    assert_eq!((pair.get("front", "n").await, pair.get("back", "n").await), ("600".into(), "600".into()));
    assert!(pair.front.service.figures().turns > 0 && pair.back.service.figures().turns > 0);
}
