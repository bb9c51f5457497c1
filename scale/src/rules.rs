//! The rules that hold after every event. They count everything anew, and share no sum with what they judge.

use std::collections::BTreeMap;

use crate::costs::{GROUP_SHARDS_MAX, REPLICAS};
use crate::events::Event;
use crate::failover::{PATIENCE_MS, STAGGER_MS, TAKE_OVER_MS_MAX};
use crate::settings::{CPU_PART_MAX, GROUP_ORDERS_MAX, NODE_SHARDS_MAX, PLANNED_CPU_PART};
use crate::world::{NodeId, ShardId, World};

/// The nodes that may try to lead: while a copy moves there is one more.
const FOLLOWERS: usize = REPLICAS;

/// The longest time from the loss of a leader to the first answer of the next one.
pub(crate) const FAILOVER_MS_MAX: f64 = PATIENCE_MS + STAGGER_MS * (FOLLOWERS - 1) as f64 + TAKE_OVER_MS_MAX;
const _: () = assert!(FAILOVER_MS_MAX <= 4_000.0);

/// The longest time that a shard waits for room while all nodes together have it: leaders hand over to make some.
const WAIT_MS_MAX: f64 = 60_000.0;

/// Rules that are kept as text: a model that breaks them often needs no more examples.
const BROKEN_MAX: usize = 20;

/// Loads differ in their last digits by the order in which they are summed.
const ROUNDING: f64 = 1e-9;

#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) broken: Vec<String>,
    /// The load of nodes and groups after the last event.
    parts: Vec<f64>,
    groups: Vec<(f64, usize)>,
    /// The nodes of each shard's copies after the last event.
    homes: Vec<Vec<NodeId>>,
    /// Since when shards wait for room while all nodes together have it.
    waiting_ms: BTreeMap<ShardId, f64>,
}

fn homes(world: &World) -> Vec<Vec<NodeId>> {
    world.shards.iter().map(|shard| shard.replicas.iter().map(|replica| replica.node).collect()).collect()
}

impl Rules {
    pub(crate) fn new(world: &World) -> Self {
        let mut rules = Self {
            broken: Vec::new(),
            parts: vec![0.0; world.nodes.len()],
            groups: vec![(0.0, 0); world.settings.groups],
            homes: homes(world),
            waiting_ms: BTreeMap::new(),
        };
        rules.check(world, Event::Look, 0.0);
        rules
    }

    pub(crate) fn check(&mut self, world: &World, event: Event, now_ms: f64) {
        let mut found = Vec::new();
        for id in world.shard_ids() {
            copies(world, id, &mut found);
            home(world, id, now_ms, &mut found);
            self.waits(world, id, now_ms, &mut found);
        }
        for (node, copies) in world.copies().into_iter().enumerate().filter(|(_, copies)| *copies > NODE_SHARDS_MAX) {
            found.push(format!("node {node} has {copies} copies"));
        }
        self.loads(world, event, &mut found);
        self.moved(world, event, &mut found);
        let room = BROKEN_MAX.saturating_sub(self.broken.len());
        self.broken
            .extend(found.into_iter().take(room).map(|what| format!("{:.3} s: {event:?}: {what}", now_ms / 1_000.0)));
    }

    /// A shard does not wait for room for long while all nodes together have it.
    fn waits(&mut self, world: &World, id: ShardId, now_ms: f64, found: &mut Vec<String>) {
        let shard = world.shard(id);
        if shard.pause.is_none() || shard.leader.is_some() || !has_capacity(world, id) {
            self.waiting_ms.remove(&id);
        } else if now_ms - *self.waiting_ms.entry(id).or_insert(now_ms) > WAIT_MS_MAX {
            found.push(format!("{id:?} still waits for room, and all nodes together have it"));
        }
    }

