//! Swaps under load from many connections: no request fails, and each answer is of exactly one release.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;

use super::components::says;
use super::{Rig, act, look, until};
use crate::guest::now;

/// Connections that call all the time.
const CLIENTS: u8 = 8;

/// What the connections were told.
#[derive(Debug, Default)]
struct Told {
    calls: usize,
    /// The releases of `front` and `back` that calls met.
    met: BTreeSet<(String, String)>,
    millis: Vec<u128>,
}

impl Told {
    /// In milliseconds; all that a call took, its way through the client included.
    fn percentile(&mut self, percent: usize) -> u128 {
        self.millis.sort_unstable();
        self.millis[(self.millis.len() - 1) * percent / 100]
    }
}

/// Calls from many connections, half of which write, until `changes` is done. Every answer is one of both services that
/// begins and ends on the same releases.
async fn under_load(rig: &Rig, round: &str, changes: impl Future<Output = ()>) -> Told {
    let stop = Arc::new(AtomicBool::new(false));
    let client = async |number: u8| {
        let (public, mut told, mut added) = (rig.client_from([127, 0, 6, number]), Told::default(), 0);
        while !stop.load(Ordering::Relaxed) {
            let began = now();
            let script = "variant; back.read{variant; front.read{variant}}; back.read{variant}";
            let answer = match number % 2 {
                0 => look(&public, script).await,
                _ => {
                    added += 1;
                    let script = format!("{script}; back.write{{add {round}-{number}}}; add {round}-{number}");
                    let answer = act(&public, &script).await;
                    let count = format!(",{added},{added}");
                    answer.strip_suffix(&count).unwrap_or_else(|| panic!("{answer}, not {count}")).to_owned()
                }
            };
            told.millis.push(began.elapsed().as_millis());
            let [front, back, below, again] = answer.split(',').collect::<Vec<_>>()[..] else { panic!("{answer}") };
            assert_eq!((front, back), (below, again), "{answer}");
            told.met.insert((front.into(), back.into()));
            told.calls += 1;
        }
        told
    };
    let changes = async {
        changes.await;
        stop.store(true, Ordering::Relaxed);
    };
    let (all, ()) = tokio::join!(join_all((1..=CLIENTS).map(client)), changes);
    all.into_iter()
        .reduce(|one, other| Told {
            calls: one.calls + other.calls,
            met: &one.met | &other.met,
            millis: [one.millis, other.millis].concat(),
        })
        .unwrap()
}

/// Changes of each service.
const CHANGES: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_while_both_services_are_swapped_two_hundred_times() {
    let rig = Rig::pair("").await;
    let components = ["1", "2", "3", "4"].map(says);
    let wait = async {
        until("some calls", async || rig.service("front").await["figures"]["calls"].as_u64() > Some(500)).await;
    };
    let mut quiet = under_load(&rig, "quiet", wait).await;
    let swaps = async {
        for change in 0..CHANGES {
            for service in ["front", "back"] {
                // A rollback now and then is a swap, too.
                match change % 4 {
                    3 => rig.change(service, "rollback").await.expect(200),
                    _ => rig.deploy(service, "", components[(change + 1) % 4].clone()).await.expect(201),
                };
            }
        }
    };
    let began = now();
    let mut told = under_load(&rig, "swaps", swaps).await;
    assert!(told.met.len() > 8, "too few releases were met for the test to show anything: {:?}", told.met);
    let lines = rig.history().await.len();
    assert_eq!(lines, 2 + 2 * CHANGES);
    // For the reader of the test's output.
    let (without, with, took) = (quiet.percentile(99), told.percentile(99), began.elapsed());
    println!("{} swaps in {took:?}, {} calls; p99 {with} ms, without swaps {without} ms", 2 * CHANGES, told.calls);
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_sees_one_of_a_set_without_the_other() {
    let rig = Rig::pair("").await;
    let sets = async {
        for change in 0..60 {
            let release = says(&format!("{}", change % 3 + 2));
            rig.deploy_set(&[("front", release.clone()), ("back", release)]).await.expect(201);
        }
    };
    let told = under_load(&rig, "sets", sets).await;
    let apart: Vec<_> = told.met.iter().filter(|(front, back)| front != back).collect();
    assert!(apart.is_empty(), "{apart:?}");
    assert!(told.met.len() > 2, "too few releases were met for the test to show anything: {:?}", told.met);
    assert!(told.calls > 100 && told.millis.iter().all(|took| *took < Duration::from_secs(20).as_millis()));
}
