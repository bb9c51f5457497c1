//! A panic of the host during a call is an error like a trap, and the call releases all its resources.
//!
//! The tasks of these tests share one thread, in which the fail points are armed.

use std::time::Duration;

use wasmtime::component::Val;

use super::Rig;
use crate::call::{Answer, CallError};
use crate::fail_point::{Action, arm, of_calls};

/// It writes in both services. Some points are in a host function of its guest, others after the end of the guest.
const SCRIPT: &str = "add n; back.write{add m}; add done";

async fn get(rig: &Rig, service: &str, key: &str) -> String {
    match rig.begin_with(service, "read", &format!("get {key}"), None).await.unwrap() {
        Ok(Answer::Ok(Some(Val::String(text)))) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn wherever_the_host_panics_a_repeated_request_has_one_effect() {
    for point in of_calls().filter(|point| !point.starts_with("delivery.")) {
        let rig = Rig::new();
        let recovering = rig.recover();
        let armed = arm(point, 1, Action::Panic);
        let first = rig.begin_with("front", "write", SCRIPT, Some("k")).await.unwrap();
        drop(armed);
        // If the callee panics before its commit, it counts as unavailable, and the caller continues.
        let is_unavailable = matches!(&first, Ok(Answer::Ok(Some(Val::String(text)))) if text.contains("unavailable"));
        let has_recovered = matches!(&first, Ok(Answer::Ok(Some(Val::String(text)))) if text == "1,1,1");
        assert!(
            is_unavailable || has_recovered || matches!(first, Err(CallError::Failed { .. })),
            "{point}: {first:?}"
        );
        rig.soon("the end of the intent", || rig.calls.intents().is_empty()).await;
        let second = rig.begin_with("front", "write", SCRIPT, Some("k")).await.unwrap();
        assert!(matches!(second, Ok(Answer::Ok(_))), "{point}: {second:?}");
        let m = if is_unavailable { "none" } else { "1" };
        for (service, key, value) in [("front", "n", "1"), ("back", "m", m), ("front", "done", "1")] {
            assert_eq!(get(&rig, service, key).await, value, "{point}: {service} {key}");
        }
        for backend in rig.calls.routing().live().backends() {
            assert_eq!(backend.service.figures().in_flight, 0, "{point}: {}", backend.service.name());
        }
        recovering.abort();
    }
}

#[tokio::test]
async fn panics_do_not_stop_the_recovery_of_others() {
    let rig = Rig::new();
    // More than can run at once, and each panics several times.
    for number in 0..6 {
        let armed = arm("memo.after-commit", 1, Action::Panic);
        let script = format!("back.write{{add m-{number}}}; add n-{number}");
        let call = rig.begin_with("front", "write", &script, None);
        rig.soon("the intent", || rig.calls.intents().len() == number + 1).await;
        call.abort();
        drop(armed);
    }
    let armed: Vec<_> = (0..18).map(|_| arm("intent.before-close", 1, Action::Panic)).collect();
    let recovering = rig.recover();
    rig.soon("the end of all", || rig.calls.intents().is_empty()).await;
    drop(armed);
    for number in 0..6 {
        assert_eq!(get(&rig, "front", &format!("n-{number}")).await, "1");
        assert_eq!(get(&rig, "back", &format!("m-{number}")).await, "1");
    }
    recovering.abort();
}

#[tokio::test]
async fn a_panic_in_an_exclusive_run_gives_its_locks_back() {
    let rig = Rig::new();
    // In three runs the nested call changes data that its caller has read: the fourth run is exclusive.
    let script = "get n; back.write{say %; front.write{below n 3}}; add done";
    let armed = arm("intent.before-close", 4, Action::Panic);
    let recovering = rig.recover();
    let first = rig.begin_with("front", "write", script, Some("k")).await.unwrap();
    drop(armed);
    assert_eq!((get(&rig, "front", "n").await.as_str(), get(&rig, "front", "done").await.as_str()), ("3", "1"));
    for service in ["front", "back"] {
        let call = rig.begin_with(service, "write", "add other", None);
        let call = tokio::time::timeout(Duration::from_secs(5), call).await.expect("nobody holds a lock").unwrap();
        assert!(call.is_ok(), "{first:?}, {call:?}");
    }
    recovering.abort();
}
