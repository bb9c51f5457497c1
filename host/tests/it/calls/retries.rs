//! Retries: requests with a key, and calls that run again after a failure or a crash.

use std::sync::Arc;
use std::time::Duration;

use switchyard::call::{
    CallError, Calls, IntentError, Origin, PinnedReleases, RequestKey, RequestScope, RootCall, RoutingTable,
};
use switchyard::names::{CallId, Digest, ServiceName};
use switchyard::store::CommitDetails;

use super::{Pair, spawn, until};
use crate::guest::now;

const NOBODYS: CallId = CallId([0; 16]);

/// A host that has no releases but the live ones.
pub(crate) struct NoOthers;

impl PinnedReleases for NoOthers {
    fn table(&self, _releases: &[(ServiceName, Digest)]) -> Option<Arc<RoutingTable>> {
        None
    }
}

/// Continues the open intents of `calls`.
fn recover(calls: &Calls) -> tokio::task::JoinHandle<()> {
    spawn(calls.clone().recover(Arc::new(NoOthers)))
}

#[tokio::test]
async fn a_request_with_a_key_has_one_effect_and_one_answer() {
    let pair = Pair::new();
    assert_eq!(pair.call_once("k", "front.write", "add n; say done").await, ("1,done".into(), false));
    for _ in 0..3 {
        assert_eq!(pair.call_once("k", "front.write", "add n; say done").await, ("1,done".into(), true));
    }
    assert_eq!(pair.call_once("other", "front.write", "add n; say done").await, ("2,done".into(), false));
    assert_eq!(pair.get("front", "n").await, "2");
}

#[tokio::test]
async fn a_key_identifies_one_request() {
    let pair = Pair::new();
    pair.call_once("k", "front.write", "add n").await;
    let (said, replayed) = pair.call_once("k", "front.write", "add n; add n").await;
    assert_eq!((said.as_str(), replayed), ("the idempotency key was used for another request: use a new key", false));
    assert_eq!(pair.get("front", "n").await, "1");
}

