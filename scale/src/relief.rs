//! Tenants leave shards and groups that are above their bound. The heaviest tenant of a group stays where it is: it has the
//! most data, and the others leave it the shard.

use crate::events::Event;
use crate::placement::Used;
use crate::settings::{CPU_PART_MAX, GROUP_ORDERS_MAX};
use crate::simulation::Simulation;
use crate::world::{NodeId, ShardId, TenantId, World};

/// Milliseconds of a tenant's move: its data is copied while it is served, and then it pauses for a moment.
const TENANT_MOVE_MS: (f64, f64) = (10_000.0, 30_000.0);

/// What a shard or group is relieved to, and what another may get: a part of the bound, so that a little growth is no reason.
const TARGET: f64 = 0.9 * GROUP_ORDERS_MAX;

/// Moves of tenants that one look begins for one shard.
const MOVES_PER_LOOK: usize = 100;

impl Simulation {
    /// Moves tenants out of shards and groups above their bound, until what is planned is below it.
    pub(crate) fn relieve_shards(&mut self) {
        let groups = self.world.groups();
        let is_above = |id: &ShardId| {
            self.world.wanted(*id) > GROUP_ORDERS_MAX || groups[self.world.shard(*id).group.0].0 > GROUP_ORDERS_MAX
        };
        let mut above: Vec<_> = self.world.shard_ids().filter(is_above).collect();
        for id in &above {
            self.above_since_ms.entry(*id).or_insert(self.now_ms);
            if self.heaviest(*id).is_some_and(|tenant| self.world.load(tenant) > GROUP_ORDERS_MAX) {
                // No move helps it: it counts apart.
                self.too_large_ms.entry(*id).or_insert(self.now_ms);
            }
        }
        let is_over = |id: &ShardId, _: &mut f64| !above.contains(id);
        let ended: Vec<_> = self.above_since_ms.extract_if(.., is_over).collect();
        for (id, since_ms) in ended {
            let was_too_large = self.too_large_ms.remove(&id).is_some();
            let list = if was_too_large { &mut self.too_large } else { &mut self.relieved_ms };
            list.push(self.now_ms - since_ms);
        }
        above.sort_by(|a, b| self.world.wanted(*b).total_cmp(&self.world.wanted(*a)).then(a.cmp(b)));
        let mut plan = Plan::new(&self.world);
        for id in above {
            self.relieve(id, &mut plan);
        }
    }

    fn heaviest(&self, id: ShardId) -> Option<TenantId> {
        self.world.tenants_of(id).first().copied()
    }

    fn relieve(&mut self, id: ShardId, plan: &mut Plan) {
        let group = self.world.shard(id).group;
        let in_group = self.world.shard_ids().filter(|other| self.world.shard(*other).group == group);
        let heaviest = in_group.max_by(|a, b| self.world.wanted(*a).total_cmp(&self.world.wanted(*b)));
        let stay = usize::from(heaviest == Some(id));
        for tenant in self.world.tenants_of(id).into_iter().skip(stay).take(MOVES_PER_LOOK) {
            if plan.shards[id.0] <= TARGET && plan.groups[group.0] <= TARGET {
                return;
            }
            if self.world.tenants[tenant.0].moving_to.is_some() {
                continue;
            }
            let load = self.world.load(tenant);
            let Some(to) = self.lightest(id, load, plan) else { continue };
            plan.shift(&self.world, id, to, load);
            self.world.tenant_mut(tenant).moving_to = Some(to);
            let at_ms = self.now_ms + self.random.between(TENANT_MOVE_MS.0, TENANT_MOVE_MS.1);
            self.queue.add(at_ms, Event::TenantMoved { tenant });
        }
    }

    /// The shard with the least load that has room for a tenant, in another group, and on nodes that have room too.
    fn lightest(&self, from: ShardId, load: f64, plan: &Plan) -> Option<ShardId> {
        let source = self.world.shard(from).group;
        let has_room = |id: &ShardId| {
            let shard = self.world.shard(*id);
            let (orders, in_group) = (plan.shards[id.0] + load, plan.groups[shard.group.0] + load);
            let is_free = shard.group != source && shard.pause.is_none() && orders.max(in_group) <= TARGET;
            is_free && has_nodes(&self.world, &plan.parts, *id, load, |node| plan.bounds[node.0])
        };
        let possible = self.world.shard_ids().filter(has_room);
        possible.min_by(|a, b| plan.shards[a.0].total_cmp(&plan.shards[b.0]))
    }

    /// The tenant goes over, unless its new shard has lost its room meanwhile: then the next look plans anew.
    pub(crate) fn finish_tenant(&mut self, tenant: TenantId) {
        let Some(to) = self.world.tenant_mut(tenant).moving_to.take() else { return };
        let (load, groups) = (self.world.load(tenant), self.world.groups());
        let in_group = groups[self.world.shard(to).group.0].0;
        let has_room = in_group.max(self.world.wanted(to)) + load <= GROUP_ORDERS_MAX;
        if has_room && has_nodes(&self.world, &self.world.cpu_parts(), to, load, |_| CPU_PART_MAX) {
            self.world.move_tenant(tenant, to);
            self.moves.tenants += 1;
        }
    }
}

/// Whether the nodes of a shard, which use these parts of their CPU, stay within their bounds with so much more load.
fn has_nodes(world: &World, parts: &[f64], id: ShardId, load: f64, bound: impl Fn(NodeId) -> f64) -> bool {
    let shard = world.shard(id);
    shard.leader.is_some()
        && shard.replicas.iter().all(|replica| {
            parts[replica.node.0] + world.cpu_part(load, shard.leader == Some(replica.node)) <= bound(replica.node)
        })
}

/// The loads once all moves that have begun are done: what is wanted of shards and groups, and the CPU of nodes.
struct Plan {
    shards: Vec<f64>,
    groups: Vec<f64>,
    parts: Vec<f64>,
    /// What a plan may use of each node.
    bounds: Vec<f64>,
}

impl Plan {
    fn new(world: &World) -> Self {
        let used = Used::new(world);
        let bounds = world.node_ids().map(|node| used.bound(node)).collect();
        let groups = vec![0.0; world.settings.groups];
        let mut plan = Self { shards: world.wanted.clone(), groups, parts: used.parts, bounds };
        for id in world.shard_ids() {
            plan.groups[world.shard(id).group.0] += world.wanted(id);
        }
        let moving = world.tenants.iter().filter_map(|tenant| Some((tenant, tenant.moving_to?)));
        for (tenant, to) in moving {
            plan.shift(world, tenant.shard, to, tenant.orders_per_second);
        }
        plan
    }

    fn shift(&mut self, world: &World, from: ShardId, to: ShardId, load: f64) {
        for (id, change) in [(from, -load), (to, load)] {
            let shard = world.shard(id);
            self.shards[id.0] += change;
            self.groups[shard.group.0] += change;
            for replica in &shard.replicas {
                self.parts[replica.node.0] += world.cpu_part(change, shard.leader == Some(replica.node));
            }
        }
    }
}
