//! Open intents on a disk that blocks its syncs, and on one that fails.

use std::sync::Arc;

use wasmtime::component::Val;

use super::Rig;
use crate::call::{CallError, HostCall};
use crate::journal::simulated::Fault;
use crate::names::{CallId, CommitSeq};
use crate::store::CommitDetails;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
async fn a_retry_on_live_releases_is_confirmed_when_it_is_durable() {
    let rig = Rig::new();
    rig.leave_intent().await;
    rig.disk.hold_syncs();
    let (calls, id) = (rig.calls.clone(), rig.calls.intents()[0].id);
    let last = rig.stores.last();
    let mut retry = tokio::spawn(async move { calls.retry_intent(id, true).await });
    rig.soon("the commit of the retry", || rig.stores.last() > last).await;
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut retry).await;
    // Before any assertion can fail: a blocked disk would block the end of the test.
    rig.disk.let_syncs_go();
    assert!(early.is_err(), "it was confirmed before it was durable");
    assert!(retry.await.unwrap().unwrap().on_live);
}

/// These calls are the first to notice: the failed commit was the host's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_journal_has_stopped_no_guest_runs_that_may_write() {
    let rig = Rig::new();
    rig.leave_intent().await;
    rig.disk.plan(0, Fault::PowerLoss);
    let routing = rig.calls.routing();
    let front = Arc::clone(
        &routing.live().backends().find(|backend| backend.service.name().as_str() == "front").unwrap().service,
    );
    let mut transaction = front.store().begin();
    transaction.set("lost", "1").unwrap();
    let committed = transaction.commit(CommitDetails { call: CallId([1; 16]), data_version: None }).await;
    if let Ok(number) = committed {
        rig.stores.wait_durable(number).await.unwrap_err();
    }
    let before = front.figures().calls;
    let root = rig.begin("write", "add n").await.unwrap();
    assert!(matches!(root, Err(CallError::Stopped(_))), "{root:?}");
    let keyed = rig.begin_with("front", "write", "add n", Some("k")).await.unwrap();
    assert!(matches!(keyed, Err(CallError::Stopped(_))), "{keyed:?}");
    let release = &routing.live().backend(front.name()).unwrap().release;
    let mut functions = release.world.exports.iter().flat_map(|interface| &interface.functions);
    let delivery = HostCall {
        service: front.name().clone(),
        function: Arc::clone(functions.find(|function| &*function.name.wit == "write").unwrap()),
        arguments: vec![Val::String("add n".into())],
        calling_service: None,
        cause: "an event".into(),
        caused_by: CommitSeq(0),
        time_unix_micros: 1,
        rows: Vec::new(),
        intent: false,
        span: crate::observe::traces::ParentSpan::none(),
    };
    let delivery = rig.calls.run_host_call(delivery, &routing).await;
    assert!(matches!(delivery, Err(CallError::Stopped(_))), "{delivery:?}");
    let recovering = rig.recover();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    recovering.abort();
    assert_eq!(front.figures().calls, before, "a guest ran for nothing");
    assert_eq!(rig.calls.intents().len(), 1, "the next start goes on with it");
}
