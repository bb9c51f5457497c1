//! Where a subscriber starts and continues, also while releases change.

use switchyard::config::EventsFrom;

use super::{PAIR, Setup, numbers, unix_micros};

const PLAIN: [(&str, &str); 2] = [("source", "source"), ("sink", "plain")];
const WIDE: [(&str, &str); 2] = [("source", "source"), ("sink", "wide-sink")];

#[tokio::test(flavor = "multi_thread")]
async fn a_late_subscriber_starts_with_the_oldest_event_or_at_its_release_as_configured() {
    for (from, log) in [(EventsFrom::Beginning, "1 2 3 4"), (EventsFrom::Now, "3 4")] {
        let mut rig = Setup { from, ..Setup::new(&PLAIN) }.start();
        rig.run("source", "emit a {append log 1}; emit a {append log 2}").await;
        // A start in between changes nothing.
        let deployed_at = unix_micros();
        rig.swap(&PAIR, deployed_at);
        rig.run("source", "emit a {append log 3}").await;
        rig.comes("sink", "log", log.strip_suffix(" 4").unwrap()).await;
        let setup = Setup { deployed_at, ..rig.stop().await };
        let rig = setup.start();
        rig.run("source", "emit a {append log 4}").await;
        rig.comes("sink", "log", log).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_interface_has_a_cursor_of_its_own() {
    for (from, also) in [(EventsFrom::Beginning, "1 2"), (EventsFrom::Now, "2")] {
        let mut rig = Setup { from, ..Setup::new(&PAIR) }.start();
        rig.run("source", "emit a {append log 1}; also {append also 1}").await;
        rig.comes("sink", "log", "1").await;
        rig.swap(&WIDE, unix_micros());
        rig.run("source", "emit a {append log 2}; also {append also 2}").await;
        rig.comes("sink", "also", also).await;
        rig.comes("sink", "log", "1 2").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_subscribes_again_continues_at_its_cursor() {
    let mut rig = Setup::new(&PAIR).start();
    rig.run("source", "emit a {append log 1}").await;
    rig.comes("sink", "log", "1").await;
    rig.swap(&PLAIN, 0);
    rig.run("source", "emit a {append log 2}").await;
    rig.becomes("it takes none", || rig.events.subscriptions(None).unwrap().is_empty()).await;
    assert_eq!(rig.look("sink", "log").await, "1");
    rig.swap(&PAIR, unix_micros());
    rig.run("source", "emit a {append log 3}").await;
    rig.comes("sink", "log", "1 2 3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_under_deliveries_lose_no_event_and_repeat_none() {
    let mut rig = Setup::new(&PAIR).start();
    for round in 0..30 {
        for event in 0..5 {
            rig.run("source", &format!("emit a {{append log {}}}", round * 5 + event)).await;
        }
        rig.swap(if round % 2 == 0 { &WIDE } else { &PAIR }, 0);
    }
    rig.comes("sink", "log", &numbers(0..150)).await;
}
