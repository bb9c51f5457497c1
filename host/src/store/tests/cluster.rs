//! Stores whose journal is a stream: what one node commits, every node has, whatever the network does.

use std::time::Duration;

use super::*;
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::journal::stream::StreamSeq;
use crate::journal::stream::simulated::{SimulatedStream, StreamFaults};
use crate::store::{ClusterMember, OpenError};
use crate::tasks::{Thread, thread};

/// Small segments, so that a few commits fill several.
const SMALL: StoreSettings = StoreSettings { segment_bytes: 64 << 10, ..SETTINGS };

const BAD: StreamFaults =
    StreamFaults { lost: 10, repeated: 20, refused: 10, acks_lost: 20, given_up: 20, unavailable: 10 };

/// A stream, and a thread that delivers what is on its way.
pub(super) struct Network {
    pub(super) stream: SimulatedStream,
    thread: Option<Thread<()>>,
    pub(super) lease: Duration,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        let stream = SimulatedStream::new(seed);
        let delivers = stream.clone();
        let thread = thread("network", move || delivers.run(), |_| {}).unwrap();
        Self { stream, thread: Some(thread), lease: Duration::from_millis(200) }
    }

    /// Opens stores on `disk` as the node `node`, which waits for `patience` before it leads.
    fn join_after(
        &self,
        disk: &SimulatedDisk,
        settings: &StoreSettings,
        node: &str,
        patience: Duration,
    ) -> Result<Stores, OpenError> {
        let open = |_has: StreamSeq| Ok(self.stream.as_stream());
        let member = ClusterMember { lease: self.lease, patience, ..ClusterMember::of_test(&open, node) };
        Stores::open_with(&disk.as_disk(), settings, &services(), None, None, Some((&member, &|_| {})))
    }

    pub(super) fn join(&self, disk: &SimulatedDisk, node: &str) -> Result<Stores, OpenError> {
        self.join_after(disk, &SETTINGS, node, Duration::ZERO)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stream.close();
        let _reported = self.thread.take().map(Thread::join);
    }
}

fn both(stores: &Stores) -> [Store; 2] {
    [stores.service(&name("cart")).unwrap(), stores.service(&name("stock")).unwrap()]
}

