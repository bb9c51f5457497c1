//! A stream that its servers have lost or damaged: no node serves with it, and the node that has the most writes it again.

use std::time::Duration;

use super::cluster::{Network, put_durable};
use super::*;
use crate::journal::simulated::SimulatedDisk;
use crate::journal::stream::simulated::StreamFaults;
use crate::journal::stream::{Stream, StreamSeq};
use crate::observe::error_chain;
use crate::store::{
    ClusterMember, ClusterViewSender, Contents, Copies, CopySettings, Health, OfflineNode, ReseedError, ReseedPlan,
    Stored,
};
use crate::tasks::CancellationToken;

const COMMAND: &str = "`switchyard cluster reseed`";

/// A cluster of two nodes that were killed: `ahead` has everything, and `behind` lacks the last commits.
struct Killed {
    network: Network,
    ahead: SimulatedDisk,
    behind: SimulatedDisk,
    contents: Contents,
    /// The last commit of each.
    numbers: [u64; 2],
}

impl Killed {
    async fn new(seed: u64) -> Self {
        let mut network = Network::new(seed);
        // Its leaders keep their lease on a busy machine.
        network.lease = Duration::from_secs(60);
        let (ahead, behind) = (SimulatedDisk::new(1), SimulatedDisk::new(2));
        network.join(&ahead, "a").unwrap().close().unwrap();
        let stores = network.join(&behind, "b").unwrap();
        let mut last = CommitSeq(0);
        for value in 0..5 {
            last = put_durable(&stores, &format!("key-{value}"), "of b").await;
        }
        stores.close().unwrap();
        let stores = network.join(&ahead, "a").unwrap();
        let mut newest = last;
        for value in 3..9 {
            newest = put_durable(&stores, &format!("key-{value}"), "of a").await;
        }
        // The leader says several times that it leads, which no mark of its own tells.
        let end = network.stream.as_stream().info().unwrap().last;
        while network.stream.as_stream().info().unwrap().last.0 < end.0 + 3 {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let (killed, contents) = (ahead.after_kill(), stores.contents().unwrap());
        stores.close().unwrap();
        let numbers = [newest.0, last.0];
        Self { network, ahead: killed, behind, contents, numbers }
    }

    fn stream(&self) -> &dyn Stream {
        &self.network.stream
    }

    fn refused(&self, disk: &SimulatedDisk) -> String {
        error_chain(&self.network.join(&disk.after_kill(), "a").unwrap_err())
    }

    fn contents_of(&self, disk: &SimulatedDisk, node: &str) -> Contents {
        let stores = self.network.join(disk, node).unwrap_or_else(|error| panic!("{node}: {}", error_chain(&error)));
        let contents = stores.contents().unwrap();
        stores.close().unwrap();
        contents
    }

    /// Every commit is on every node, and they go on.
    async fn all_have_everything(&self, what: &str) {
        for (disk, node) in [(&self.ahead, "a"), (&self.behind, "b"), (&SimulatedDisk::new(7), "c")] {
            assert_eq!(self.contents_of(disk, node), self.contents, "{what}: {node}");
        }
        let stores = self.network.join(&self.behind, "b").unwrap();
        assert_eq!(stores.durable().0, self.numbers[0], "{what}");
        put_durable(&stores, "more", what).await;
        let contents = stores.contents().unwrap();
        stores.close().unwrap();
        for (disk, node) in [(&self.ahead, "a"), (&SimulatedDisk::new(8), "c")] {
            assert_eq!(self.contents_of(disk, node), contents, "{what}: {node} goes on");
        }
    }
}

fn plan(stream: &dyn Stream, disk: &SimulatedDisk) -> ReseedPlan {
    OfflineNode::on(disk.as_disk(), None).unwrap().plan(stream, Duration::ZERO).unwrap()
}

fn reseed(stream: &dyn Stream, disk: &SimulatedDisk) -> Result<(), ReseedError> {
    let node = OfflineNode::on(disk.as_disk(), None).unwrap();
    let plan = node.plan(stream, Duration::ZERO).unwrap();
    node.carry_out(&plan, stream, (&SETTINGS, None), SimulatedDisk::new(9).as_disk(), &|_, _| {})
}

fn flip(bytes: &mut bytes::Bytes) {
    let mut flipped = bytes.to_vec();
    flipped[20] ^= 1;
    *bytes = flipped.into();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_damage_is_refused_with_what_to_do_and_the_reseeded_stream_has_every_commit_on_every_node() {
    type Damage = fn(&Killed);
    let damages: [(&str, Damage, &str); 6] = [
        ("purged", |killed| killed.stream().purge_through(StreamSeq(u64::from(u32::MAX))).unwrap(), "no complete copy"),
        (
            "truncated",
            |killed| killed.network.stream.damage(|messages| messages.truncate(5)),
            "acknowledged commits are missing",
        ),
        ("deleted", |killed| killed.network.stream.delete(), "the stream does not exist"),
        ("empty", |killed| killed.stream().recreate(StreamSeq(1)).unwrap(), "ends with message 0"),
        (
            "flipped",
            |killed| killed.network.stream.damage(|messages| messages.iter_mut().for_each(flip)),
            "does not match its checksum",
        ),
        (
            "written by another",
            |killed| {
                killed.network.stream.damage(|messages| {
                    let last = messages.len() - 1;
                    let first = messages[0].clone();
                    messages[1..=last].fill(first);
                });
            },
            "is another one than this node knows",
        ),
    ];
    for (what, damage, expected) in damages {
        let killed = Killed::new(1).await;
        damage(&killed);
        for disk in [&killed.ahead, &killed.behind] {
            let said = killed.refused(disk);
            assert!(said.contains("cluster reseed"), "{what}: {said}");
        }
        let said = killed.refused(&killed.ahead);
        assert!(said.contains(expected) && said.contains(COMMAND), "{what}: {said}");
        let found = plan(killed.stream(), &killed.ahead);
        assert!(found.problem().is_some_and(|problem| problem.contains(expected)), "{what}: {found:?}");
        assert_eq!((found.local().number.0, found.losses()), (killed.numbers[0], [].as_slice()), "{what}");
        reseed(killed.stream(), &killed.ahead).unwrap();
        assert_eq!(plan(killed.stream(), &killed.ahead).problem(), None, "{what}: it is whole again");
        killed.all_have_everything(what).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_stream_has_no_problem_and_one_that_only_others_cannot_read_has_one() {
    let killed = Killed::new(1).await;
    for disk in [&killed.ahead, &killed.behind] {
        assert_eq!(plan(killed.stream(), disk).problem(), None);
    }
    // The node with the most commits does not need this message any more, but a node that is behind does.
    killed.network.stream.damage(|messages| {
        let at = messages.len() - 8;
        flip(&mut messages[at]);
    });
    assert!(killed.refused(&killed.behind).contains("the stream of the cluster is damaged"));
    let found = plan(killed.stream(), &killed.ahead);
    assert!(found.problem().unwrap().contains("cannot be read"), "{found:?}");
    reseed(killed.stream(), &killed.ahead).unwrap();
    killed.all_have_everything("flipped within").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_names_what_only_others_have_and_who_leads() {
    let killed = Killed::new(1).await;
    let [newest, last] = killed.numbers;
    let found = plan(killed.stream(), &killed.behind);
    assert_eq!(found.losses(), [format!("the stream has the commits {} to {newest}", last + 1)]);
    assert_eq!(found.leader(), None);
    let stores = killed.network.join(&killed.ahead, "a").unwrap();
    let copies = CopySettings { copy_after_bytes: 1, stream_bytes_max: 1 << 40 };
    let mut copies = Copies::new(&stores, SimulatedDisk::new(9).as_disk(), copies).unwrap();
    while copies.step(&|| false).unwrap() != Stored::Copy {}
    let node = OfflineNode::on(killed.behind.as_disk(), None).unwrap();
    let found = node.plan(killed.stream(), Duration::from_secs(60)).unwrap();
    assert_eq!(found.leader(), Some("a"));
    // What the plan saw counts: it does not delete what came later.
    put_durable(&stores, "more", "1").await;
    let changed =
        node.carry_out(&found, killed.stream(), (&SETTINGS, None), SimulatedDisk::new(9).as_disk(), &|_, _| {});
    assert!(matches!(changed, Err(ReseedError::Changed)), "{changed:?}");
    let documents = killed.network.stream.stored_objects().into_keys().filter(|key| key.ends_with("copy.json")).count();
    assert_eq!(documents, 1, "its own copy is gone");
    stores.close().unwrap();
    killed.network.stream.delete();
    let found = node.plan(killed.stream(), Duration::ZERO).unwrap();
    assert!(found.losses()[0].contains("in the object store has the commits up to"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_ahead_of_the_reseeded_stream_refuses_for_ever_and_names_both_commits() {
    let killed = Killed::new(1).await;
    let [newest, last] = killed.numbers;
    killed.network.stream.delete();
    reseed(killed.stream(), &killed.behind).unwrap();
    let refused = || {
        let said = killed.refused(&killed.ahead);
        assert!(said.contains(&format!("has the commits up to {newest}")), "{said}");
        assert!(said.contains(&format!("written again after commit {last}")), "{said}");
        assert!(said.contains(COMMAND), "{said}");
    };
    refused();
    assert_eq!(plan(killed.stream(), &killed.ahead).losses(), [""; 0], "nobody has committed anything since");
    // Also when there are later commits and copies.
    let stores = killed.network.join(&killed.behind, "b").unwrap();
    put_durable(&stores, "later", "of b").await;
    let found = plan(killed.stream(), &killed.ahead);
    assert!(found.losses()[0].contains("cannot tell whether it has the same"), "{found:?}");
    let settings = CopySettings { copy_after_bytes: 1, stream_bytes_max: 1 << 40 };
    let mut copies = Copies::new(&stores, SimulatedDisk::new(9).as_disk(), settings).unwrap();
    for round in 0..3 {
        for value in 0..10 {
            put_durable(&stores, &format!("round-{round}-{value}"), "of b").await;
        }
        while copies.step(&|| false).unwrap() != Stored::Copy {}
    }
    let never = CopySettings { copy_after_bytes: 1 << 40, ..settings };
    Copies::new(&stores, SimulatedDisk::new(9).as_disk(), never).unwrap().step(&|| false).unwrap();
    assert_eq!(killed.network.stream.stored_objects().keys().filter(|key| key.ends_with("copy.json")).count(), 2);
    let contents = stores.contents().unwrap();
    stores.close().unwrap();
    refused();
    let found = plan(killed.stream(), &killed.ahead);
    assert!(found.problem().unwrap().contains("was written again after commit"), "{found:?}");
    assert!(!found.losses().is_empty(), "what the others have committed since: {found:?}");
    killed.network.stream.delete();
    let found = plan(killed.stream(), &killed.ahead);
    assert!(found.losses()[0].contains("in the object store"), "{found:?}");
    killed.stream().recreate(StreamSeq(1)).unwrap();
    reseed(killed.stream(), &killed.behind).unwrap();
    assert_eq!(killed.contents_of(&SimulatedDisk::new(3), "a"), contents);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_history_does_not_load_the_copy() {
    let killed = Killed::new(1).await;
    let [newest, last] = killed.numbers;
    // The servers lose what `ahead` was acknowledged, and `behind` leads without it.
    let known = OfflineNode::on(killed.behind.as_disk(), None).unwrap().plan(killed.stream(), Duration::ZERO).unwrap();
    let kept = usize::try_from(known.local().sequence.0).unwrap();
    killed.network.stream.damage(|messages| messages.truncate(kept));
    let stores = killed.network.join(&killed.behind, "b").unwrap();
    for value in last..newest + 3 {
        put_durable(&stores, &format!("key-{value}"), "of b again").await;
    }
    stores.close().unwrap();
    assert!(killed.refused(&killed.ahead).contains(COMMAND));
    let found = plan(killed.stream(), &killed.ahead);
    assert!(found.problem().is_some() && found.losses()[0].contains("the stream has the commits"), "{found:?}");
    reseed(killed.stream(), &killed.behind).unwrap();
    let said = killed.refused(&killed.ahead);
    assert!(said.contains(&format!("does not have commit {newest} as this node has it")), "{said}");
    killed.contents_of(&killed.behind, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reseed_that_is_killed_at_any_step_is_finished_by_the_next() {
    let mut ended = 0;
    for answered in 0.. {
        let killed = Killed::new(1).await;
        killed.network.stream.damage(|messages| messages.truncate(5));
        // The plan lists the copies; the next answers are for the copy of this node.
        killed.network.stream.answer_objects(Some(answered));
        let node = OfflineNode::on(killed.ahead.as_disk(), None).unwrap();
        let done = node.plan(killed.stream(), Duration::ZERO).and_then(|plan| {
            killed.network.stream.fail_to_create();
            node.carry_out(&plan, killed.stream(), (&SETTINGS, None), SimulatedDisk::new(9).as_disk(), &|_, _| {})
        });
        killed.network.stream.answer_objects(None);
        assert!(killed.refused(&killed.ahead).contains("cluster reseed"), "{answered}");
        assert!(killed.refused(&killed.behind).contains("cluster reseed"), "{answered}");
        let is_last = matches!(done, Err(ReseedError::Recreate { .. }));
        assert!(done.is_err(), "{answered}");
        // The process is gone, and the disk is as a kill leaves it.
        let disk = killed.ahead.after_kill();
        let plan = plan(killed.stream(), &disk);
        assert_eq!((plan.local().number.0, plan.losses()), (killed.numbers[0], [].as_slice()), "{answered}");
        // Fails to create once more if the first one did not come that far.
        if !is_last {
            assert!(matches!(reseed(killed.stream(), &disk), Ok(()) | Err(ReseedError::Recreate { .. })));
        }
        let again = reseed(killed.stream(), &disk);
        assert!(again.is_ok(), "{answered}: {again:?}");
        let killed = Killed { ahead: disk, ..killed };
        ended += 1;
        if is_last {
            killed.all_have_everything("between the deletion and the creation").await;
            break;
        }
        for (disk, node) in [(&killed.behind, "b"), (&killed.ahead, "a")] {
            assert_eq!(killed.contents_of(disk, node), killed.contents, "{answered}: {node}");
        }
    }
    assert!(ended > 4, "in the plan, at pieces, at the document, and between the deletion and the creation: {ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_whose_stream_is_lost_says_so_and_may_not_speak_for_the_cluster_any_more() {
    let check = async |damage: &dyn Fn(&Network), expected: &str| {
        let network = Network::new(1);
        let stores = network.join(&SimulatedDisk::new(1), "a").unwrap();
        for value in 0..5 {
            put_durable(&stores, "key", &value.to_string()).await;
        }
        damage(&network);
        // It notices when it says the next time that it leads.
        let notices = async {
            loop {
                if let (Health::NoRoom { why }, Some(Duration::ZERO)) = (stores.health(), stores.lease_left()) {
                    return why;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let said = tokio::time::timeout(Duration::from_secs(60), notices).await.expect("it notices");
        assert!(said.contains(expected) && said.contains(COMMAND), "{said}");
        // Its last message is not acknowledged, so it does not close in order.
        let _unacknowledged = stores.close();
    };
    check(&|network| network.stream.delete(), "the stream does not exist").await;
    check(&|network| network.stream.damage(|messages| messages.truncate(3)), "messages are missing").await;
    check(&|network| network.stream.recreate(StreamSeq(1 << 40)).unwrap(), "messages are missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_notices_that_the_stream_ends_before_what_it_has() {
    let network = Network::new(1);
    let leader = network.join(&SimulatedDisk::new(1), "a").unwrap();
    for value in 0..5 {
        put_durable(&leader, "key", &value.to_string()).await;
    }
    let (sees, (cancelled, cancels)) = (ClusterViewSender::default(), CancellationToken::with_guard());
    let mut view = sees.subscribe();
    let disk = SimulatedDisk::new(2).as_disk();
    let said = std::thread::scope(|scope| {
        let joins = scope.spawn(|| {
            let open = |_has: StreamSeq| Ok(network.stream.as_stream());
            let member = ClusterMember {
                patience: Duration::from_secs(1),
                view: sees.clone(),
                cancelled: cancelled.clone(),
                ..ClusterMember::of_test(&open, "b")
            };
            let joined = Stores::open_with(&disk, &SETTINGS, &services(), None, None, Some((&member, &|_| {})));
            error_chain(&joined.unwrap_err())
        });
        let caught_up = view.wait_for(|view| view.position.number >= leader.durable());
        drop(futures::executor::block_on(caught_up).unwrap());
        // Its leader is cut off, and the servers lose the end of the stream.
        network.stream.set_faults(StreamFaults { lost: 100, ..StreamFaults::default() });
        network.stream.damage(|messages| messages.truncate(3));
        let began = crate::clock::now();
        while !joins.is_finished() && crate::clock::elapsed(began) < Duration::from_secs(20) {
            std::thread::park_timeout(Duration::from_millis(10));
        }
        drop(cancels);
        joins.join().unwrap()
    });
    assert!(said.contains("the stream of the cluster ends with message 3") && said.contains(COMMAND), "{said}");
    let _unacknowledged = leader.close();
}
