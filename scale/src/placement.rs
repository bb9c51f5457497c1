//! Where things go. A tenant goes to the lighter of two shards that a hash names. A shard goes to a group and to nodes by
//! rendezvous hashing with a bound: each has an order of its own of all groups and nodes, and takes the first with room.

use std::cmp::Reverse;

use anyhow::Context as _;

use crate::costs::{GROUP_SHARDS_MAX, REPLICAS};
use crate::random::{Random, hash};
use crate::settings::{CPU_PART_MAX, GROUP_ORDERS_MAX, NODE_SHARDS_MAX, PLANNED_CPU_PART, Settings};
use crate::world::{GroupId, Node, NodeId, Replica, Shard, ShardId, Tenant, TenantId, World};

/// What a hash is for, so that the orders of groups, nodes and tenants do not depend on one another.
const GROUPS: u64 = 1;
const NODES: u64 = 2;
const TENANTS: u64 = 3;

/// Bytes of a shard's data, from and to.
const SHARD_BYTES: (f64, f64) = (0.5e9, 1.5e9);

/// The world at the beginning: every shard has its group, its copies and its leader, and nothing is above its bound.
///
/// # Errors
///
/// There are too few nodes or groups for the load.
pub(crate) fn world(settings: &Settings, random: &mut Random) -> anyhow::Result<World> {
    let tenants = (0..settings.tenants).map(|_| Tenant { shard: ShardId(0), orders_per_second: 0.0, moving_to: None });
    let shard = |_| Shard {
        group: GroupId(0),
        replicas: Vec::new(),
        leader: None,
        pause: None,
        lost_leader: None,
        lost_ms: 0.0,
        had_no_room_ms: f64::NEG_INFINITY,
        bytes: random.between(SHARD_BYTES.0, SHARD_BYTES.1),
    };
    let node = |index| Node {
        zone: index % settings.zones,
        is_up: true,
        life: 0,
        copies_until_ms: 0.0,
        took_over_ms: Vec::new(),
    };
    let mut world = World {
        settings: settings.clone(),
        tenants: tenants.collect(),
        shards: (0..settings.shards).map(shard).collect(),
        nodes: (0..settings.nodes).map(node).collect(),
        wanted: vec![0.0; settings.shards],
    };
    place_tenants(&mut world);
    let mut heaviest_first: Vec<_> = world.shard_ids().collect();
    heaviest_first.sort_by(|a, b| world.wanted(*b).total_cmp(&world.wanted(*a)).then(a.cmp(b)));
    place_in_groups(&mut world, &heaviest_first)?;
    place_on_nodes(&mut world, &heaviest_first)?;
    Ok(world)
}

/// The load of each tenant by Zipf's law: the tenant of rank k has 1/k^s of the first one's.
fn loads(settings: &Settings) -> Vec<f64> {
    let weights: Vec<f64> = (1..=settings.tenants).map(|rank| (rank as f64).powf(-settings.zipf)).collect();
    let all: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| settings.orders_per_second * weight / all).collect()
}

fn place_tenants(world: &mut World) {
    let shards = world.shards.len();
    for (rank, load) in loads(&world.settings).into_iter().enumerate() {
        let choice = |number| ShardId((hash(TENANTS, rank, number) % shards as u64) as usize);
        let (one, other) = (choice(0), choice(1));
        let lighter = if world.wanted(other) < world.wanted(one) { other } else { one };
        *world.tenant_mut(TenantId(rank)) = Tenant { shard: lighter, orders_per_second: load, moving_to: None };
        world.wanted[lighter.0] += load;
    }
}

fn place_in_groups(world: &mut World, heaviest_first: &[ShardId]) -> anyhow::Result<()> {
    let mut used = vec![(0.0, 0); world.settings.groups];
    for shard in heaviest_first {
        let orders = world.orders(*shard);
        let mut order: Vec<_> = (0..used.len()).collect();
        order.sort_by_key(|group| Reverse(hash(GROUPS, shard.0, *group)));
        let has_room = |group: &&usize| {
            let (load, shards): (f64, usize) = used[**group];
            load + orders <= GROUP_ORDERS_MAX && shards < GROUP_SHARDS_MAX
        };
        let group = *order.iter().find(has_room).context("there are too few groups of NATS servers for this load")?;
        used[group] = (used[group].0 + orders, used[group].1 + 1);
        world.shard_mut(*shard).group = GroupId(group);
    }
    Ok(())
}

fn place_on_nodes(world: &mut World, heaviest_first: &[ShardId]) -> anyhow::Result<()> {
    for shard in heaviest_first {
        for number in 0..REPLICAS {
            let node =
                home(world, *shard, &Used::new(world), number == 0).context("there are too few nodes for this load")?;
            let shard = world.shard_mut(*shard);
            shard.replicas.push(Replica { node, is_ready: true, in_place_of: None, replaces: None });
            shard.leader = shard.leader.or(Some(node));
        }
    }
    Ok(())
}

/// What all nodes already carry, and what each keeps free for the heaviest shard that it follows.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) parts: Vec<f64>,
    reserves: Vec<f64>,
    copies: Vec<usize>,
}

impl Used {
    pub(crate) fn new(world: &World) -> Self {
        Self { parts: world.cpu_parts(), reserves: world.reserves(), copies: world.copies() }
    }

    /// The part of its CPU that a plan may use of a node.
    pub(crate) fn bound(&self, node: NodeId) -> f64 {
        PLANNED_CPU_PART.min(CPU_PART_MAX - self.reserves[node.0])
    }

    /// Whether a plan may give a node another copy of a shard with this load.
    pub(crate) fn has_room(&self, world: &World, node: NodeId, orders: f64, is_leader: bool) -> bool {
        let part = self.parts[node.0] + world.cpu_part(orders, is_leader);
        let as_leader = self.parts[node.0] + world.cpu_part(orders, true);
        part <= self.bound(node) && as_leader <= CPU_PART_MAX && self.copies[node.0] < NODE_SHARDS_MAX
    }
}

/// The node for the next copy of a shard: the first one of its order that is up, in a zone without a copy, and has room.
pub(crate) fn home(world: &World, shard: ShardId, used: &Used, is_leader: bool) -> Option<NodeId> {
    let zones: Vec<_> = world.shard(shard).replicas.iter().map(|replica| world.node(replica.node).zone).collect();
    let is_possible = |node: &NodeId| {
        let state = world.node(*node);
        state.is_up && !zones.contains(&state.zone) && used.has_room(world, *node, world.orders(shard), is_leader)
    };
    order(world, shard).into_iter().find(is_possible)
}

/// The part of its CPU that the fullest node would use without a bound: each shard in the first places of its order.
pub(crate) fn cpu_max_without_bound(world: &World) -> f64 {
    let mut parts = vec![0.0; world.nodes.len()];
    for shard in world.shard_ids() {
        let mut zones = Vec::new();
        for node in order(world, shard) {
            if zones.len() < REPLICAS && !zones.contains(&world.node(node).zone) {
                parts[node.0] += world.cpu_part(world.orders(shard), zones.is_empty());
                zones.push(world.node(node).zone);
            }
        }
    }
    parts.into_iter().fold(0.0, f64::max)
}

/// All nodes in the order of a shard. Each shard has another order, and it never changes.
fn order(world: &World, shard: ShardId) -> Vec<NodeId> {
    let mut nodes: Vec<_> = world.node_ids().collect();
    nodes.sort_by_key(|node| Reverse(hash(NODES, shard.0, node.0)));
    nodes
}
