//! Smoke calls: whether a component starts and answers, whatever its types claim.

use std::sync::Arc;
use std::time::Duration;

use switchyard::config::{Grant, LimitSettings};
use switchyard::contract::Contracts;
use switchyard::runtime::{Failure, IsolatedFrame, LinkSettings, Program, Runtime, SmokeReport, SmokedFunction};
use switchyard::store::{StoreError, Transaction};

use crate::guest::{Guest, limits, link_settings, now, runtime};

/// So long that every call begins.
const LONG: Duration = Duration::from_secs(3_600);

async fn smoke(runtime: &Runtime, scenario: &str) -> Result<SmokeReport, Failure> {
    let environment = vec![("SCENARIO".into(), scenario.into())];
    let limits = LimitSettings { deadline_ms: 200, ..limits() };
    let settings = LinkSettings { environment, ..link_settings(limits) };
    let guest = Guest::of("migrates.wasm", "test:migrates/notebook", settings, runtime);
    smoke_of(&guest, &guest.program, LONG).await
}

/// Calls the functions of `program` on empty stores, each with other random numbers.
async fn smoke_of(guest: &Guest, program: &Arc<Program>, begins_for: Duration) -> Result<SmokeReport, Failure> {
    let mut seed = 0;
    let mut frame = || {
        seed += 1;
        IsolatedFrame { transaction: Transaction::scratch(), seed: [seed; 32], ..guest.isolated() }
    };
    program.smoke(&mut frame, now() + begins_for).await
}

fn names(report: &SmokeReport, that: fn(&SmokedFunction) -> bool) -> Vec<&str> {
    report.functions.iter().filter(|smoked| that(smoked)).map(|smoked| &*smoked.function.name.wit).collect()
}

fn answered(report: &SmokeReport) -> Vec<&str> {
    names(report, |smoked| smoked.answered > 0 && smoked.called_others == 0 && smoked.failed == 0)
}

fn called_others(report: &SmokeReport) -> Vec<&str> {
    names(report, |smoked| smoked.called_others > 0)
}

#[tokio::test]
async fn every_function_is_called_with_several_arguments_and_answers() {
    let report = smoke(&runtime(1), "").await.unwrap();
    assert_eq!(answered(&report), ["note", "count", "pair", "write", "add"]);
    let calls: Vec<_> = report.functions.iter().map(|smoked| smoked.answered).collect();
    assert!(calls.iter().all(|calls| (3..=4).contains(calls)), "{calls:?}");
    assert_eq!(names(&report, |smoked| smoked.repeats_ids), [""; 0]);
}

#[tokio::test]
async fn a_component_answers_although_a_smoke_call_reaches_nothing_outside() {
    let runtime = runtime(1);
    let settings =
        LinkSettings { outbound_hosts: vec![Grant::parse("example.com").unwrap()], ..link_settings(limits()) };
    let guest = Guest::of("fetches.wasm", "test:fetches/fetcher", settings, &runtime);
    let report = smoke_of(&guest, &guest.program, LONG).await.unwrap();
    let answers = |smoked: &SmokedFunction| smoked.answered > 0 && !smoked.is_faulty();
    assert_eq!((names(&report, answers), called_others(&report)), (vec!["fetch"], vec![]));
}

#[tokio::test]
async fn a_call_that_goes_on_to_another_service_ends_there_and_is_no_failure() {
    let report = smoke(&runtime(1), "read-asks").await.unwrap();
    assert_eq!((answered(&report), called_others(&report)), (vec!["count", "pair", "write", "add"], vec!["note"]));
    assert_eq!(names(&report, SmokedFunction::is_faulty), [""; 0]);
}

#[tokio::test]
async fn a_component_that_does_not_answer_is_found_out() {
    let runtime = runtime(1);
    let check = async |scenario: &str, function: &str, due: fn(&Failure) -> bool| {
        let report = smoke(&runtime, scenario).await.unwrap();
        assert_eq!(names(&report, SmokedFunction::is_faulty), [function], "{scenario}");
        let failure = report.functions.iter().find_map(|smoked| smoked.failure.as_ref()).unwrap();
        assert!(due(failure), "{scenario}: {failure}");
    };
    check("read-panics", "note", |failure| matches!(failure, Failure::Trap { .. })).await;
    check("read-spins", "note", |failure| matches!(failure, Failure::Deadline)).await;
    check("read-writes", "note", |failure| matches!(failure, Failure::Store(StoreError::ReadOnly))).await;
    check("read-emits", "note", |failure| matches!(failure, Failure::Store(StoreError::ReadOnly))).await;
    check("write-panics", "write", |failure| matches!(failure, Failure::Trap { .. })).await;
    check("write-spins", "write", |failure| matches!(failure, Failure::Deadline)).await;
}

/// A trap for some arguments is a fault of a function that only reads, if they are the simplest ones.
#[tokio::test]
async fn a_function_that_fails_for_some_arguments_is_reported_and_not_faulty() {
    let report = smoke(&runtime(1), "write-panics-on-nothing").await.unwrap();
    let failed = |smoked: &SmokedFunction| smoked.failed > 0;
    assert_eq!((names(&report, failed), names(&report, SmokedFunction::is_faulty)), (vec!["write"], vec![]));
}

#[tokio::test]
async fn ids_that_do_not_depend_on_the_random_numbers_of_the_host_are_found_out() {
    let report = smoke(&runtime(1), "add-frozen").await.unwrap();
    assert_eq!(names(&report, |smoked| smoked.repeats_ids), ["add"]);
}

#[tokio::test]
async fn without_time_nothing_is_called_but_what_is_needed_to_know_that_a_function_always_fails() {
    let runtime = runtime(1);
    let guest = Guest::of("migrates.wasm", "test:migrates/notebook", link_settings(limits()), &runtime);
    let report = smoke_of(&guest, &guest.program, Duration::ZERO).await.unwrap();
    assert_eq!(names(&report, |smoked| smoked.not_called.is_some()).len(), report.functions.len());
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
    let smoked = smoke_of(&guest, &program, LONG).await;
    assert!(matches!(smoked, Err(Failure::Trap { .. })), "{smoked:?}");
}

#[tokio::test]
async fn a_full_host_is_not_held_against_the_component() {
    let runtime = runtime(1);
    let guest = Guest::new(&runtime, limits());
    let waits = guest.finish("wait", &[], guest.frame(crate::guest::Peer::Never));
    tokio::pin!(waits);
    assert!(futures::poll!(&mut waits).is_pending());
    let smoked = smoke_of(&guest, &guest.program, LONG).await;
    assert!(matches!(smoked, Err(Failure::Slots { .. })), "{smoked:?}");
}
