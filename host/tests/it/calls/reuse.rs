//! Answers that are given again: when, and when not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use switchyard::call::{Backend, Candidate, Origin, RootCall, Routing, Share};
use switchyard::names::Identity;

use super::{Pair, said, spawn};

/// What came of a call, and whether it did not run.
async fn asked(pair: &Pair, function: &str, script: &str) -> (String, bool) {
    asked_by(pair, "anna", function, script).await
}

async fn asked_by(pair: &Pair, id: &str, function: &str, script: &str) -> (String, bool) {
    let identity = Some(Identity { id: id.into(), role: "customer".into(), session: None });
    let call = RootCall { identity, ..pair.root(function, script) };
    let called = pair.calls.call(call, &pair.calls.routing(), Origin::HOST).await;
    let reused = called.as_ref().is_ok_and(|called| called.reused);
    (said(called.map(|called| called.answer)), reused)
}

/// Asks twice, and then once more after each of `changes`, which say whether the answer is given again then.
async fn check(pair: &Pair, script: &str, changes: &[(&str, &str, bool)]) {
    for function in ["front.read", "front.look"] {
        assert!(!asked(pair, function, script).await.1, "{function} {script}: the first call runs");
        assert!(asked(pair, function, script).await.1, "{function} {script}: the second call does not");
        for (service, change, is_reused) in changes {
            pair.call(&format!("{service}.write"), change).await;
            let before = asked(pair, function, script).await;
            assert_eq!(before.1, *is_reused, "{function} {script}, after {service}: {change}");
            // A call that writes runs always.
            let fresh = pair.front(script).await;
            assert_eq!(before.0, fresh, "{function} {script}, after {service}: {change}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_given_again_until_a_commit_touches_what_it_has_read() {
    let pair = Pair::new();
    pair.front("set n 1; set p/b 1; set p/d 1; set q 1").await;
    pair.back("set m 1; set p/b 1").await;
    check(&pair, "get n", &[("front", "set q 2", true), ("front", "set n 2", false), ("back", "set n 3", true)]).await;
    check(&pair, "get none", &[("front", "set other 1", true), ("front", "add none", false)]).await;
    check(&pair, "refuse no; get n", &[("front", "add n", true)]).await;
    let scans = [("front", "set p/c 1", false), ("front", "delete p/b", false), ("front", "set q/p/x 1", true)];
    check(&pair, "page p/ 1", &scans).await;
    check(&pair, "page p/ 1000", &[("front", "add p/c", false), ("front", "set p/z 1", false)]).await;
    // The last page from the end: what lies before it does not matter.
    pair.front("set r/1 1; set r/2 1; set r/3 1").await;
    check(&pair, "last r/ 1", &[("front", "add r/1", true), ("front", "add r/3", false)]).await;
    check(&pair, "last r/ 1", &[("front", "add r/4", false)]).await;
}

#[tokio::test]
async fn an_answer_depends_on_what_the_calls_below_it_have_read() {
    let pair = Pair::new();
    pair.back("set m 1; set p/b 1").await;
    let nested = [("back", "add other", true), ("back", "add m", false), ("front", "add m", true)];
    check(&pair, "back.read{get m}", &nested).await;
    check(&pair, "back.read{page p/ 1}", &[("back", "add p/c", false), ("back", "delete p/b", false)]).await;
    let deep =
        [("front", "add n", false), ("back", "add m", false), ("front", "add k", false), ("back", "add n", true)];
    check(&pair, "get n; back.read{get m; front.read{get k}}; back.read{get m}", &deep).await;
    // The answer of the call below is given again in a run of another caller, and what it read counts there.
    pair.back("set m 1").await;
    assert_eq!(asked(&pair, "front.read", "say a; back.read{get m}").await, ("a,1".into(), false));
    assert_eq!(asked(&pair, "front.read", "say b; back.read{get m}").await, ("b,1".into(), false));
    pair.back("add m").await;
    assert_eq!(asked(&pair, "front.read", "say b; back.read{get m}").await, ("b,2".into(), false));
}

#[tokio::test]
async fn a_call_that_writes_gets_answers_of_reading_calls_again() {
    let pair = Pair::new();
    pair.back("set m 1").await;
    let hits = || pair.back.service.figures().reused;
    for (count, m, reused) in [("1", "1", 0), ("2", "1", 1), ("3", "1", 2)] {
        assert_eq!(pair.front("add n; back.read{get m}").await, format!("{count},{m}"));
        assert_eq!(hits(), reused);
    }
    assert_eq!(pair.front("back.read{get m}; back.write{add m}; back.read{get m}").await, "1,2,2");
    assert_eq!(pair.front("add n; back.read{get m}").await, "4,2");
}

#[tokio::test]
async fn what_differs_from_run_to_run_is_not_given_again() {
    let pair = Pair::new();
    for script in [
        "time",
        "id",
        "sleep 1; get n",
        "print hello; get n",
        "back.read{time}; get n",
        "back.read{id}",
        "back.read{front.read{print hello}}",
        // A service below is not available, and the caller goes on.
        "back.read{panic why}; say on",
    ] {
        for _ in 0..3 {
            assert!(!asked(&pair, "front.read", script).await.1, "{script}");
        }
    }
    let tables: BTreeSet<_> =
        [asked(&pair, "front.read", "random; say a").await, asked(&pair, "front.read", "random; say b").await]
            .map(|(answer, _)| answer.split(',').next().map(str::to_owned))
            .into();
    assert_eq!(tables.len(), 1, "all reading calls have one seed for hash tables: {tables:?}");
    assert!(asked(&pair, "front.read", "random; say a").await.1);
    assert_ne!(pair.front("random").await, pair.front("random").await, "a call that writes has its own");
}

#[tokio::test]
async fn a_caller_gets_an_answer_of_another_one_only_if_nothing_asked_who_it_is() {
    let pair = Pair::new();
    for (id, script, answer, reused) in [
        ("anna", "say x", "x", false),
        ("bob", "say x", "x", true),
        ("anna", "who", "anna/customer by a client", false),
        ("bob", "who", "bob/customer by a client", false),
        ("anna", "who", "anna/customer by a client", true),
        ("bob", "who", "bob/customer by a client", true),
        ("anna", "back.read{who}", "anna/customer by front", false),
        ("bob", "back.read{who}", "bob/customer by front", false),
        ("bob", "back.read{who}", "bob/customer by front", true),
    ] {
        assert_eq!(asked_by(&pair, id, "front.read", script).await, (answer.into(), reused), "{id}: {script}");
    }
    // The same function and arguments, called by a client and by a service.
    assert_eq!(asked(&pair, "back.read", "who").await.0, "anna/customer by a client");
    assert_eq!(asked(&pair, "front.read", "say x; back.read{who}").await.0, "x,anna/customer by front");
}

#[tokio::test]
async fn another_release_and_another_version_of_the_data_are_asked_again() {
    let pair = Pair::new();
    let script = "release; back.read{release}";
    for (front, back) in [("1", "1"), ("2", "1"), ("2", "2"), ("1", "1")] {
        pair.begin_on([pair.front.release(&pair.runtime, front), pair.back.release(&pair.runtime, back)]);
        assert_eq!(asked(&pair, "front.read", script).await, (format!("{front},{back}"), false));
        assert_eq!(asked(&pair, "front.read", script).await, (format!("{front},{back}"), true));
    }
    let store = pair.stores.service(pair.back.service.name()).unwrap();
    let details = switchyard::store::CommitDetails { call: switchyard::names::CallId([7; 16]), data_version: Some(1) };
    store.begin().commit(details).await.unwrap();
    assert!(!asked(&pair, "front.read", script).await.1, "the data of back has another version");
}

#[tokio::test]
async fn while_a_candidate_is_compared_each_call_of_its_service_runs() {
    let pair = Pair::new();
    let [front, back] = [pair.front.release(&pair.runtime, "1"), pair.back.release(&pair.runtime, "1")];
    let candidate =
        |share| Candidate { backend: pair.back.release(&pair.runtime, "2"), share, header: None, reads_only: false };
    for (share, release) in [(Share::NONE, "1"), (Share::ALL, "2")] {
        let members = [front.clone(), back.clone()];
        pair.calls.swap(Routing::new(&members, vec![candidate(share)], &[]).unwrap());
        for _ in 0..3 {
            let asked = asked(&pair, "front.read", "back.read{release}").await;
            assert_eq!(asked, (release.into(), false));
        }
    }
    pair.begin_on([front, back]);
    assert_eq!(asked(&pair, "front.read", "back.read{release}").await.0, "1");
    assert_eq!(asked(&pair, "front.read", "back.read{release}").await, ("1".into(), true));
}

#[tokio::test]
async fn a_service_can_be_kept_from_reuse_also_below_others() {
    let pair = Pair::with(|_, back| back.reuse = false);
    for _ in 0..3 {
        assert!(!asked(&pair, "back.read", "get m").await.1);
        assert!(!asked(&pair, "front.read", "back.read{get m}").await.1);
    }
    assert!(!asked(&pair, "front.read", "get n").await.1);
    assert!(asked(&pair, "front.read", "get n").await.1);
}

/// An answer whose calls nest as deep as they may is no answer for a caller that is deeper.
#[tokio::test]
async fn an_answer_is_given_again_only_where_its_calls_could_nest_as_deep() {
    let pair = Pair::with(|front, back| (front.call_depth_max, back.call_depth_max) = (3, 3));
    let script = "back.read{front.read{say third}}";
    assert_eq!(asked(&pair, "front.read", script).await, ("third".into(), false));
    assert_eq!(asked(&pair, "front.read", script).await, ("third".into(), true));
    let deeper = asked(&pair, "back.read", &format!("front.read{{{script}}}")).await.0;
    assert_eq!(deeper, "unavailable: back went over call_depth_max");
}

/// The circuit of a service is open: nothing that depends on it is answered, with a run or without.
#[tokio::test]
async fn an_open_circuit_is_not_hidden() {
    let pair = Pair::with(|_, back| back.circuit_failures = 1);
    assert_eq!(asked(&pair, "front.read", "back.read{get m}").await.0, "none");
    pair.back("panic why").await;
    let open = "unavailable: back is not available: its circuit is open after too many failures";
    assert_eq!(asked(&pair, "front.read", "back.read{get m}").await, (open.into(), false));
}

/// Limits that change with an apply are those of the next call.
#[tokio::test]
async fn other_limits_ask_again() {
    let pair = Pair::new();
    let [front, back] = [pair.front.release(&pair.runtime, "1"), pair.back.release(&pair.runtime, "1")];
    pair.begin_on([front.clone(), back.clone()]);
    let script = "back.read{say x}";
    assert_eq!(asked(&pair, "front.read", script).await, ("x".into(), false));
    let limits = switchyard::config::LimitSettings { call_depth_max: 1, ..pair.front.limits.clone() };
    pair.begin_on([Backend { service: Arc::new(pair.front.service.within(limits)), ..front }, back]);
    assert_eq!(asked(&pair, "front.read", script).await, ("front went over call_depth_max".into(), false));
}

/// A register with many readers and one writer: no read that begins after an acknowledged write shows an earlier value.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_is_older_than_what_was_acknowledged_before_it_began() {
    let pair = Pair::new();
    let acknowledged = Arc::new(AtomicU64::new(0));
    let readers = (0..6).map(|reader| {
        let (pair, acknowledged) = (Arc::clone(&pair), Arc::clone(&acknowledged));
        let scripts = ["back.read{get n}", "back.read{front.read{back.read{get n}}}", "back.read{page n 1}"];
        let script = scripts[reader % scripts.len()];
        spawn(async move {
            let mut last = 0;
            while last < 300 {
                let at_least = acknowledged.load(Ordering::SeqCst).max(last);
                let answer = pair.call("front.read", script).await;
                // A reused answer waits for nothing, and the writer needs a thread too.
                tokio::task::yield_now().await;
                let value = answer.rsplit('=').next().unwrap_or_default();
                let value =
                    if matches!(value, "" | "none") { 0 } else { value.parse().unwrap_or_else(|_| panic!("{answer}")) };
                assert!(value >= at_least, "{script}: {value} after {at_least}");
                last = value;
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for value in 1..=300 {
        assert_eq!(pair.back("add n").await, value.to_string());
        acknowledged.store(value, Ordering::SeqCst);
        if value % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    for reader in join_all(readers).await {
        reader.unwrap();
    }
    let figures = pair.front.service.figures();
    assert!(figures.reused > 100, "too little was reused: {figures:?}");
}