pub(super) async fn put_durable(stores: &Stores, key: &str, value: &str) -> CommitSeq {
    let [cart, _] = both(stores);
    let number = put(&cart, key, value).await;
    stores.wait_durable(number).await.unwrap();
    number
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_data_gets_everything_from_the_stream_and_goes_on() {
    let (network, first) = (Network::new(1), SimulatedDisk::new(1));
    let stores = network.join(&first, "a").unwrap();
    let [cart, stock] = both(&stores);
    for round in 0..20 {
        put(&cart, &format!("key-{}", round % 7), &round.to_string()).await;
        put(&stock, "last", &round.to_string()).await;
    }
    // A record that spans several messages.
    let mut large = cart.begin();
    for part in 0..3 {
        large.set(&format!("large-{part}"), "v".repeat(1 << 20)).unwrap();
    }
    let number = commit(large).await.unwrap();
    stores.wait_durable(number).await.unwrap();
    let contents = stores.contents().unwrap();
    stores.close().unwrap();

    let second = network.join(&SimulatedDisk::new(2), "b").unwrap();
    assert_eq!(second.durable(), number);
    assert_eq!(second.contents().unwrap(), contents);
    assert_eq!(put_durable(&second, "more", "1").await, CommitSeq(number.0 + 1));
    let contents = second.contents().unwrap();
    second.close().unwrap();

    // The first node has its own part on its disk, and takes the rest from the stream.
    let again = network.join(&first, "a").unwrap();
    assert_eq!(again.contents().unwrap(), contents);
    again.close().unwrap();
}

/// A node that follows may show a commit before the leader hears that the stream has it. The next read, at another node,
/// must see it too.
#[tokio::test(flavor = "multi_thread")]
async fn the_number_for_reads_has_what_is_on_its_way_to_the_stream() {
    let network = Network::new(1);
    let leader = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let first = put_durable(&leader, "key", "1").await;
    assert_eq!(leader.published(), first);
    network.stream.set_faults(StreamFaults { lost: 100, ..StreamFaults::default() });
    let second = put(&both(&leader)[0], "key", "2").await;
    let waits = tokio::time::timeout(Duration::from_millis(300), leader.wait_durable(second)).await;
    assert!(waits.is_err(), "it is acknowledged");
    assert_eq!((leader.published(), leader.durable()), (second, first));
    network.stream.set_faults(StreamFaults::default());
    leader.wait_durable(second).await.unwrap();
    leader.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_and_no_kill_loses_what_was_acknowledged() {
    for seed in 0..6 {
        let (network, mut disk) = (Network::new(seed), SimulatedDisk::new(seed));
        let mut acknowledged = 0;
        for round in 0..6 {
            network.stream.set_faults(StreamFaults::default());
            let stores = network.join_after(&disk, &SMALL, "a", Duration::ZERO).unwrap();
            network.stream.set_faults(BAD);
            let [cart, _] = both(&stores);
            assert!(now(&cart, "last").unwrap_or("0".into()).parse::<u64>().unwrap() >= acknowledged, "seed {seed}");
            for value in 1..=30 {
                let value = round * 100 + value;
                let mut transaction = cart.begin();
                transaction.set("last", value.to_string()).unwrap();
                transaction.set(&format!("key-{}", value % 9), "x".repeat(3000)).unwrap();
                let number = commit(transaction).await.unwrap();
                if value % 3 == 0 {
                    stores.wait_durable(number).await.unwrap();
                    acknowledged = value;
                }
            }
            // A killed node leaves what was on its way to the stream.
            disk = if round % 2 == 0 { disk.after_kill() } else { disk.after_power_loss() };
            network.stream.set_faults(StreamFaults::default());
            stores.close().unwrap();
        }
        let fresh = network.join(&SimulatedDisk::new(seed), "b").unwrap();
        let known = network.join_after(&disk, &SMALL, "a", Duration::ZERO).unwrap();
        assert_eq!(fresh.contents().unwrap(), known.contents().unwrap(), "seed {seed}");
        known.close().unwrap();
        drop(fresh);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_torn_after_its_first_mark_hides_no_commit() {
    // Each commit begins a segment.
    let tiny = StoreSettings { segment_bytes: 6 << 10, ..SETTINGS };
    for seed in 0..24 {
        let (network, disk) = (Network::new(seed), SimulatedDisk::new(seed));
        let stores = network.join_after(&disk, &tiny, "a", Duration::ZERO).unwrap();
        for key in ["one", "two", "three"] {
            put_durable(&stores, key, &"x".repeat(3000)).await;
        }
        let torn = disk.after_power_loss();
        let contents = stores.contents().unwrap();
        stores.close().unwrap();
        let again = network.join_after(&torn, &tiny, "a", Duration::ZERO).unwrap();
        assert_eq!(again.contents().unwrap(), contents, "seed {seed}");
        again.close().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_replaced_acknowledges_nothing_more() {
    let network = Network::new(1);
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    put_durable(&first, "key", "of a").await;
    let second = network.join(&SimulatedDisk::new(2), "b").unwrap();
    let [cart, _] = both(&first);
    // It may notice at its next heartbeat, or at this commit.
    let mut late = cart.begin();
    late.set("key", "late").unwrap();
    let refused = match commit(late).await {
        Ok(number) => first.wait_durable(number).await.unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(refused.contains("another node leads the cluster: b in epoch 2"), "{refused}");
    put_durable(&second, "more", "of b").await;
    let [cart, _] = both(&second);
    assert_eq!(now(&cart, "key").as_deref(), Some("of a"));
    first.close().unwrap_err();
    second.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_without_a_valid_lease_shows_nothing_until_it_has_one() {
    let network = Network::new(1);
    let stores = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let number = put_durable(&stores, "key", "1").await;
    network.stream.set_faults(StreamFaults { lost: 100, unavailable: 100, ..StreamFaults::default() });
    let waits = async {
        loop {
            if tokio::time::timeout(Duration::from_millis(50), stores.wait_durable(number)).await.is_err() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waits).await.expect("the lease ends");
    assert_eq!(stores.lease_left(), Some(Duration::ZERO));
    network.stream.set_faults(StreamFaults::default());
    tokio::time::timeout(Duration::from_secs(20), stores.wait_durable(number)).await.expect("it comes back").unwrap();
    put_durable(&stores, "key", "2").await;
    stores.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_waits_while_another_one_leads() {
    let network = Network::new(1);
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let number = put_durable(&first, "key", "1").await;
    // Longer than a busy machine lets the leader be silent.
    let patience = Duration::from_millis(1500);
    let begun = crate::clock::now();
    let second = std::thread::scope(|scope| {
        let joins = scope.spawn(|| network.join_after(&SimulatedDisk::new(2), &SETTINGS, "b", patience));
        std::thread::park_timeout(2 * patience);
        assert!(!joins.is_finished(), "it leads beside another leader");
        first.close().unwrap();
        joins.join().unwrap().unwrap()
    });
    assert!(crate::clock::elapsed(begun) >= 2 * patience);
    assert_eq!(second.durable(), number);
    second.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_added_exists_on_every_node_before_its_first_commit_and_a_dropped_one_on_none() {
    let network = Network::new(1);
    let first = network.join(&SimulatedDisk::new(1), "a").unwrap();
    for added in ["empty", "gone"] {
        first.add(&name(added), 1 << 20).unwrap();
    }
    first.detach(&name("gone"));
    first.drop_store(&name("gone")).unwrap();
    put_durable(&first, "key", "1").await;
    first.close().unwrap();
    let second = network.join(&SimulatedDisk::new(2), "b").unwrap();
    let names = |stores: &Stores| stores.all().iter().map(|store| store.name().clone()).collect::<Vec<_>>();
    assert!(names(&second).contains(&name("empty")), "{:?}", names(&second));
    assert!(!names(&second).contains(&name("gone")), "{:?}", names(&second));
    second.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_ends_in_order_is_followed_at_once_and_one_that_dies_after_a_while() {
    let (network, patience) = (Network::new(1), Duration::from_secs(600));
    network.join(&SimulatedDisk::new(1), "a").unwrap().close().unwrap();
    let second = network.join_after(&SimulatedDisk::new(2), &SETTINGS, "b", patience).unwrap();
    put_durable(&second, "key", "1").await;
    // Nothing arrives of its end.
    network.stream.set_faults(StreamFaults { lost: 100, ..StreamFaults::default() });
    let _unacknowledged = second.close();
    network.stream.set_faults(StreamFaults::default());
    let begun = crate::clock::now();
    let third = network.join_after(&SimulatedDisk::new(3), &SETTINGS, "c", Duration::from_millis(300)).unwrap();
    assert!(crate::clock::elapsed(begun) >= Duration::from_millis(300));
    third.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_the_one_of_this_node_is_refused() {
    let network = Network::new(1);
    let disk = SimulatedDisk::new(1);
    let stores = network.join(&disk, "a").unwrap();
    for value in 0..5 {
        put_durable(&stores, "key", &value.to_string()).await;
    }
    stores.close().unwrap();
    let refused = |disk: &SimulatedDisk, network: &Network| network.join(disk, "a").unwrap_err().to_string();

    let other = Network::new(2);
    put_durable(&other.join(&SimulatedDisk::new(2), "b").unwrap(), "key", "other").await;
    let said = refused(&disk, &other);
    assert!(
        said.contains("acknowledged commits are missing") || said.contains("the cluster has the journal"),
        "{said}"
    );

    let messages = network.stream.contents();
    network.stream.damage(|messages| messages.truncate(messages.len() - 1));
    let said = refused(&disk, &network);
    assert!(said.contains("acknowledged commits are missing in the stream"), "{said}");

    network.stream.damage(|damaged| {
        damaged.clone_from(&messages);
        let last = damaged.len() - 1;
        damaged[last] = damaged[2].clone();
    });
    let said = refused(&disk, &network);
    assert!(said.contains("is another one than this node knows"), "{said}");

    network.stream.damage(|damaged| damaged.clone_from(&messages));
    network.stream.as_stream().purge_through(StreamSeq(3)).unwrap();
    let said = refused(&SimulatedDisk::new(3), &network);
    assert!(said.contains("begins with message 4, this node has the messages up to 0, and there is no"), "{said}");
    network.join(&disk, "a").unwrap().close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_a_cluster_is_not_opened_alone() {
    let (network, disk) = (Network::new(1), SimulatedDisk::new(1));
    let stores = network.join(&disk, "a").unwrap();
    put_durable(&stores, "key", "1").await;
    stores.close().unwrap();
    let alone = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None);
    assert!(matches!(alone, Err(OpenError::InCluster)));
}

/// A start reads no segment whose records are in all indexes, so it must find the position in one that has no records yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_has_its_position_in_the_stream_from_its_first_moment() {
    // Each commit begins a segment.
    let tiny = StoreSettings { segment_bytes: 6 << 10, ..SETTINGS };
    for operation in 0.. {
        let (network, disk) = (Network::new(1), SimulatedDisk::new(operation));
        let stores = network.join_after(&disk, &tiny, "a", Duration::ZERO).unwrap();
        let [cart, _] = both(&stores);
        put_durable(&stores, "one", &"x".repeat(3000)).await;
        stores.checkpoint().unwrap();
        disk.plan(operation, Fault::PowerLoss);
        let faulty = disk.operations() + operation;
        let mut transaction = cart.begin();
        transaction.set("two", "x".repeat(3000)).unwrap();
        if let Ok(number) = commit(transaction).await {
            let _lost_with_the_power = stores.wait_durable(number).await;
        }
        // What the stream has is written into the segments at the latest now.
        let _stopped = stores.close();
        let is_over = disk.operations() <= faulty;
        for left in [disk.after_kill(), disk.after_power_loss()] {
            let alone = Stores::open_on(&left.as_disk(), &tiny, &services(), None);
            assert!(matches!(alone, Err(OpenError::InCluster)), "operation {operation}: {alone:?}");
            network.join_after(&left, &tiny, "a", Duration::ZERO).unwrap().close().unwrap();
        }
        if is_over {
            assert!(operation > 3, "no segment began");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_one_machine_begins_a_cluster() {
    let (network, disk) = (Network::new(1), SimulatedDisk::new(1));
    let alone = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None).unwrap();
    let number = put_durable(&alone, "key", "1").await;
    alone.close().unwrap();
    let stores = network.join(&disk, "a").unwrap();
    let [cart, _] = both(&stores);
    assert_eq!(now(&cart, "key").as_deref(), Some("1"));
    assert_eq!(put_durable(&stores, "more", "2").await, CommitSeq(number.0 + 1));
    stores.close().unwrap();
    // There is no copy yet.
    let fresh = network.join(&SimulatedDisk::new(2), "b").unwrap_err().to_string();
    assert!(
        fresh.contains("there is no complete copy for it: start it again when the leader has stored one"),
        "{fresh}"
    );
}
