//! When a node that follows gets messages, and how long it waits for a leader.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::cluster::{Network, put_durable};
use super::*;
use crate::clock;
use crate::journal::simulated::SimulatedDisk;
use crate::journal::stream::StreamSeq;
use crate::journal::stream::simulated::StreamFaults;
use crate::store::cluster::Observer;
use crate::store::{ClusterMember, ClusterViewSender, JoinError, OpenError};
use crate::tasks::CancellationToken;

const LONG: Duration = Duration::from_secs(600);
const WAIT_MAX: Duration = Duration::from_secs(20);

/// What the node `b` waits for, and sees.
#[derive(Clone)]
struct Follower {
    patience: Duration,
    cancelled: CancellationToken,
    view: ClusterViewSender,
}

impl Follower {
    /// Follows until it is cancelled, or leads.
    fn join(&self, network: &Network, disk: &SimulatedDisk) -> Result<Stores, OpenError> {
        let open = |_has: StreamSeq| Ok(network.stream.as_stream());
        let Self { patience, cancelled, view } = self.clone();
        let lease = network.lease;
        let member = ClusterMember { lease, patience, cancelled, view, ..ClusterMember::of_test(&open, "b") };
        Stores::open_with(&disk.as_disk(), &SETTINGS, &services(), None, None, Some((&member, &|_| {})))
    }

    async fn has_applied(&self, number: CommitSeq) {
        let mut changes = self.view.subscribe();
        let applied = changes.wait_for(|view| view.position.number >= number);
        drop(tokio::time::timeout(WAIT_MAX, applied).await.expect("it gets the commit").unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_consumer_was_lost_without_an_error_opens_another_one() {
    let network = Arc::new(Network::new(1));
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let before = put_durable(&first, "key", "1").await;
    let (cancelled, cancel) = CancellationToken::with_guard();
    let follower = Follower { patience: LONG, cancelled, view: ClusterViewSender::default() };
    let (follows, joined) = (follower.clone(), Arc::clone(&network));
    let follows = tokio::task::spawn_blocking(move || follows.join(&joined, &SimulatedDisk::new(2)).map(drop));
    follower.has_applied(before).await;
    network.stream.lose_consumers();
    let after = put_durable(&first, "key", "2").await;
    follower.has_applied(after).await;
    drop(cancel);
    assert!(matches!(follows.await.unwrap(), Err(OpenError::Join(JoinError::Cancelled))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_delivers_late_is_given_the_time() {
    let network = Arc::new(Network::new(1));
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let number = put_durable(&first, "key", "1").await;
    // Longer than a node waits for the first one.
    network.stream.delay_consumers(Duration::from_millis(1500));
    let (cancelled, cancel) = CancellationToken::with_guard();
    let follower = Follower { patience: LONG, cancelled, view: ClusterViewSender::default() };
    let (follows, joined) = (follower.clone(), Arc::clone(&network));
    let follows = tokio::task::spawn_blocking(move || follows.join(&joined, &SimulatedDisk::new(2)).map(drop));
    follower.has_applied(number).await;
    drop(cancel);
    assert!(matches!(follows.await.unwrap(), Err(OpenError::Join(JoinError::Cancelled))));
}

/// Takes its time when the node has everything, as a node does that compiles what it reads with.
struct Compiles {
    begun: tokio::sync::Notify,
    took: AtomicBool,
}

impl Observer for Compiles {
    fn before_platform_commit(&self, _keys: &mut dyn Iterator<Item = &str>) {}

    fn is_current(&self) {
        if !self.took.swap(true, Ordering::Relaxed) {
            self.begun.notify_one();
            // Longer than the servers may send nothing.
            let begun = clock::now();
            while clock::elapsed(begun) < Duration::from_millis(1200) {
                std::thread::park_timeout(Duration::from_millis(50));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_busy_itself_does_not_take_that_for_a_silence_of_the_servers() {
    let network = Arc::new(Network::new(1));
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    put_durable(&first, "key", "1").await;
    let (cancelled, cancel) = CancellationToken::with_guard();
    let follower = Follower { patience: LONG, cancelled, view: ClusterViewSender::default() };
    let observer = Arc::new(Compiles { begun: tokio::sync::Notify::new(), took: AtomicBool::new(false) });
    let (follows, joined, compiles) = (follower.clone(), Arc::clone(&network), Arc::clone(&observer));
    let consumers = network.stream.consumers();
    let follows = tokio::task::spawn_blocking(move || {
        let open = |_has: StreamSeq| Ok(joined.stream.as_stream());
        let Follower { patience, cancelled, view } = follows;
        let (lease, observer) = (joined.lease, &*compiles);
        let member = ClusterMember { lease, patience, cancelled, view, observer, ..ClusterMember::of_test(&open, "b") };
        let disk = SimulatedDisk::new(2).as_disk();
        Stores::open_with(&disk, &SETTINGS, &services(), None, None, Some((&member, &|_| {}))).map(drop)
    });
    tokio::time::timeout(WAIT_MAX, observer.begun.notified()).await.expect("it gets everything");
    let meanwhile = put_durable(&first, "key", "2").await;
    follower.has_applied(meanwhile).await;
    assert_eq!(network.stream.consumers(), consumers + 1);
    drop(cancel);
    assert!(matches!(follows.await.unwrap(), Err(OpenError::Join(JoinError::Cancelled))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_read_for_a_while_waits_for_a_leader_from_the_last_sign_of_one() {
    let (network, patience) = (Arc::new(Network::new(1)), Duration::from_secs(3));
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let number = put_durable(&first, "key", "1").await;
    let follower = Follower { patience, cancelled: CancellationToken::never(), view: ClusterViewSender::default() };
    let (follows, joined) = (follower.clone(), Arc::clone(&network));
    let follows = tokio::task::spawn_blocking(move || follows.join(&joined, &SimulatedDisk::new(2)));
    follower.has_applied(number).await;
    // Nothing more arrives of the first node, and then nobody is answered.
    let lost = StreamFaults { lost: 100, ..StreamFaults::default() };
    network.stream.set_faults(lost);
    let last = StreamSeq(network.stream.contents().len() as u64);
    let mut changes = follower.view.subscribe();
    let read = changes.wait_for(|view| view.position.sequence >= last);
    drop(tokio::time::timeout(WAIT_MAX, read).await.expect("it reads everything").unwrap());
    network.stream.set_faults(StreamFaults { unavailable: 100, ..lost });
    let _unacknowledged = first.close();
    tokio::time::sleep(patience).await;
    assert!(!follows.is_finished());
    network.stream.set_faults(StreamFaults::default());
    let begun = clock::now();
    follows.await.unwrap().unwrap().close().unwrap();
    assert!(clock::elapsed(begun) < patience);
}
