//! The output gate: no client learns of a commit that is not durable.

use tokio::task::JoinHandle;
use wasmtime::component::Val;

use super::Rig;
use crate::call::{Answer, CallError};
use crate::journal::simulated::Fault;

/// Calls that write in either service, and calls that read something of it: each would reveal commits that may be lost.
const TOUCHED: [(&str, &str); 7] = [
    ("write", "add n"),
    ("write", "back.write{add m}"),
    ("write", "back.write{add m}; refuse no"),
    ("write", "get n; panic why"),
    ("read", "get n"),
    ("read", "back.read{get m}"),
    ("write", "keys n"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_reveals_what_is_not_durable_and_calls_that_saw_nothing_of_it_do_not_wait() {
    let rig = Rig::new();
    let begun = rig.begin_held(&TOUCHED).await;
    let let_out: Vec<_> = begun.iter().zip(TOUCHED).filter(|(call, _)| call.is_finished()).collect();
    // Before any assertion can fail: a blocked disk would block the end of the test.
    rig.disk.let_syncs_go();
    assert!(let_out.is_empty(), "{let_out:?}");
    let mut answers = Vec::new();
    for call in begun {
        answers.push(call.await.unwrap());
    }
    assert!(matches!(&answers[2], Ok(Answer::Err(_))) && matches!(&answers[3], Err(CallError::Failed { .. })));
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Answer::Ok(_)))).count(), 5, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_disk_fails_writes_are_refused_and_reads_of_durable_data_continue() {
    let rig = Rig::new();
    let begun = rig.begin_held(&TOUCHED).await;
    rig.disk.plan(0, Fault::PowerLoss);
    rig.disk.let_syncs_go();
    for (call, touched) in begun.into_iter().zip(TOUCHED) {
        let answer = call.await.unwrap();
        assert!(matches!(answer, Err(CallError::Stopped(_))), "{touched:?}: {answer:?}");
    }
    assert!(rig.begin("read", "get untouched").await.unwrap().is_ok());
    let answer = rig.begin("write", "add other").await.unwrap();
    assert!(matches!(answer, Err(CallError::Stopped(_))), "{answer:?}");
}

/// An answer that is given again shows the same commits as a run, so it waits for the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_given_again_waits_for_the_commits_that_it_shows() {
    let rig = Rig::new();
    let reused = || rig.reused();
    let begun = rig
        .begin_held(&[
            ("write", "add n"),
            ("read", "get n"),
            ("read", "get n"),
            ("read", "back.read{front.read{get n}}"),
        ])
        .await;
    let let_out: Vec<_> = begun.iter().map(JoinHandle::is_finished).collect();
    rig.disk.let_syncs_go();
    assert_eq!(let_out, [false; 4]);
    assert!(reused() >= 2, "{} answers were given again", reused());
    for call in begun {
        let Ok(Answer::Ok(Some(Val::String(answer)))) = call.await.unwrap() else { panic!("no answer") };
        assert_eq!(answer, "1");
    }
}
