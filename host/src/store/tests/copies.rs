//! Copies of a cluster's stores: a node that lacks messages which the stream has no more loads one, whatever was killed
//! before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::cluster::{Network, put_durable};
use super::*;
use crate::config::{ClusterSettings, defaults};
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::journal::stream::{NatsServer, NatsStream, Stream, StreamSeq};
use crate::store::cluster::copies::{NeedsCopy, load};
use crate::store::{ClusterMember, Contents, Copies, CopyError, CopySettings, OpenError, Stored};

/// A leader that stores a copy whenever it has something new.
const ALWAYS: CopySettings = CopySettings { copy_after_bytes: 1, stream_bytes_max: 1 << 40 };
/// One that only deletes what no node needs.
const NEVER: CopySettings = CopySettings { copy_after_bytes: 1 << 40, ..ALWAYS };

/// A stream whose leaders keep their lease on a busy machine.
fn network_of(seed: u64) -> Network {
    let mut network = Network::new(seed);
    network.lease = Duration::from_secs(60);
    network
}

fn copies(stores: &Stores, settings: CopySettings) -> Copies {
    Copies::new(stores, SimulatedDisk::new(9).as_disk(), settings).unwrap()
}

/// Stores one copy.
fn store_copy(stores: &Stores) -> Result<(), CopyError> {
    until_copied(&mut copies(stores, ALWAYS))
}

fn until_copied(copies: &mut Copies) -> Result<(), CopyError> {
    for _ in 0..100 {
        if copies.step(&|| false)? == Stored::Copy {
            return Ok(());
        }
    }
    panic!("no copy is due");
}

/// Deletes what the copies make needless.
fn delete_unneeded(stores: &Stores) -> Result<(), CopyError> {
    assert_eq!(copies(stores, NEVER).step(&|| false)?, Stored::Nothing);
    Ok(())
}

/// The names of the copies that have a document, in order.
fn complete(network: &Network) -> Vec<String> {
    let objects = network.stream.stored_objects();
    let documents = objects.keys().filter_map(|object| object.strip_suffix("/copy.json"));
    documents.map(str::to_owned).collect()
}

fn first(network: &Network) -> StreamSeq {
    network.stream.as_stream().info().unwrap().first
}

/// A leader whose stream has lost its beginning, with two copies and commits before, between and after them.
async fn copied(network: &Network, disk: &SimulatedDisk) -> Stores {
    let stores = network.join(disk, "a").unwrap();
    for round in 0..2 {
        write_round(&stores, round).await;
        store_copy(&stores).unwrap();
    }
    delete_unneeded(&stores).unwrap();
    write_round(&stores, 2).await;
    stores
}

async fn write_round(stores: &Stores, round: u32) {
    for value in 0..10 {
        put_durable(stores, &format!("key-{}", value % 4), &format!("{round}-{value}")).await;
    }
}

/// What a node without data has after it has joined.
fn joined(network: &Network, node: &str) -> Contents {
    opened(network, &SimulatedDisk::new(7), node).unwrap()
}

