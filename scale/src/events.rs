//! What happens when: a queue in virtual time. Events of one instant happen in the order in which they were added.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::world::{GroupId, NodeId, ShardId, TenantId};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Event {
    NodeLost {
        node: NodeId,
        for_ms: f64,
    },
    ZoneLost {
        zone: usize,
        for_ms: f64,
    },
    /// A node that was lost has been away for so long that its copies are made anew elsewhere.
    Replace {
        node: NodeId,
        life: u64,
    },
    NodeBack {
        node: NodeId,
        life: u64,
    },
    NatsServerLost {
        group: GroupId,
        server: u64,
    },
    /// The followers of a shard have heard nothing for the lease and half a second.
    Silence {
        shard: ShardId,
    },
    /// A follower has appended its epoch, read the rest and answers.
    Leads {
        shard: ShardId,
        node: NodeId,
        life: u64,
    },
    CopyReady {
        shard: ShardId,
        node: NodeId,
        life: u64,
    },
    Grows {
        tenant: TenantId,
    },
    Shrinks {
        tenant: TenantId,
    },
    TenantMoved {
        tenant: TenantId,
    },
    /// The operator of the shards looks at all loads.
    Look,
    Sample,
}

#[derive(Debug)]
struct Due {
    at_ms: f64,
    number: u64,
    event: Event,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap has its greatest first, and that is the earliest.
        other.at_ms.total_cmp(&self.at_ms).then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Due {}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    due: BinaryHeap<Due>,
    added: u64,
}

impl Queue {
    pub(crate) fn add(&mut self, at_ms: f64, event: Event) {
        self.added += 1;
        self.due.push(Due { at_ms, number: self.added, event });
    }

    /// The earliest event, and its instant.
    pub(crate) fn next(&mut self) -> Option<(f64, Event)> {
        self.due.pop().map(|due| (due.at_ms, due.event))
    }
}
