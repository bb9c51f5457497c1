//! Copies of shards on nodes: those of a lost node are made anew elsewhere, and a node that returns gets its own back.

use crate::balance::Room;
use crate::costs::REPLICAS;
use crate::events::Event;
use crate::placement::{Used, home};
use crate::simulation::Simulation;
use crate::world::{NodeId, Replica, ShardId};

/// A node that is away for longer is replaced. A restart is shorter.
const REPLACE_AFTER_MS: f64 = 5.0 * 60_000.0;

/// Bytes per second at which a node loads copies: the goal is a shop of 1 GB within a minute.
const COPY_BYTES_PER_SECOND: f64 = 1e9 / 60.0;

/// A node that was away shortly reads what it has missed.
const REREAD_MS: (f64, f64) = (5_000.0, 15_000.0);

impl Simulation {
    pub(crate) fn plan_return(&mut self, node: NodeId, life: u64, for_ms: f64) {
        self.queue.add(self.now_ms + for_ms, Event::NodeBack { node, life });
        if for_ms > REPLACE_AFTER_MS {
            self.queue.add(self.now_ms + REPLACE_AFTER_MS, Event::Replace { node, life });
        }
    }

    /// A node that has some copies still lacks one that it was loading when it was lost.
    pub(crate) fn drop_unfinished_copy(&mut self, id: ShardId, node: NodeId) {
        let replicas = &mut self.world.shard_mut(id).replicas;
        let before = replicas.len();
        replicas.retain(|replica| replica.node != node || replica.is_ready);
        if replicas.len() < before {
            self.add_copy(id, None);
        }
    }

    /// Makes the copies of a lost node anew elsewhere.
    pub(crate) fn replace(&mut self, node: NodeId, life: u64) {
        if self.world.node(node).life != life || self.world.node(node).is_up {
            return;
        }
        for id in self.world.shard_ids() {
            let replicas = &mut self.world.shard_mut(id).replicas;
            let Some(index) = replicas.iter().position(|replica| replica.node == node) else { continue };
            let lost = replicas.remove(index);
            if self.add_copy(id, Some(node)) {
                self.moves.copies_for_lost_nodes += 1;
            } else {
                // There is no place for another one, as when the whole zone is lost. What it has is better than nothing.
                self.world.shard_mut(id).replicas.insert(index, lost);
            }
        }
    }

    pub(crate) fn bring_back(&mut self, node: NodeId, life: u64) {
        if self.world.node(node).life != life {
            return;
        }
        self.world.node_mut(node).is_up = true;
        for id in self.world.shard_ids() {
            if let Some(replica) = self.world.shard_mut(id).replicas.iter_mut().find(|replica| replica.node == node) {
                replica.is_ready = false;
                let at_ms = self.now_ms + self.random.between(REREAD_MS.0, REREAD_MS.1);
                self.queue.add(at_ms, Event::CopyReady { shard: id, node, life });
            }
        }
    }

    /// Begins another copy of a shard that has too few, and says whether there was room for it.
    pub(crate) fn add_copy(&mut self, id: ShardId, in_place_of: Option<NodeId>) -> bool {
        if self.world.shard(id).replicas.len() >= REPLICAS {
            return false;
        }
        let Some(node) = home(&self.world, id, &Used::new(&self.world), false) else { return false };
        self.begin_copy(id, Replica { node, is_ready: false, in_place_of, replaces: None });
        true
    }

    fn begin_copy(&mut self, id: ShardId, replica: Replica) {
        let seconds = self.world.shard(id).bytes / COPY_BYTES_PER_SECOND;
        let now_ms = self.now_ms;
        let node = self.world.node_mut(replica.node);
        // A node loads one copy after another.
        node.copies_until_ms = node.copies_until_ms.max(now_ms) + seconds * 1_000.0;
        let (at_ms, life) = (node.copies_until_ms, node.life);
        self.world.shard_mut(id).replicas.push(replica);
        self.queue.add(at_ms, Event::CopyReady { shard: id, node: replica.node, life });
    }

    pub(crate) fn finish_copy(&mut self, id: ShardId, node: NodeId, life: u64) {
        if self.world.node(node).life != life {
            return;
        }
        let shard = self.world.shard_mut(id);
        let Some(replica) = shard.replicas.iter_mut().find(|replica| replica.node == node) else { return };
        replica.is_ready = true;
        let Some(old) = replica.replaces.take() else { return };
        // The earlier copy goes, unless it leads: then it stays until another one may lead.
        if shard.leader == Some(old) && !self.step_down(id, node, Room::Planned) {
            let back = |replica: &mut Replica| replica.replaces = Some(old);
            self.world.shard_mut(id).replicas.iter_mut().filter(|replica| replica.node == node).for_each(back);
            self.queue.add(self.now_ms + 10_000.0, Event::CopyReady { shard: id, node, life });
            return;
        }
        self.world.shard_mut(id).replicas.retain(|replica| replica.node != old);
    }

    /// Shards with too few copies get one, and nodes that returned get theirs back, each one at a time.
    pub(crate) fn mend_copies(&mut self) {
        for id in self.world.shard_ids() {
            self.add_copy(id, None);
            self.return_copy(id);
        }
    }

    fn return_copy(&mut self, id: ShardId) {
        let shard = self.world.shard(id);
        let is_settled = shard.replicas.len() == REPLICAS && shard.replicas.iter().all(|replica| replica.is_ready);
        let away = shard.replicas.iter().find_map(|replica| Some((replica.node, replica.in_place_of?)));
        let Some((guest, owner)) = away.filter(|_| is_settled) else { return };
        let state = self.world.node(owner);
        if !state.is_up || state.copies_until_ms > self.now_ms {
            return;
        }
        // Another copy in the zone of the owner would be lost together with it.
        let zone = |node: NodeId| self.world.node(node).zone;
        let rest = || shard.replicas.iter().filter(|replica| replica.node != guest);
        if rest().any(|replica| zone(replica.node) == zone(owner)) {
            return;
        }
        let is_leader = shard.leader == Some(guest);
        if Used::new(&self.world).has_room(&self.world, owner, self.world.orders(id), is_leader) {
            self.moves.copies_returned += 1;
            self.begin_copy(id, Replica { node: owner, is_ready: false, in_place_of: None, replaces: Some(guest) });
        }
    }
}