fn opened(network: &Network, disk: &SimulatedDisk, node: &str) -> Result<Contents, OpenError> {
    let stores = network.join(disk, node)?;
    let contents = stores.contents().unwrap();
    stores.close().unwrap();
    Ok(contents)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lacks_deleted_messages_loads_a_copy_and_goes_on() {
    let network = network_of(1);
    let (first_disk, second_disk) = (SimulatedDisk::new(1), SimulatedDisk::new(2));
    // It is a member from the beginning, and then away for long.
    network.join(&second_disk, "b").unwrap().close().unwrap();
    let stores = copied(&network, &first_disk).await;
    assert!(first(&network) > StreamSeq(4), "{:?}", first(&network));
    assert_eq!(complete(&network).len(), 2);
    let (contents, last) = (stores.contents().unwrap(), stores.last());
    stores.close().unwrap();

    let second = network.join(&second_disk, "b").unwrap();
    assert_eq!((second.contents().unwrap(), second.durable()), (contents.clone(), last));
    put_durable(&second, "more", "1").await;
    let contents = second.contents().unwrap();
    second.close().unwrap();
    assert_eq!(joined(&network, "c"), contents);
    // A start after that needs no copy.
    network.stream.damage_objects(|objects| objects.clear());
    assert_eq!(opened(&network, &second_disk, "b").unwrap(), contents);
    assert_eq!(opened(&network, &first_disk, "a").unwrap(), contents);
    let refused = network.join(&SimulatedDisk::new(3), "d").unwrap_err().to_string();
    assert!(refused.contains("there is no complete copy for it"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_from_the_copy_before_the_newest_gets_everything_after_it() {
    let network = network_of(1);
    let stores = copied(&network, &SimulatedDisk::new(1)).await;
    let contents = stores.contents().unwrap();
    stores.close().unwrap();
    let newest = complete(&network).pop().unwrap();
    // One that began to load the older copy before the newest one was complete.
    network.stream.damage_objects(|objects| drop(objects.remove(&format!("{newest}/copy.json"))));
    assert_eq!(joined(&network, "b"), contents);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_or_incomplete_copy_is_not_used_and_an_older_one_is() {
    let network = network_of(1);
    let stores = copied(&network, &SimulatedDisk::new(1)).await;
    let contents = stores.contents().unwrap();
    stores.close().unwrap();
    let [older, newest] = complete(&network).try_into().unwrap();
    let piece = |copy: &str| format!("{copy}/services/cart.redb/00000000");
    let damage = |copy: &str| {
        network.stream.damage_objects(|objects| {
            let object = objects.get_mut(&piece(copy)).unwrap();
            let mut bytes = object.to_vec();
            bytes[100] ^= 1;
            *object = bytes.into();
        });
    };
    damage(&newest);
    assert_eq!(joined(&network, "b"), contents);
    // Nothing that could be loaded: the node says so, and begins again at its next start.
    damage(&older);
    let (whole, disk) = (network.stream.stored_objects(), SimulatedDisk::new(3));
    for _ in 0..2 {
        let refused = crate::observe::error_chain(&network.join(&disk, "c").unwrap_err());
        assert!(refused.contains("services/cart.redb in the copy") && refused.contains("is damaged"), "{refused}");
    }
    damage(&older);
    assert_eq!(opened(&network, &disk, "c").unwrap(), contents);
    // Without a piece it is no copy at all.
    network.stream.damage_objects(|objects| drop(objects.remove(&piece(&older))));
    let refused = network.join(&SimulatedDisk::new(4), "d").unwrap_err();
    assert!(crate::observe::error_chain(&refused).contains(&newest["copies/".len()..]), "{refused}");
    network.stream.damage_objects(|objects| *objects = whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_loads_a_copy_loads_it_again() {
    let network = network_of(1);
    let (leader, member) = (SimulatedDisk::new(1), SimulatedDisk::new(2));
    network.join(&member, "b").unwrap().close().unwrap();
    let stores = copied(&network, &leader).await;
    let contents = stores.contents().unwrap();
    stores.close().unwrap();
    let mut unfinished = 0;
    for operation in (0..24).chain((24..).step_by(17)) {
        // In turn a node that had messages before, and one without any data.
        let disk = if operation % 2 == 0 { member.after_kill() } else { SimulatedDisk::new(operation) };
        disk.plan(operation, Fault::PowerLoss);
        let node = NeedsCopy::without_data();
        let loaded = load(&disk.as_disk(), &network.stream, &node);
        if loaded.is_ok() && disk.is_planned() {
            break;
        }
        assert!(loaded.is_err(), "operation {operation}");
        let disk = if operation % 3 == 0 { disk.after_power_loss() } else { disk.after_kill() };
        unfinished += u32::from(disk.paths().contains(&"restore-unfinished".to_owned()));
        assert_eq!(opened(&network, &disk, "b").unwrap(), contents, "operation {operation}");
    }
    assert!(unfinished > 10, "{unfinished}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_while_it_stores_a_copy_leaves_what_every_node_needs() {
    let mut failures = BTreeSet::new();
    for answered in 0.. {
        let network = network_of(answered);
        let stores = copied(&network, &SimulatedDisk::new(1)).await;
        let before = complete(&network);
        network.stream.answer_objects(Some(answered));
        let done = store_copy(&stores).and_then(|()| delete_unneeded(&stores));
        network.stream.answer_objects(None);
        let is_done = done.is_ok();
        let contents = stores.contents().unwrap();
        drop(stores);
        failures.insert(complete(&network));
        assert_eq!(joined(&network, "b"), contents, "{answered} answers");
        // Nor does it matter which of the copies a node loads.
        if complete(&network).len() > 2 {
            network.stream.damage_objects(|objects| {
                let newest = objects.keys().rfind(|object| object.ends_with("copy.json")).cloned();
                newest.map(|newest| objects.remove(&newest));
            });
            assert_eq!(joined(&network, "c"), contents, "{answered} answers");
        }
        if is_done {
            let [kept, _new] = complete(&network).try_into().unwrap();
            assert_eq!(before[1], kept);
            let others = network.stream.stored_objects();
            assert!(others.keys().all(|object| !object.starts_with(&before[0])), "{others:?}");
            break;
        }
    }
    assert!(failures.len() > 2, "before, with and after the new copy: {failures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_from_before_the_cluster_is_copied_at_once() {
    let (network, disk) = (network_of(1), SimulatedDisk::new(1));
    let alone = Stores::open_on(&disk.as_disk(), &SETTINGS, &services(), None).unwrap();
    put_durable(&alone, "key", "1").await;
    alone.close().unwrap();
    let before = disk.after_kill();
    let stores = network.join(&disk, "a").unwrap();
    put_durable(&stores, "key", "2").await;
    let mut copies = copies(&stores, NEVER);
    until_copied(&mut copies).unwrap();
    assert_eq!(copies.step(&|| false).unwrap(), Stored::Nothing, "it is enough");
    put_durable(&stores, "more", "3").await;
    let contents = stores.contents().unwrap();
    stores.close().unwrap();
    assert_eq!(joined(&network, "b"), contents);

    // The same data directory may have other commits by now: it is not given up for a copy.
    network.stream.as_stream().purge_through(StreamSeq(3)).unwrap();
    let refused = network.join(&before, "c").unwrap_err().to_string();
    assert!(refused.contains("start it on an empty data directory"), "{refused}");
    assert!(before.paths().contains(&"services/cart.redb".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_due_only_after_the_stream_has_grown_and_only_for_its_leader() {
    let network = network_of(1);
    let stores = network.join(&SimulatedDisk::new(1), "a").unwrap();
    let settings = CopySettings { copy_after_bytes: 100_000, ..ALWAYS };
    let mut copies = copies(&stores, settings);
    write_round(&stores, 0).await;
    assert_eq!(copies.step(&|| false).unwrap(), Stored::Nothing);
    put_durable(&stores, "large", &"x".repeat(100_000)).await;
    // The position of the first commit is known before the second one is sent.
    put_durable(&stores, "small", "x").await;
    until_copied(&mut copies).unwrap();
    assert_eq!(copies.step(&|| false).unwrap(), Stored::Nothing);
    assert_eq!(first(&network), StreamSeq(1), "one copy deletes nothing");
    put_durable(&stores, "large", &"y".repeat(100_000)).await;
    put_durable(&stores, "small", "y").await;
    until_copied(&mut copies).unwrap();
    assert_eq!(copies.step(&|| false).unwrap(), Stored::Nothing);
    assert!(first(&network) > StreamSeq(10), "what came before the first copy is deleted");
    assert_eq!(complete(&network).len(), 2);

    // Another node leads: the one before it stores nothing more, and keeps nothing of what it has begun.
    put_durable(&stores, "large", &"z".repeat(200_000)).await;
    let scratch = SimulatedDisk::new(9);
    let mut copies = Copies::new(&stores, scratch.as_disk(), settings).unwrap();
    assert_eq!(copies.step(&|| false).unwrap(), Stored::Bytes(0));
    assert!(!scratch.paths().is_empty());
    let second = network.join(&SimulatedDisk::new(2), "b").unwrap();
    stores.replaced().await;
    assert_eq!(copies.step(&|| false).unwrap(), Stored::Nothing);
    assert_eq!((complete(&network).len(), scratch.paths()), (2, vec![]));
    second.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_loads_a_copy_from_a_real_nats_server() {
    let Some(server) = NatsServer::start("") else { return };
    let cluster = defaults().unwrap().cluster;
    let cluster = ClusterSettings { servers: vec![server.address()], replicas: 1, ..cluster };
    let join = |node: &str, disk: &SimulatedDisk| {
        let open = |has| Ok(Arc::new(NatsStream::open(&cluster, node, has)?) as Arc<dyn Stream>);
        let member = ClusterMember { lease: Duration::from_secs(60), ..ClusterMember::of_test(&open, node) };
        Stores::open_with(&disk.as_disk(), &SETTINGS, &services(), None, None, Some((&member, &|_| {}))).unwrap()
    };
    let stores = join("a", &SimulatedDisk::new(1));
    for round in 0..3 {
        write_round(&stores, round).await;
        store_copy(&stores).unwrap();
    }
    delete_unneeded(&stores).unwrap();
    put_durable(&stores, "last", "1").await;
    let contents = stores.contents().unwrap();
    let stream = stores.stream().unwrap();
    stores.close().unwrap();
    assert!(stream.info().unwrap().first > StreamSeq(20), "{:?}", stream.info());
    let documents = stream.objects().names("copies/").unwrap();
    assert_eq!(documents.iter().filter(|name| name.ends_with("copy.json")).count(), 2, "{documents:?}");
    let second = join("b", &SimulatedDisk::new(2));
    assert_eq!(second.contents().unwrap(), contents);
    put_durable(&second, "more", "1").await;
    second.close().unwrap();
}
