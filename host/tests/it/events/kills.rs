//! A host that is killed with SIGKILL while it delivers: each event that was acknowledged takes effect once, in its order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::calls::spawn;
use crate::guest::component;
use crate::releases::http::Client;
use crate::releases::process::Process;
use crate::releases::{Setup, until};

const SEED: u64 = 20_261_124;
const ROUNDS: usize = 20;

/// The same numbers in every run of this test.
fn draws() -> impl FnMut(u64) -> u64 {
    let mut random = SEED;
    move |below| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    }
}

async fn run(operator: &Client, service: &str, script: &str) -> bool {
    let body = json!({ "script": script }).to_string();
    let path = format!("/services/{service}/call/run");
    operator.try_send("POST", &path, body).await.is_ok_and(|answer| answer.status == 200)
}

/// What the sink has taken of the events with `key`.
async fn taken(operator: &Client, key: &str) -> Vec<usize> {
    let answer = operator.post_json("/services/sink/call/look", &json!({ "key": key })).await.expect(200);
    answer.as_str().unwrap().split_whitespace().map(|event| event.parse().unwrap()).collect()
}

/// Events that one call emits: while they are delivered the next ones are on their way to the disk.
const AT_ONCE: usize = 25;

/// Emits events with `key`, until the host is gone; those that are acknowledged are in `acknowledged`. `next` is the
/// number of the next one.
async fn emit(operator: Client, key: &str, next: &AtomicUsize, acknowledged: &std::sync::Mutex<Vec<usize>>) {
    loop {
        let first = next.fetch_add(AT_ONCE, Ordering::SeqCst);
        let (end, script) = (first + AT_ONCE, format!("fail-if broken; append {key}"));
        if !run(&operator, "source", &format!("emit-each {first} {end} {key} {{{script}}}")).await {
            return;
        }
        acknowledged.lock().unwrap().extend(first..end);
    }
}

#[derive(Default)]
struct Emitter {
    next: AtomicUsize,
    acknowledged: std::sync::Mutex<Vec<usize>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_while_it_delivers_loses_no_event_and_repeats_none() {
    let keys = "[events]\nretry_ms_min = 5\nretry_ms_max = 20\nattempts_max = 1000";
    let setup = Setup::new("limits.circuit_failures = 1_000_000")
        .service("source", "test:events/source-service", &component("emits.wasm"))
        .service("sink", "test:events/sink-service", &component("takes.wasm"))
        .with(keys);
    setup.write_manifest();
    let mut draw = draws();
    let emitters = Arc::new([Emitter::default(), Emitter::default()]);
    let mut host = Process::start(setup.folder.path()).await;
    for _ in 0..ROUNDS {
        assert!(run(&host.operator, "sink", "delete broken").await);
        let stop = Arc::new(AtomicBool::new(false));
        let emits = (0..2).map(|index| {
            let (operator, emitters) = (host.operator.clone(), Arc::clone(&emitters));
            spawn(async move {
                let Emitter { next, acknowledged } = &emitters[index];
                emit(operator, ["a", "b"][index], next, acknowledged).await;
            })
        });
        let emits: Vec<_> = emits.collect();
        // Deliveries fail for a while, so that there are failed deliveries, too.
        let (operator, breaks, stopped) = (host.operator.clone(), draw(3) == 0, Arc::clone(&stop));
        let breaking = spawn(async move {
            while breaks && !stopped.load(Ordering::SeqCst) {
                run(&operator, "sink", "set broken 1").await;
                run(&operator, "sink", "delete broken").await;
            }
        });
        tokio::time::sleep(Duration::from_millis(draw(60))).await;
        host.kill().await;
        stop.store(true, Ordering::SeqCst);
        for task in emits.into_iter().chain([breaking]) {
            task.await.unwrap();
        }
        host = Process::start(setup.folder.path()).await;
    }
    assert!(run(&host.operator, "sink", "delete broken").await);
    let settled = async || {
        let taken: Value = host.operator.get("/events/sink").await.expect(200);
        taken["items"][0]["lagEvents"] == 0 && taken["failedDeliveries"].as_array().unwrap().is_empty()
    };
    until("everything is delivered", settled).await;
    for (key, emitter) in ["a", "b"].into_iter().zip(&*emitters) {
        let taken = taken(&host.operator, key).await;
        let what = format!("seed {SEED}, key {key}: {taken:?}");
        assert!(taken.is_sorted_by(|one, other| one < other), "twice, or out of order: {what}");
        let acknowledged = emitter.acknowledged.lock().unwrap();
        let lost: Vec<_> = acknowledged.iter().filter(|event| !taken.contains(event)).collect();
        assert_eq!(lost, Vec::<&usize>::new(), "{what}");
        assert!(acknowledged.len() > ROUNDS * AT_ONCE / 4, "{} are too few", acknowledged.len());
    }
}
