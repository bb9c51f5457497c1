//! What the operator of the shards does every ten seconds: copies that are missing are made, leaders hand over where a node
//! is above what is planned or a shard waits for room, and tenants leave shards that are above their bound.

use crate::placement::Used;
use crate::report::Cause;
use crate::settings::{CPU_PART_MAX, PLANNED_CPU_PART};
use crate::simulation::Simulation;
use crate::world::{NodeId, ShardId};

/// Milliseconds of an orderly step-down: the goal is below 500.
const STEP_DOWN_MS: (f64, f64) = (100.0, 500.0);

/// How far a node may be filled by a shard that another one hands over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Room {
    /// As far as is planned.
    Planned,
    /// Up to its bound, because a shard waits for the room that this makes.
    Last,
}

impl Simulation {
    pub(crate) fn balance(&mut self) {
        self.mend_copies();
        self.make_room();
        self.relieve_nodes();
        self.relieve_shards();
    }

    /// Hands the lead of a shard to the copy on `node`, if that has room for it.
    pub(crate) fn step_down(&mut self, id: ShardId, node: NodeId, room: Room) -> bool {
        let used = Used::new(&self.world);
        let shard = self.world.shard(id);
        let is_ready = shard.replicas.iter().any(|replica| replica.node == node && replica.is_ready);
        let bound = match room {
            Room::Planned => PLANNED_CPU_PART.min(CPU_PART_MAX - self.world.reserve_without(node, id)),
            Room::Last => CPU_PART_MAX,
        };
        let is_possible = is_ready && shard.pause.is_none() && self.world.node(node).is_up;
        if !is_possible || used.parts[node.0] + self.world.cpu_part_of_leading(id) > bound {
            return false;
        }
        self.world.shard_mut(id).leader = Some(node);
        self.moves.step_downs += 1;
        let pause_ms = self.random.between(STEP_DOWN_MS.0, STEP_DOWN_MS.1);
        self.paused(id, Cause::StepDown, pause_ms);
        true
    }

    /// Where a shard waits because none of its followers has room, the least loaded of these hands over other shards.
    fn make_room(&mut self) {
        let waits = |id: &ShardId| self.world.shard(*id).leader.is_none();
        for id in self.world.shard_ids().filter(waits).collect::<Vec<_>>() {
            let parts = self.world.cpu_parts();
            let replicas = self.world.shard(id).replicas.iter();
            let ready = replicas.filter(|replica| replica.is_ready && self.world.node(replica.node).is_up);
            let least = ready.map(|replica| replica.node).min_by(|a, b| parts[a.0].total_cmp(&parts[b.0]));
            if let Some(node) = least {
                self.hand_over(node, CPU_PART_MAX - self.world.cpu_part_of_leading(id), Room::Last);
            }
        }
    }

    fn relieve_nodes(&mut self) {
        let used = Used::new(&self.world);
        for node in self.world.node_ids() {
            if self.world.node(node).is_up {
                self.hand_over(node, used.bound(node), Room::Planned);
            }
        }
    }

    /// While a node uses more than `part` of its CPU, it hands shards over, those with the most load first. Each goes to its
    /// least loaded follower, and stays if none has room.
    fn hand_over(&mut self, node: NodeId, part: f64, room: Room) {
        if self.world.cpu_parts()[node.0] <= part {
            return;
        }
        let mut led: Vec<_> = self.world.shard_ids().filter(|id| self.world.shard(*id).leader == Some(node)).collect();
        led.sort_by(|a, b| self.world.orders(*b).total_cmp(&self.world.orders(*a)).then(a.cmp(b)));
        for id in led {
            let parts = self.world.cpu_parts();
            if parts[node.0] <= part {
                return;
            }
            let mut others: Vec<_> = self.world.shard(id).replicas.iter().map(|replica| replica.node).collect();
            others.retain(|other| *other != node);
            others.sort_by(|a, b| parts[a.0].total_cmp(&parts[b.0]));
            others.into_iter().any(|other| self.step_down(id, other, room));
        }
    }
}
