//! A swap of releases while calls are under way: each ends on the releases that it began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;

use super::{Pair, spawn, until};

fn swap(pair: &Pair, release: &str) {
    let members = [pair.front.release(&pair.runtime, release), pair.back.release(&pair.runtime, release)];
    pair.begin_on(members);
}

#[tokio::test]
async fn a_call_in_flight_ends_on_the_releases_that_it_began_with() {
    let pair = Pair::new();
    for function in ["front.write", "front.read"] {
        swap(&pair, "old");
        let call = pair.call(function, "release; back.read{sleep 50; release}; back.read{release}");
        let between = async {
            until("the call is at work", || pair.back.service.figures().in_flight == 1).await;
            swap(&pair, "new");
            pair.call(function, "release; back.read{release}").await
        };
        let (old, new) = tokio::join!(call, between);
        assert_eq!((old.as_str(), new.as_str()), ("old,old,old", "new,new"), "{function}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_fails_and_none_mixes_releases_while_they_are_swapped_under_load() {
    let pair = Pair::new();
    let stop = Arc::new(AtomicBool::new(false));
    let clients = (0..8).map(|client| {
        let (pair, stop) = (Arc::clone(&pair), Arc::clone(&stop));
        spawn(async move {
            let (mut seen, mut writes) = (std::collections::BTreeSet::new(), 0);
            while !stop.load(Ordering::Relaxed) {
                let answer = pair.front(&format!("release; back.write{{add n-{client}; release}}; release")).await;
                let parts: Vec<_> = answer.split(',').collect();
                let [begun, _count, below, ended] = parts[..] else { panic!("{answer}") };
                assert_eq!((begun, below), (ended, ended), "{answer}");
                seen.insert(ended.to_owned());
                writes += 1;
            }
            (seen, writes)
        })
    });
    let clients: Vec<_> = clients.collect();
    for release in 0..50 {
        swap(&pair, &release.to_string());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.store(true, Ordering::Relaxed);
    for (client, ended) in join_all(clients).await.into_iter().enumerate() {
        let (seen, writes) = ended.unwrap();
        assert!(seen.len() > 5, "client {client} saw too few releases for the test to show anything: {seen:?}");
        assert_eq!(pair.get("back", &format!("n-{client}")).await, writes.to_string(), "client {client}");
    }
}
