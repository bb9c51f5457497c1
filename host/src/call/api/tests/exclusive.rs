//! Exclusive runs of services that write in each other.

use std::time::Duration;

use super::Rig;
use crate::call::engine::exclusive::ExclusiveRun;
use crate::clock;
use crate::names::ServiceName;

/// All of them lock in one order, whatever service they begin in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
async fn exclusive_runs_that_begin_at_once_do_not_wait_for_each_other() {
    let rig = Rig::new();
    let runs = ["front", "back"].map(|service| {
        let (routing, service) = (rig.calls.routing(), ServiceName::parse(service).unwrap());
        tokio::spawn(async move {
            for _ in 0..20_000 {
                let deadline = clock::now() + Duration::from_secs(10);
                let run = ExclusiveRun::begin(routing.live(), &service, deadline).await;
                drop(run.expect("the other one has what it waits for, and waits"));
            }
        })
    });
    for run in runs {
        run.await.unwrap();
    }
}
