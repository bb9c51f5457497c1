//! Functions that run on time: once for each period, one after the other, whatever becomes of a run.

use switchyard::events::ScheduleView;

use super::{Rig, Setup, unix_micros};
use crate::guest::now;

const CLOCK: [(&str, &str); 2] = [("clock", "clock"), ("source", "source")];

/// That of `test:events/ticks`.
const PERIOD_MICROS: u64 = 100_000;

/// The times of the runs that appended theirs.
fn times(log: &str) -> Vec<u64> {
    log.split_whitespace().map(|time| time.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_runs_once_in_a_period() {
    let mut rig = Setup::new(&CLOCK).start();
    rig.run("clock", "set tick stamp log").await;
    let mut runs = 0;
    for _ in 0..3 {
        rig.becomes("three more runs", || times(&rig.look_now("clock", "log")).len() >= runs + 3).await;
        runs = times(&rig.look_now("clock", "log")).len();
        rig = rig.stop().await.start();
    }
    let times = times(&rig.look("clock", "log").await);
    assert!(times.iter().all(|time| time % PERIOD_MICROS == 0), "it sees when it was due: {times:?}");
    assert!(times.is_sorted_by(|one, other| one < other), "no period has two: {times:?}");
}

/// That of `toll`: long enough that nothing is late by it.
const TOLL_MICROS: u64 = 2_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_slot_runs_once_after_a_stop() {
    let rig = Setup::new(&CLOCK).start();
    rig.run("clock", "set toll stamp log").await;
    rig.becomes("a run", || !rig.look_now("clock", "log").is_empty()).await;
    let rig = rig.stop().await.prepare(|_, _| {});
    let before = times(&rig.look_now("clock", "log"));
    // One run is missed, and the next is due since just now.
    let due_at = before.last().unwrap() + 2 * TOLL_MICROS;
    rig.becomes("time passes", || unix_micros() > due_at).await;
    rig.run_all();
    rig.becomes("a run", || times(&rig.look_now("clock", "log")).len() > before.len()).await;
    let after: Vec<_> = before.into_iter().chain([due_at]).collect();
    assert_eq!(times(&rig.look_now("clock", "log")), after, "the one that is due now, and not the missed one too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_longer_than_its_period_is_not_overtaken() {
    let rig = Setup::new(&CLOCK).start();
    let begin = now();
    rig.run("clock", "set tick sleep 250").await;
    let calls = rig.service("clock").figures().calls;
    rig.passes(2_000).await;
    let (runs, most) = (rig.service("clock").figures().calls - calls, begin.elapsed().as_millis() / 250 + 1);
    assert!(runs > 0 && u128::from(runs) <= most, "{runs} runs, {most} fit in one after the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_an_effect_elsewhere_continues_and_no_other_begins_before_its_end() {
    let rig = Setup::new(&CLOCK).start();
    rig.run("clock", "set broken 1").await;
    rig.run("clock", "set tick {tell {append heard 1}; fail-if broken; delete tick}").await;
    rig.comes("source", "heard", "1").await;
    rig.passes(500).await;
    assert!(tick(&rig).unwrap().running);
    let rig = rig.stop().await.start();
    rig.passes(500).await;
    assert_eq!(rig.look("source", "heard").await, "1", "another run has begun");
    rig.run("clock", "delete broken").await;
    rig.comes("clock", "tick", "").await;
    rig.becomes("the next run", || tick(&rig).is_some_and(|tick| !tick.running && tick.failures == 0)).await;
    assert_eq!(rig.look("source", "heard").await, "1", "the same run was made again");
}

/// What the operator sees of `tick`, once it is known.
fn tick(rig: &Rig) -> Option<ScheduleView> {
    rig.events.schedules(None).into_iter().find(|schedule| schedule.function.ends_with("#tick"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_fails_is_reported_and_goes_on() {
    let rig = Setup::new(&CLOCK).start();
    rig.run("clock", "set broken 1").await;
    rig.run("clock", "set tick fail-if broken").await;
    let view = || tick(&rig);
    rig.becomes("failures", || view().is_some_and(|schedule| schedule.failures >= 2)).await;
    let failing = view().unwrap();
    assert_eq!((failing.function.as_str(), failing.every_ms), ("test:events/ticks@1#tick", 100));
    assert_eq!(failing.error.as_deref(), Some("clock failed"));
    let rig = rig.stop().await.start();
    let view = || tick(&rig);
    rig.becomes("the count goes on", || view().is_some_and(|schedule| schedule.failures > failing.failures)).await;
    rig.run("clock", "delete broken").await;
    rig.becomes("a good run", || view().is_some_and(|schedule| schedule.failures == 0 && schedule.error.is_none()))
        .await;
}
