//! Smoke calls: whether a component starts and answers, whatever its types claim.

use std::sync::Arc;

use switchyard::config::{Grant, LimitSettings};
use switchyard::contract::{Contracts, Function};
use switchyard::runtime::{Failure, LinkSettings, Runtime, SmokeFailure, SmokeReport};
use switchyard::store::StoreError;

use crate::guest::{Guest, limits, link_settings, runtime};

async fn smoke(runtime: &Runtime, scenario: &str) -> Result<SmokeReport, SmokeFailure> {
    let environment = vec![("SCENARIO".into(), scenario.into())];
    let limits = LimitSettings { deadline_ms: 200, ..limits() };
    let settings = LinkSettings { environment, ..link_settings(limits) };
    let guest = Guest::of("migrates.wasm", "test:migrates/notebook", settings, runtime);
    guest.program.smoke(|| guest.isolated_read()).await
}

fn names(functions: &[Arc<Function>]) -> Vec<&str> {
    functions.iter().map(|function| &*function.name.wit).collect()
}

#[tokio::test]
async fn every_function_is_called_that_only_reads_and_needs_next_to_nothing() {
    let runtime = runtime(1);
    let report = smoke(&runtime, "").await.unwrap();
    assert_eq!((names(&report.answered), names(&report.called_others)), (vec!["note", "count"], vec![]));
}

#[tokio::test]
async fn a_component_answers_although_a_smoke_call_reaches_nothing_outside() {
    let runtime = runtime(1);
    let settings =
        LinkSettings { outbound_hosts: vec![Grant::parse("example.com").unwrap()], ..link_settings(limits()) };
    let guest = Guest::of("fetches.wasm", "test:fetches/fetcher", settings, &runtime);
    let report = guest.program.smoke(|| guest.isolated_read()).await.unwrap();
    assert_eq!((names(&report.answered), names(&report.called_others)), (vec!["fetch"], vec![]));
}

#[tokio::test]
async fn a_call_that_goes_on_to_another_service_ends_there_and_is_no_failure() {
    let report = smoke(&runtime(1), "read-asks").await.unwrap();
    assert_eq!((names(&report.answered), names(&report.called_others)), (vec!["count"], vec!["note"]));
}

#[tokio::test]
async fn a_component_that_does_not_answer_is_found_out() {
    let runtime = runtime(1);
    let check = async |scenario: &str, due: fn(&Failure) -> bool| {
        let smoked = smoke(&runtime, scenario).await;
        let Err(SmokeFailure::Call { function, source }) = smoked else { panic!("{scenario}: {smoked:?}") };
        assert_eq!(&*function.name.wit, "note", "{scenario}");
        assert!(due(&source), "{scenario}: {source}");
    };
    check("read-panics", |failure| matches!(failure, Failure::Trap { .. })).await;
    check("read-spins", |failure| matches!(failure, Failure::Deadline)).await;
    check("read-writes", |failure| matches!(failure, Failure::Store(StoreError::ReadOnly))).await;
    check("read-emits", |failure| matches!(failure, Failure::Store(StoreError::ReadOnly))).await;
}

/// It has the types of its contract, which asks for nothing, and traps before anything could be called.
#[tokio::test]
async fn a_component_that_does_not_start_is_found_out() {
    let runtime = runtime(1);
    let bytes = wat::parse_str(
        "(component
            (core module $m (func $begin unreachable) (start $begin))
            (core instance (instantiate $m)))",
    );
    let wit = tempfile::tempdir().unwrap();
    let package = wit.path().join("nothing");
    std::fs::create_dir(&package).unwrap();
    std::fs::write(package.join("nothing.wit"), "package test:nothing@1.0.0; world nothing {}").unwrap();
    let world = Contracts::read(wit.path()).unwrap().world("test:nothing/nothing").unwrap();
    let code = runtime.compile(&bytes.unwrap()).unwrap();
    let program = runtime.link(&code, &world, link_settings(limits())).unwrap();
    let guest = Guest::new(&runtime, limits());
    let smoked = program.smoke(|| guest.isolated_read()).await;
    assert!(matches!(smoked, Err(SmokeFailure::Start(Failure::Trap { .. }))), "{smoked:?}");
}

#[tokio::test]
async fn a_full_host_is_not_held_against_the_component() {
    let runtime = runtime(1);
    let guest = Guest::new(&runtime, limits());
    let waits = guest.finish("wait", &[], guest.frame(crate::guest::Peer::Never));
    tokio::pin!(waits);
    assert!(futures::poll!(&mut waits).is_pending());
    let smoked = guest.program.smoke(|| guest.isolated_read()).await;
    assert!(matches!(smoked, Err(SmokeFailure::Start(Failure::Slots { .. }))), "{smoked:?}");
}
