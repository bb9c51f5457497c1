//! What a simulation found: pauses by their cause, moves, loads over time, and what broke a rule.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::settings::Settings;

/// Why nobody answered for a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    NodeLoss,
    ZoneLoss,
    NatsServerLoss,
    StepDown,
}

/// The pauses of one cause, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Pauses {
    pub(crate) count: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Pauses {
    pub(crate) fn of(milliseconds: &[f64]) -> Self {
        let mut sorted = milliseconds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let index = ((sorted.len() as f64 * part).ceil() as usize).saturating_sub(1);
            sorted.get(index).copied().unwrap_or_default()
        };
        Self { count: sorted.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

/// One look at all nodes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Sample {
    pub(crate) minute: f64,
    /// Parts of the CPU of the nodes that are up.
    pub(crate) cpu_mean: f64,
    pub(crate) cpu_max: f64,
    pub(crate) nodes_up: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Moves {
    /// Copies that replaced those of a lost node.
    pub(crate) copies_for_lost_nodes: usize,
    /// Copies that a node got back after its return.
    pub(crate) copies_returned: usize,
    /// Leaders that handed over in order.
    pub(crate) step_downs: usize,
    /// Tenants that went to another shard.
    pub(crate) tenants: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Beginning {
    pub(crate) cpu_min: f64,
    pub(crate) cpu_mean: f64,
    pub(crate) cpu_max: f64,
    /// The fullest node if placement had no bound.
    pub(crate) cpu_max_without_bound: f64,
    pub(crate) copies_max: usize,
    /// Orders per second of the heaviest shard and tenant, and of the fullest group.
    pub(crate) shard_max: f64,
    pub(crate) tenant_max: f64,
    pub(crate) group_max: f64,
    /// The bound of a shard and of a group.
    pub(crate) orders_bound: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) settings: Settings,
    pub(crate) beginning: Beginning,
    /// The longest pause that a lost node may cause while its followers have room.
    pub(crate) failover_ms_bound: f64,
    pub(crate) pauses: BTreeMap<Cause, Pauses>,
    pub(crate) nodes_lost: usize,
    pub(crate) moves: Moves,
    /// Seconds for which a shard or its group was above its bound, until tenants had left.
    pub(crate) relief_seconds: Pauses,
    /// How often a tenant alone was above the bound of a shard.
    pub(crate) shards_with_too_large_tenants: usize,
    /// Orders: all, those that came in a pause of their shard, and those above the bound of their shard.
    pub(crate) orders: f64,
    pub(crate) orders_that_waited: f64,
    pub(crate) orders_refused: f64,
    /// Rules that did not hold: none, or the model is wrong.
    pub(crate) broken: Vec<String>,
    pub(crate) samples: Vec<Sample>,
    /// Every pause, for the plot.
    #[serde(skip)]
    pub(crate) all_pauses: BTreeMap<Cause, Vec<f64>>,
}
