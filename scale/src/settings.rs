//! What is simulated: sizes, loads and failures, and the bounds that hold throughout.

use clap::Args;
use serde::Serialize;

use crate::costs::GROUP_ORDERS_PER_SECOND;

/// The part of a node's CPU up to which a plan fills it. The rest is for failovers.
pub(crate) const PLANNED_CPU_PART: f64 = 0.65;

/// The part of a node's CPU above which a failover gives it no shard.
pub(crate) const CPU_PART_MAX: f64 = 0.9;

/// The part of a group's measured limit that its shards may use, and so each of them.
const GROUP_PART: f64 = 0.75;

/// Orders per second of the shards of one group, and of one shard.
pub(crate) const GROUP_ORDERS_MAX: f64 = GROUP_ORDERS_PER_SECOND * GROUP_PART;

/// Shards with a copy on one node: each needs up to 200 MB of memory.
pub(crate) const NODE_SHARDS_MAX: usize = 160;

#[derive(Debug, Clone, PartialEq, Args, Serialize)]
pub(crate) struct Settings {
    /// The seed: the same seed gives the same output
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The number of shards
    #[arg(long, default_value_t = 1_000)]
    pub(crate) shards: usize,
    /// The number of tenants
    #[arg(long, default_value_t = 100_000)]
    pub(crate) tenants: usize,
    /// The exponent of the Zipf distribution of their load
    #[arg(long, default_value_t = 0.7)]
    pub(crate) zipf: f64,
    /// Orders per second of all tenants
    #[arg(long, default_value_t = 100_000.0)]
    pub(crate) orders_per_second: f64,
    /// The number of nodes, which are spread over the zones
    #[arg(long, default_value_t = 48)]
    pub(crate) nodes: usize,
    /// CPU cores of a node
    #[arg(long, default_value_t = 16)]
    pub(crate) cores: usize,
    /// The number of zones: a shard has at most one copy in each
    #[arg(long, default_value_t = 3)]
    pub(crate) zones: usize,
    /// The number of groups of three NATS servers
    #[arg(long, default_value_t = 96)]
    pub(crate) groups: usize,
    /// Hours that are simulated
    #[arg(long, default_value_t = 24)]
    pub(crate) hours: u64,
    /// Losses of single nodes
    #[arg(long, default_value_t = 24)]
    pub(crate) node_losses: usize,
    /// Losses of whole zones
    #[arg(long, default_value_t = 1)]
    pub(crate) zone_losses: usize,
    /// Losses of single NATS servers
    #[arg(long, default_value_t = 24)]
    pub(crate) nats_losses: usize,
    /// Tenants whose load grows tenfold for half an hour
    #[arg(long, default_value_t = 48)]
    pub(crate) hot_tenants: usize,
}

impl Settings {
    /// CPU milliseconds per second of one node.
    pub(crate) fn node_cpu_ms(&self) -> f64 {
        self.cores as f64 * 1_000.0
    }

    /// # Errors
    ///
    /// What cannot be simulated.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let counts = [self.shards, self.tenants, self.cores, self.groups];
        anyhow::ensure!(counts.iter().all(|count| *count > 0), "there must be shards, tenants, cores and groups");
        anyhow::ensure!(
            self.zones >= crate::costs::REPLICAS && self.nodes >= self.zones,
            "a shard has {} copies in as many zones, so there must be as many zones, and a node in each",
            crate::costs::REPLICAS
        );
        anyhow::ensure!((1..=24 * 365).contains(&self.hours), "simulate at least an hour and at most a year");
        let is_load = self.orders_per_second.is_finite() && self.orders_per_second > 0.0;
        anyhow::ensure!(is_load && (0.0..=3.0).contains(&self.zipf), "the load or its exponent is out of range");
        Ok(())
    }
}
