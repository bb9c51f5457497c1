//! The state of the simulated world: nodes, groups of NATS servers, shards and tenants, and their loads.

use crate::costs::{FOLLOWER_CPU_MS, LEADER_CPU_MS};
use crate::report::Cause;
use crate::settings::{GROUP_ORDERS_MAX, Settings};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupId(pub(crate) usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ShardId(pub(crate) usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TenantId(pub(crate) usize);

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) zone: usize,
    pub(crate) is_up: bool,
    /// How often it was lost: what was planned before its last loss no longer counts.
    pub(crate) life: u64,
    /// The instant at which the copies end that it has begun to load.
    pub(crate) copies_until_ms: f64,
    /// When it began to take over shards, in the last second.
    pub(crate) took_over_ms: Vec<f64>,
}

/// A copy of a shard's data on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) node: NodeId,
    /// Whether it has all of the data: only then it can lead.
    pub(crate) is_ready: bool,
    /// The lost node whose copy it replaces: that node gets it back.
    pub(crate) in_place_of: Option<NodeId>,
    /// The node whose copy goes once this one is ready.
    pub(crate) replaces: Option<NodeId>,
}

#[derive(Debug, Clone)]
pub(crate) struct Shard {
    pub(crate) group: GroupId,
    pub(crate) replicas: Vec<Replica>,
    /// The node that leads, or that is about to while nobody answers.
    pub(crate) leader: Option<NodeId>,
    /// Since when nobody answers, and why.
    pub(crate) pause: Option<(f64, Cause)>,
    /// The leader that was last lost, and when.
    pub(crate) lost_leader: Option<NodeId>,
    pub(crate) lost_ms: f64,
    /// When none of its followers had room for it.
    pub(crate) had_no_room_ms: f64,
    /// Bytes of its data.
    pub(crate) bytes: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) shard: ShardId,
    pub(crate) orders_per_second: f64,
    /// The shard to which it is being moved.
    pub(crate) moving_to: Option<ShardId>,
}

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) nodes: Vec<Node>,
    pub(crate) shards: Vec<Shard>,
    pub(crate) tenants: Vec<Tenant>,
    /// Orders per second that the tenants of each shard want.
    pub(crate) wanted: Vec<f64>,
}

impl World {
    pub(crate) fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    pub(crate) fn shard_ids(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..self.shards.len()).map(ShardId)
    }

    pub(crate) fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0]
    }

    pub(crate) fn shard(&self, shard: ShardId) -> &Shard {
        &self.shards[shard.0]
    }

    pub(crate) fn node_mut(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node.0]
    }

    pub(crate) fn shard_mut(&mut self, shard: ShardId) -> &mut Shard {
        &mut self.shards[shard.0]
    }

    /// Orders per second that a shard takes: the leader refuses the rest.
    pub(crate) fn orders(&self, shard: ShardId) -> f64 {
        self.wanted(shard).min(GROUP_ORDERS_MAX)
    }

    pub(crate) fn wanted(&self, shard: ShardId) -> f64 {
        self.wanted[shard.0]
    }

    /// Orders per second that all leaders refuse.
    pub(crate) fn refused(&self) -> f64 {
        self.shard_ids().map(|shard| self.wanted(shard) - self.orders(shard)).sum()
    }

    /// The part of each node's CPU that its shards use, summed anew: nothing is counted twice or forgotten.
    pub(crate) fn cpu_parts(&self) -> Vec<f64> {
        let mut parts = vec![0.0; self.nodes.len()];
        for id in self.shard_ids() {
            let (shard, orders) = (self.shard(id), self.orders(id));
            for replica in &shard.replicas {
                parts[replica.node.0] += self.cpu_part(orders, shard.leader == Some(replica.node));
            }
        }
        parts
    }

    /// The part of a node's CPU that a shard with this load uses there.
    pub(crate) fn cpu_part(&self, orders: f64, is_leader: bool) -> f64 {
        orders * if is_leader { LEADER_CPU_MS } else { FOLLOWER_CPU_MS } / self.settings.node_cpu_ms()
    }

    /// What a node uses more when it leads a shard that it follows.
    pub(crate) fn cpu_part_of_leading(&self, shard: ShardId) -> f64 {
        let orders = self.orders(shard);
        self.cpu_part(orders, true) - self.cpu_part(orders, false)
    }

    /// What each node must be able to use more when the heaviest shard that it follows loses its leader.
    pub(crate) fn reserves(&self) -> Vec<f64> {
        let mut reserves = vec![0.0; self.nodes.len()];
        for id in self.shard_ids() {
            self.reserve(id, &mut reserves);
        }
        reserves
    }

    /// What a node keeps free for the shards that it follows, without one of them.
    pub(crate) fn reserve_without(&self, node: NodeId, without: ShardId) -> f64 {
        let mut reserves = vec![0.0; self.nodes.len()];
        for id in self.shard_ids().filter(|id| *id != without) {
            self.reserve(id, &mut reserves);
        }
        reserves[node.0]
    }

    fn reserve(&self, id: ShardId, reserves: &mut [f64]) {
        let (shard, part) = (self.shard(id), self.cpu_part_of_leading(id));
        for replica in shard.replicas.iter().filter(|replica| shard.leader != Some(replica.node)) {
            reserves[replica.node.0] = part.max(reserves[replica.node.0]);
        }
    }

    /// The number of shards with a copy on each node.
    pub(crate) fn copies(&self) -> Vec<usize> {
        let mut copies = vec![0; self.nodes.len()];
        for replica in self.shards.iter().flat_map(|shard| &shard.replicas) {
            copies[replica.node.0] += 1;
        }
        copies
    }

    /// Orders per second of each group, and the number of its shards.
    pub(crate) fn groups(&self) -> Vec<(f64, usize)> {
        let mut groups = vec![(0.0, 0); self.settings.groups];
        for id in self.shard_ids() {
            let group = &mut groups[self.shard(id).group.0];
            *group = (group.0 + self.orders(id), group.1 + 1);
        }
        groups
    }

    /// The tenants of a shard, the one with the most load first.
    pub(crate) fn tenants_of(&self, shard: ShardId) -> Vec<TenantId> {
        let all = self.tenants.iter().enumerate();
        let mut found: Vec<_> = all.filter(|(_, tenant)| tenant.shard == shard).map(|(id, _)| TenantId(id)).collect();
        found.sort_by(|a, b| self.load(*b).total_cmp(&self.load(*a)).then(a.cmp(b)));
        found
    }

    pub(crate) fn load(&self, tenant: TenantId) -> f64 {
        self.tenants[tenant.0].orders_per_second
    }

    pub(crate) fn tenant_mut(&mut self, tenant: TenantId) -> &mut Tenant {
        &mut self.tenants[tenant.0]
    }

    pub(crate) fn set_load(&mut self, tenant: TenantId, orders_per_second: f64) {
        self.tenants[tenant.0].orders_per_second = orders_per_second;
        self.sum(self.tenants[tenant.0].shard);
    }

    pub(crate) fn move_tenant(&mut self, tenant: TenantId, to: ShardId) {
        let from = std::mem::replace(&mut self.tenants[tenant.0].shard, to);
        self.sum(from);
        self.sum(to);
    }

    /// Sums the load of a shard anew, so that no rounding adds up.
    fn sum(&mut self, shard: ShardId) {
        let own = self.tenants.iter().filter(|tenant| tenant.shard == shard);
        self.wanted[shard.0] = own.map(|tenant| tenant.orders_per_second).sum();
    }
}