#[tokio::test]
async fn a_refusal_is_kept_as_an_answer_and_a_temporary_failure_is_not() {
    let pair = Pair::new();
    for replayed in [false, true] {
        let check = async |script: &str, said: &str| {
            assert_eq!(pair.call_once(script, "front.write", script).await, (said.into(), replayed), "{script}");
        };
        check("add a; refuse no", "refused: no").await;
        check("add b; decline broke", "declined: broke").await;
    }
    assert_eq!((pair.get("front", "a").await, pair.get("front", "b").await), ("none".into(), "1".into()));
    for attempt in ["1", "2"] {
        let (said, replayed) = pair.call_once("k", "front.write", "back.write{add c}; if stop yes{panic why}").await;
        assert_eq!((said.as_str(), replayed), ("1,", attempt == "2"));
    }
    for _ in 0..2 {
        // The circuit of a service, or a trap, is no answer: it may be well the next time.
        assert_eq!(pair.call_once("p", "front.write", "panic why").await, ("front failed".into(), false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_with_one_key_run_once_and_get_one_answer() {
    let pair = Pair::new();
    let one = |_| {
        let pair = Arc::clone(&pair);
        spawn(async move { pair.call_once("k", "front.write", "add n; back.write{add m}; sleep 20; random").await })
    };
    let calls: Vec<_> = (0..32).map(one).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|(_, replayed)| !replayed).count(), 1);
    assert!(answers.iter().all(|(answer, _)| *answer == answers[0].0), "{answers:?}");
    assert_eq!((pair.get("front", "n").await, pair.get("back", "m").await), ("1".into(), "1".into()));
}

/// It gets answers of `back`, and then fails while `stop` is set.
const STOPPED: &str = "add n; back.read{get r}; back.write{add m}; back.write{if r old{refuse no}; add k}; \
                       back.write{add l}; if stop yes{panic stopped}; say done";
const TOLD: &str = "1,old,1,refused: no,1,,done";

/// Begins [`STOPPED`], which fails, and gives what comes of it in the end.
async fn begin_stopped(pair: &Arc<Pair>) -> tokio::task::JoinHandle<(String, bool)> {
    pair.back("set r old").await;
    pair.front("set stop yes").await;
    let begun = Arc::clone(pair);
    spawn(async move { begun.call_once("k", "front.write", STOPPED).await })
}

/// Lets it end, on data that has changed since.
async fn let_go(pair: &Pair) {
    pair.back("set r new").await;
    pair.front("set stop no").await;
}

async fn all_is_done_once(pair: &Pair) {
    for (service, key, value) in
        [("front", "n", "1"), ("back", "m", "1"), ("back", "k", "none"), ("back", "l", "1"), ("back", "r", "new")]
    {
        assert_eq!(pair.get(service, key).await, value, "{service} {key}");
    }
}

fn attempts(calls: &Calls) -> u32 {
    calls.intents().first().map_or(0, |intent| intent.attempts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_fails_after_an_effect_elsewhere_runs_again_and_repeats_no_effect() {
    let pair = Pair::new();
    let recovering = recover(&pair.calls);
    let answer = begin_stopped(&pair).await;
    until("the call that is made again", || attempts(&pair.calls) > 1).await;
    assert_eq!(pair.calls.intents()[0].last_error.as_deref(), Some("front failed"));
    let_go(&pair).await;
    assert_eq!(answer.await.unwrap(), (TOLD.into(), false));
    assert_eq!(pair.calls.intents(), []);
    all_is_done_once(&pair).await;
    assert_eq!(pair.call_once("k", "front.write", STOPPED).await, (TOLD.into(), true));
    recovering.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_a_crash_cut_short_continues_and_repeats_no_effect() {
    let pair = Pair::with(|front, _| front.deadline_ms = 200);
    let (said, _) = begin_stopped(&pair).await.await.unwrap();
    assert_eq!(said, "the call to front has not ended yet, and continues");
    let pair = pair.restart();
    assert_eq!(pair.calls.find_intents().unwrap(), 1);
    let_go(&pair).await;
    let recovering = recover(&pair.calls);
    until("the end of what was begun", || pair.calls.intents().is_empty()).await;
    all_is_done_once(&pair).await;
    assert_eq!(pair.call_once("k", "front.write", STOPPED).await, (TOLD.into(), true));
    recovering.abort();
    recovering.await.unwrap_err();
    assert_eq!(pair.restart().calls.find_intents().unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_waits_for_its_call_that_continues_after_a_restart() {
    let pair = Pair::with(|front, _| front.deadline_ms = 500);
    begin_stopped(&pair).await.await.unwrap();
    let pair = pair.restart();
    pair.calls.find_intents().unwrap();
    let (said, _) = pair.call_once("k", "front.write", STOPPED).await;
    assert_eq!(said, "the deadline of the call to front passed", "it does not run beside what is to go on");
    let_go(&pair).await;
    let recovering = recover(&pair.calls);
    assert_eq!(pair.call_once("k", "front.write", STOPPED).await, (TOLD.into(), true));
    all_is_done_once(&pair).await;
    recovering.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_always_fails_harms_nobody_and_can_be_abandoned() {
    let pair = Pair::with(|front, _| {
        front.deadline_ms = 100;
        front.circuit_failures = 5;
    });
    let recovering = recover(&pair.calls);
    begin_stopped(&pair).await.await.unwrap();
    until("many attempts", || attempts(&pair.calls) > 8).await;
    assert_eq!(pair.front("add other").await, "1", "the circuit is closed");
    let id = pair.calls.intents()[0].id;
    assert!(matches!(pair.calls.hold_intent(NOBODYS), Err(IntentError::Unknown)));
    let held = loop {
        match pair.calls.hold_intent(id) {
            Ok(held) => break held,
            Err(error) => assert!(matches!(error, IntentError::Running), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    assert!(matches!(pair.calls.hold_intent(id), Err(IntentError::Running)));
    let details = CommitDetails { call: id, data_version: None };
    held.closing().commit(details).await.unwrap();
    held.closed();
    assert_eq!(pair.calls.intents(), []);
    recovering.abort();
    recovering.await.unwrap_err();
    let pair = pair.restart();
    assert_eq!(pair.calls.find_intents().unwrap(), 0);
    // The key is free again: what comes is a new attempt with effects of its own.
    let_go(&pair).await;
    let (said, replayed) = pair.call_once("k", "front.write", STOPPED).await;
    assert_eq!((said.as_str(), replayed), ("1,new,2,,1,2,,done", false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_that_the_operator_retries_runs_at_once() {
    let pair = Pair::with(|front, _| front.deadline_ms = 100);
    begin_stopped(&pair).await.await.unwrap();
    let id = pair.calls.intents()[0].id;
    let_go(&pair).await;
    assert_eq!(pair.calls.retry_intent(id, false).await.unwrap().due_in_ms, 0);
    assert!(matches!(pair.calls.retry_intent(NOBODYS, false).await, Err(IntentError::Unknown)));
    let recovering = recover(&pair.calls);
    until("its end", || pair.calls.intents().is_empty()).await;
    all_is_done_once(&pair).await;
    recovering.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callee_that_fails_after_an_effect_is_repeated_and_not_reported_as_unavailable() {
    let pair = Pair::new();
    let recovering = recover(&pair.calls);
    pair.back("set stop yes").await;
    let begun = Arc::clone(&pair);
    let script = "back.write{add m; front.write{add n}; if stop yes{panic stopped}; say through}; add done";
    let answer = spawn(async move { begun.front(script).await });
    until("the call that is made again", || attempts(&pair.calls) > 1).await;
    pair.back("set stop no").await;
    assert_eq!(answer.await.unwrap(), "1,1,,through,1");
    for (service, key) in [("back", "m"), ("front", "n"), ("front", "done")] {
        assert_eq!(pair.get(service, key).await, "1", "{service} {key}");
    }
    recovering.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_that_a_crash_cut_short_end_soon_after_the_start() {
    const CALLS: usize = 1_000;
    let pair = Pair::with(|front, _| front.calls_waiting_max = CALLS);
    pair.front("set stop yes").await;
    let begin = |number: usize| {
        let script = format!("back.write{{add m-{number}}}; if stop yes{{panic stopped}}; set n-{number} done");
        let pair = Arc::clone(&pair);
        spawn(async move { pair.front(&script).await })
    };
    let clients: Vec<_> = (0..CALLS).map(begin).collect();
    until("all of them", || pair.calls.intents().len() == CALLS).await;
    for client in clients {
        client.abort();
        client.await.unwrap_err();
    }
    let pair = pair.restart();
    pair.front("set stop no").await;
    let begin = now();
    assert_eq!(pair.calls.find_intents().unwrap(), CALLS);
    let recovering = recover(&pair.calls);
    until("the end of what was begun", || pair.calls.intents().is_empty()).await;
    let took = begin.elapsed();
    println!("{CALLS} calls ended {took:?} after the start");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(pair.call("front.read", "keys n-").await, CALLS.to_string());
    for number in 0..CALLS {
        assert_eq!(pair.get("back", &format!("m-{number}")).await, "1");
    }
    recovering.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_and_randomness_are_the_same_in_every_run_of_a_call() {
    let pair = Pair::with(|front, _| front.deadline_ms = 300);
    pair.front("set stop yes").await;
    let script = "time; back.write{add time-%}; random; back.write{add random-%}; if stop yes{panic stopped}";
    pair.call_once("k", "front.write", script).await;
    let pair = pair.restart();
    pair.calls.find_intents().unwrap();
    pair.front("set stop no").await;
    let recovering = recover(&pair.calls);
    until("its end", || pair.calls.intents().is_empty()).await;
    for prefix in ["time-", "random-"] {
        assert_eq!(pair.call("back.read", &format!("keys {prefix}")).await, "1", "{prefix}");
    }
    // Another call has others.
    pair.call_once("l", "front.write", script).await;
    for prefix in ["time-", "random-"] {
        assert_eq!(pair.call("back.read", &format!("keys {prefix}")).await, "2", "{prefix}");
    }
    recovering.abort();
}

/// All answers are persisted before it writes elsewhere, also if they need several commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_may_get_larger_answers_than_one_commit_holds_before_it_writes_elsewhere() {
    let pair = Pair::with(|_, back| back.answer_bytes_max = 1 << 20);
    let answers = pair.front("repeat 9{back.read{big 1000000}}; back.write{add m}; say well").await;
    assert!(answers.ends_with(",1,well"), "{}", answers.get(answers.len().saturating_sub(80)..).unwrap_or_default());
}

#[tokio::test]
async fn a_client_that_fills_its_share_of_kept_answers_is_refused_and_no_other() {
    let pair = Pair::with(|front, _| front.kept_bytes_max = 1 << 20);
    let as_guest = async |client: &[u8], key: &str| {
        let scope = RequestScope { caller: "", client, path_has_secret: false, method: "POST", path: "/" };
        let root = pair.root("front.write", "big 1000");
        let key = Some(RequestKey::new(scope, key, &root.arguments));
        pair.calls.call(RootCall { key, ..root }, &pair.calls.routing(), Origin::HOST).await
    };
    let mut kept = 0;
    let refused = loop {
        match as_guest(b"1", &kept.to_string()).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
        assert!(kept < 100, "the share of one client ends");
    };
    assert!(kept > 1);
    let CallError::Unavailable { why, retry_after_s, .. } = refused else { panic!("{refused:?}") };
    assert!(why.contains("this client") && retry_after_s >= 1, "{why} {retry_after_s}");
    assert!(as_guest(b"1", "0").await.unwrap().replayed, "what was kept is still there");
    as_guest(b"2", "0").await.expect("the share of another client");
}