    /// Only a tenant that grows brings a node or a group above its bound.
    fn loads(&mut self, world: &World, event: Event, found: &mut Vec<String>) {
        let (parts, groups) = (world.cpu_parts(), world.groups());
        let is_growth = matches!(event, Event::Grows { .. });
        let is_new =
            |before: f64, after: f64, bound: f64| !is_growth && after > bound + ROUNDING && after > before + ROUNDING;
        for (node, (before, after)) in self.parts.iter().zip(&parts).enumerate() {
            if is_new(*before, *after, CPU_PART_MAX) {
                found.push(format!("node {node} went from {before:.3} to {after:.3} of its CPU"));
            }
        }
        for (group, ((before, _), (after, shards))) in self.groups.iter().zip(&groups).enumerate() {
            if is_new(*before, *after, GROUP_ORDERS_MAX) {
                found.push(format!("group {group} went from {before:.0} to {after:.0} orders per second"));
            }
            if *shards > GROUP_SHARDS_MAX {
                found.push(format!("group {group} has {shards} shards"));
            }
        }
        (self.parts, self.groups) = (parts, groups);
    }

    /// A lost node moves only the copies that it had itself.
    fn moved(&mut self, world: &World, event: Event, found: &mut Vec<String>) {
        let now = homes(world);
        let lost = match event {
            Event::NodeLost { node, .. } | Event::Replace { node, .. } => Some(node),
            _ => None,
        };
        for (shard, (before, after)) in self.homes.iter().zip(&now).enumerate() {
            if lost.is_some_and(|node| before != after && !before.contains(&node)) {
                found.push(format!("shard {shard} moved from {before:?} to {after:?}"));
            }
        }
        self.homes = now;
    }
}

/// The copies of a shard are in different zones, except while one replaces another, and its leader has one that is ready.
fn copies(world: &World, id: ShardId, found: &mut Vec<String>) {
    let shard = world.shard(id);
    let remaining = || {
        let goes = |node: NodeId| shard.replicas.iter().any(|other| other.replaces == Some(node));
        shard.replicas.iter().filter(move |replica| !goes(replica.node))
    };
    let mut zones: Vec<_> = remaining().map(|replica| world.node(replica.node).zone).collect();
    let copies = zones.len();
    zones.sort_unstable();
    zones.dedup();
    if zones.len() < copies || copies == 0 || copies > REPLICAS {
        found.push(format!("{id:?} has {copies} copies in {} zones", zones.len()));
    }
    if let Some(leader) = shard.leader {
        let can_lead = shard.replicas.iter().any(|replica| replica.node == leader && replica.is_ready);
        if !can_lead || !world.node(leader).is_up {
            found.push(format!("{id:?} is led by {leader:?}, which cannot"));
        }
    }
}

/// A shard is not without an answer for longer than a failover takes, while a copy of it is on a node with room.
fn home(world: &World, id: ShardId, now_ms: f64, found: &mut Vec<String>) {
    let shard = world.shard(id);
    if shard.pause.is_none() || now_ms - shard.lost_ms <= FAILOVER_MS_MAX {
        return;
    }
    let parts = world.cpu_parts();
    let part = world.cpu_part_of_leading(id);
    let ready = shard.replicas.iter().filter(|replica| replica.is_ready && world.node(replica.node).is_up);
    let mut roomy = ready.filter(|replica| shard.leader.is_some() || parts[replica.node.0] + part <= CPU_PART_MAX);
    // A shard that had to wait for room may lead only now.
    if let Some(replica) = roomy.find(|_| now_ms - shard.had_no_room_ms > FAILOVER_MS_MAX) {
        found.push(format!("{id:?} is without an answer, and {:?} has room", replica.node));
    }
}

/// Whether a copy of the shard is ready, and the nodes that are up use no more than what is planned.
fn has_capacity(world: &World, id: ShardId) -> bool {
    let parts = world.cpu_parts();
    let is_ready = world.shard(id).replicas.iter().any(|replica| replica.is_ready && world.node(replica.node).is_up);
    let up: Vec<_> = world.node_ids().filter(|node| world.node(*node).is_up).map(|node| parts[node.0]).collect();
    is_ready && up.iter().sum::<f64>() <= PLANNED_CPU_PART * up.len() as f64
}
