use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use super::backoff::{WAIT_MAX, WAIT_MIN};
use super::{Lifetime, Outages, Tasks, restarting_thread, thread};
use crate::observe::Metrics;

#[tokio::test(start_paused = true)]
async fn shutting_down_names_the_task_that_does_not_stop() {
    let tasks = Tasks::default();
    let mut stop = tasks.stop();
    tasks.spawn("listens", async move { stop.wait().await });
    tasks.spawn("does not", std::future::pending());
    assert_eq!(tasks.shut_down(Duration::from_secs(1)).await, Err(vec!["does not".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_is_counted_and_its_waiters_get_an_error() {
    let metrics = Metrics::start();
    let tasks = Tasks::default();
    let (send, result) = oneshot::channel::<()>();
    tasks.spawn("once", async move {
        let _send = send;
        panic!("for the test");
    });
    assert!(result.await.is_err());
    assert_eq!(tasks.shut_down(Duration::from_secs(1)).await, Ok(()));
    let text = metrics.render();
    assert!(text.contains(r#"switchyard_task_panics_total{task="once"} 1"#), "{text}");
}

/// A supervised task whose first `failures` runs fail by calling `fail`. Returns the count of its starts.
fn failing(tasks: &Tasks, lifetime: Lifetime, failures: u32, fail: fn()) -> Arc<AtomicU32> {
    let (begun, stop) = (Arc::new(AtomicU32::new(0)), tasks.stop());
    let count = Arc::clone(&begun);
    tasks.supervise("works", lifetime, move || {
        let (run, mut stop) = (count.fetch_add(1, Ordering::Relaxed), stop.clone());
        async move {
            if run < failures {
                return fail();
            }
            stop.wait().await;
        }
    });
    begun
}

#[tokio::test(start_paused = true)]
async fn a_supervised_task_that_panics_or_ends_is_restarted_and_is_down_until_it_runs_again() {
    for (fail, reason) in
        [((|| panic!("no luck")) as fn(), "no luck"), ((|| {}) as fn(), "it ended while the host is running")]
    {
        let tasks = Tasks::default();
        let begun = failing(&tasks, Lifetime::Host, 3, fail);
        for failures in 1..=3 {
            tokio::time::sleep(WAIT_MIN * (1 << (failures - 1)) - Duration::from_millis(1)).await;
            let [outage] = tasks.outages().now().try_into().expect("one task is down");
            assert_eq!((&*outage.name, &*outage.reason, outage.failures), ("works", reason, failures));
            assert_eq!(begun.load(Ordering::Relaxed), failures);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(tasks.outages().now(), Vec::new());
        assert_eq!(begun.load(Ordering::Relaxed), 4);
        assert_eq!(tasks.shut_down(Duration::from_secs(1)).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_always_fails_stays_down_waits_no_longer_than_the_bound_and_stops_with_the_host() {
    let tasks = Tasks::default();
    let begun = failing(&tasks, Lifetime::Host, u32::MAX, || panic!("never"));
    for _ in 0..100 {
        tokio::time::sleep(WAIT_MAX / 10).await;
        assert_eq!(tasks.outages().now().len(), 1);
    }
    let often = begun.load(Ordering::Relaxed);
    assert!((12..=18).contains(&often), "begun {often} times in 300 s");
    assert_eq!(tasks.shut_down(Duration::from_secs(1)).await, Ok(()));
    assert_eq!(tasks.outages().now(), Vec::new());
}

#[tokio::test(start_paused = true)]
async fn work_that_is_done_ends_its_task_and_is_not_down() {
    let tasks = Tasks::default();
    let begun = failing(&tasks, Lifetime::Work, 1, || {});
    tokio::time::sleep(WAIT_MAX).await;
    assert_eq!((begun.load(Ordering::Relaxed), tasks.outages().now()), (1, Vec::new()));
}

#[test]
fn a_thread_that_panics_stops_what_depends_on_it_and_its_owner_learns_why() {
    let (stop, stopped) = mpsc::sync_channel(1);
    let on_panic = move |panicked: &super::Panicked| stop.send(panicked.to_string()).expect("somebody listens");
    let thread = thread("writes", || panic!("no disk"), on_panic).expect("a thread");
    assert_eq!(stopped.recv().as_deref(), Ok("writes panicked: no disk"));
    assert_eq!(thread.join().expect_err("it panicked").message, "no disk");
}

#[test]
fn a_thread_that_panics_is_restarted_and_down_meanwhile_and_joining_it_does_not_wait_for_the_restart() {
    let (outages, (told, runs)) = (Outages::default(), mpsc::sync_channel(8));
    let mut run = 0;
    let restarts = restarting_thread("prepares", &outages, move || {
        run += 1;
        told.send(run).expect("somebody listens");
        assert!(run != 1, "once");
        assert!(run != 2, "twice");
    });
    assert_eq!((runs.recv(), runs.recv()), (Ok(1), Ok(2)));
    restarts.expect("a thread").join().expect("the third run returns");
    assert_eq!((runs.recv(), outages.now()), (Ok(3), Vec::new()));
}
