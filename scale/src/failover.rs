//! Loss of a leader: its followers wait for the lease and half a second more, one after another tries to lead, and the first
//! with room does. The times are those of docs/cluster.md.

use crate::costs::ACK_MS;
use crate::events::Event;
use crate::report::Cause;
use crate::settings::CPU_PART_MAX;
use crate::simulation::Simulation;
use crate::world::{GroupId, NodeId, ShardId};

/// `cluster.lease_ms` and `cluster.heartbeat_ms`.
const LEASE_MS: f64 = 2_000.0;
const HEARTBEAT_MS: f64 = 500.0;

/// A follower waits for the lease and this long, because the clocks of two machines may differ in speed.
const AFTER_LEASE_MS: f64 = 500.0;

/// Each further follower waits so much longer, so that two seldom try at the same time.
pub(crate) const STAGGER_MS: f64 = 250.0;

/// How long a follower waits at least before it tries to lead.
pub(crate) const PATIENCE_MS: f64 = LEASE_MS + AFTER_LEASE_MS;

/// What the new leader has not read yet, and the calls in flight that it runs again: not measured.
const CATCH_UP_MS: (f64, f64) = (20.0, 120.0);

/// A new leader sends its first messages one at a time: as many as its predecessor may have had in flight.
const FIRST_MESSAGES: f64 = 4.0;

/// A node takes over one shard for each core at once. Many at once take so much longer.
const TAKE_OVERS_WITHIN_MS: f64 = 1_000.0;

/// The longest take-over while no node takes over more than so many shards per core.
pub(crate) const TAKE_OVER_MS_MAX: f64 = WAVES_MAX * (CATCH_UP_MS.1 + FIRST_MESSAGES * ACK_MS);
const WAVES_MAX: f64 = 5.0;

/// A shard whose followers have no room is tried again after this time.
const AGAIN_MS: f64 = 1_000.0;

/// Milliseconds that NATS needs to elect another leader of a stream.
const ELECTION_MS: (f64, f64) = (4_000.0, 9_000.0);

impl Simulation {
    /// A node stops: nobody hears from the shards that it leads.
    pub(crate) fn fail(&mut self, node: NodeId, for_ms: f64, cause: Cause) {
        let state = self.world.node_mut(node);
        state.is_up = false;
        state.life += 1;
        state.copies_until_ms = 0.0;
        let life = state.life;
        self.plan_return(node, life, for_ms);
        for id in self.world.shard_ids() {
            if self.world.shard(id).leader == Some(node) {
                // The last heartbeat that the followers saw came at any instant before.
                let heard_ms = self.now_ms - self.random.between(0.0, HEARTBEAT_MS);
                let shard = self.world.shard_mut(id);
                shard.leader = None;
                (shard.lost_leader, shard.lost_ms) = (Some(node), self.now_ms);
                shard.pause = shard.pause.or(Some((self.now_ms, cause)));
                self.queue.add(heard_ms + PATIENCE_MS, Event::Silence { shard: id });
            }
            self.drop_unfinished_copy(id, node);
        }
    }

    /// The followers of a silent shard try to lead, in their order.
    pub(crate) fn follow_up(&mut self, id: ShardId) {
        if self.world.shard(id).leader.is_some() {
            return;
        }
        let (parts, part) = (self.world.cpu_parts(), self.world.cpu_part_of_leading(id));
        let can_lead = |node: NodeId| self.world.node(node).is_up && parts[node.0] + part <= CPU_PART_MAX;
        let shard = self.world.shard(id);
        let mut turns = shard.replicas.iter().filter(|replica| shard.lost_leader != Some(replica.node)).enumerate();
        let Some((turn, replica)) = turns.find(|(_, replica)| replica.is_ready && can_lead(replica.node)) else {
            self.queue.add(self.now_ms + AGAIN_MS, Event::Silence { shard: id });
            self.world.shard_mut(id).had_no_room_ms = self.now_ms;
            self.add_copy(id, None);
            return;
        };
        let node = replica.node;
        let (now_ms, cores) = (self.now_ms, self.world.settings.cores);
        let began = &mut self.world.node_mut(node).took_over_ms;
        began.retain(|began| now_ms - began < TAKE_OVERS_WITHIN_MS);
        began.push(now_ms);
        let waves = began.len().div_ceil(cores) as f64;
        let life = self.world.node(node).life;
        // From here on it has the load of a leader, so that no other shard takes its room.
        self.world.shard_mut(id).leader = Some(node);
        let take_over_ms = self.random.between(CATCH_UP_MS.0, CATCH_UP_MS.1) + FIRST_MESSAGES * ACK_MS;
        let at_ms = now_ms + STAGGER_MS * turn as f64 + take_over_ms * waves;
        self.queue.add(at_ms, Event::Leads { shard: id, node, life });
    }

    /// The new leader answers, unless it was lost meanwhile.
    pub(crate) fn lead(&mut self, id: ShardId, node: NodeId, life: u64) {
        let is_current = self.world.shard(id).leader == Some(node) && self.world.node(node).life == life;
        let Some((since_ms, cause)) = self.world.shard(id).pause.filter(|_| is_current) else { return };
        self.world.shard_mut(id).pause = None;
        self.paused(id, cause, self.now_ms - since_ms);
    }

    /// A NATS server is lost: the streams that it led elect another one. Their hosts wait, and the leader goes on.
    pub(crate) fn elect(&mut self, group: GroupId, server: u64) {
        let is_led = |id: &ShardId| self.world.shard(*id).group == group && id.0 as u64 % 3 == server;
        for id in self.world.shard_ids().filter(is_led).collect::<Vec<_>>() {
            if self.world.shard(id).pause.is_none() {
                let election_ms = self.random.between(ELECTION_MS.0, ELECTION_MS.1) + ACK_MS;
                self.paused(id, Cause::NatsServerLoss, election_ms);
            }
        }
    }
}
