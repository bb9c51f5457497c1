//! The simulation: takes the events one after another, and looks after each whether the rules hold.

use std::collections::BTreeMap;

use crate::events::{Event, Queue};
use crate::placement;
use crate::random::Random;
use crate::report::{Beginning, Cause, Moves, Pauses, Report, Sample};
use crate::rules::{self, Rules};
use crate::settings::{GROUP_ORDERS_MAX, Settings};
use crate::world::{GroupId, NodeId, ShardId, TenantId, World};

const SECOND_MS: f64 = 1_000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
const HOUR_MS: f64 = 60.0 * MINUTE_MS;

/// Between two looks at all loads, and between two points of the plot.
const LOOK_MS: f64 = 10.0 * SECOND_MS;
const SAMPLE_MS: f64 = 5.0 * MINUTE_MS;

/// A lost node is away for so long: half of them only start again, the others are new machines.
const RESTART_MS: (f64, f64) = (1.0 * MINUTE_MS, 4.0 * MINUTE_MS);
const NEW_MACHINE_MS: (f64, f64) = (15.0 * MINUTE_MS, 60.0 * MINUTE_MS);

/// How much a tenant's load grows, and for how long.
const GROWTH: f64 = 10.0;
const GROWN_MS: f64 = 30.0 * MINUTE_MS;

/// Half of the tenants that grow are among this many with the most load.
const HEAVY_TENANTS: usize = 200;

#[derive(Debug)]
pub(crate) struct Simulation {
    pub(crate) world: World,
    pub(crate) queue: Queue,
    pub(crate) random: Random,
    pub(crate) now_ms: f64,
    pub(crate) moves: Moves,
    pub(crate) pauses: BTreeMap<Cause, Vec<f64>>,
    pub(crate) orders_that_waited: f64,
    /// The shards that are above their bound, or their groups are: since when, and how long earlier ones were.
    pub(crate) above_since_ms: BTreeMap<ShardId, f64>,
    pub(crate) relieved_ms: Vec<f64>,
    /// Those of them with a tenant that is too large for any shard.
    pub(crate) too_large_ms: BTreeMap<ShardId, f64>,
    pub(crate) too_large: Vec<f64>,
    orders_refused: f64,
    orders: f64,
    nodes_lost: usize,
    samples: Vec<Sample>,
    rules: Rules,
}

/// Simulates `settings` from the beginning to the end.
///
/// # Errors
///
/// There are too few nodes or groups for the load.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<Report> {
    settings.check()?;
    let mut simulation = Simulation::new(settings)?;
    let beginning = simulation.beginning();
    simulation.plan();
    simulation.take_until(settings.hours as f64 * HOUR_MS);
    Ok(simulation.report(beginning))
}

impl Simulation {
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        let mut random = Random::new(settings.seed);
        let world = placement::world(settings, &mut random)?;
        Ok(Self {
            rules: Rules::new(&world),
            world,
            queue: Queue::default(),
            random,
            now_ms: 0.0,
            moves: Moves::default(),
            pauses: BTreeMap::new(),
            orders_that_waited: 0.0,
            above_since_ms: BTreeMap::new(),
            relieved_ms: Vec::new(),
            too_large_ms: BTreeMap::new(),
            too_large: Vec::new(),
            orders_refused: 0.0,
            orders: 0.0,
            nodes_lost: 0,
            samples: Vec::new(),
        })
    }

    /// Adds all failures and growth, at random instants.
    fn plan(&mut self) {
        let settings = self.world.settings.clone();
        let end_ms = settings.hours as f64 * HOUR_MS;
        for number in 0..settings.node_losses {
            let length = if number % 2 == 0 { RESTART_MS } else { NEW_MACHINE_MS };
            let (node, for_ms) = (NodeId(self.random.index(settings.nodes)), self.random.between(length.0, length.1));
            let at_ms = self.random.between(0.0, end_ms);
            self.queue.add(at_ms, Event::NodeLost { node, for_ms });
        }
        for _ in 0..settings.zone_losses {
            let for_ms = self.random.between(NEW_MACHINE_MS.0, NEW_MACHINE_MS.1);
            let zone = self.random.index(settings.zones);
            let at_ms = self.random.between(0.0, end_ms);
            self.queue.add(at_ms, Event::ZoneLost { zone, for_ms });
        }
        for _ in 0..settings.nats_losses {
            let (group, server) = (GroupId(self.random.index(settings.groups)), self.random.index(3) as u64);
            let at_ms = self.random.between(0.0, end_ms);
            self.queue.add(at_ms, Event::NatsServerLost { group, server });
        }
        for number in 0..settings.hot_tenants {
            let among = if number % 2 == 0 { HEAVY_TENANTS.min(settings.tenants) } else { settings.tenants };
            let tenant = TenantId(self.random.index(among));
            let at_ms = self.random.between(0.0, end_ms);
            self.queue.add(at_ms, Event::Grows { tenant });
        }
        self.queue.add(0.0, Event::Sample);
        self.queue.add(LOOK_MS, Event::Look);
    }

    /// Takes all events up to `end_ms`.
    pub(crate) fn take_until(&mut self, end_ms: f64) {
        while let Some((at_ms, event)) = self.queue.next() {
            let until_ms = at_ms.min(end_ms);
            let passed_seconds = (until_ms - self.now_ms) / SECOND_MS;
            self.orders += self.world.settings.orders_per_second * passed_seconds;
            self.orders_refused += self.world.refused() * passed_seconds;
            self.now_ms = until_ms;
            if at_ms > end_ms {
                self.queue.add(at_ms, event);
                break;
            }
            self.take(event);
            self.rules.check(&self.world, event, self.now_ms);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::NodeLost { node, for_ms } => self.lose_node(node, for_ms, Cause::NodeLoss),
            Event::ZoneLost { zone, for_ms } => {
                let nodes: Vec<_> = self.world.node_ids().filter(|node| self.world.node(*node).zone == zone).collect();
                nodes.into_iter().for_each(|node| self.lose_node(node, for_ms, Cause::ZoneLoss));
            }
            Event::Replace { node, life } => self.replace(node, life),
            Event::NodeBack { node, life } => self.bring_back(node, life),
            Event::NatsServerLost { group, server } => self.elect(group, server),
            Event::Silence { shard } => self.follow_up(shard),
            Event::Leads { shard, node, life } => self.lead(shard, node, life),
            Event::CopyReady { shard, node, life } => self.finish_copy(shard, node, life),
            Event::Grows { tenant } => {
                self.world.set_load(tenant, self.world.load(tenant) * GROWTH);
                self.queue.add(self.now_ms + GROWN_MS, Event::Shrinks { tenant });
            }
            Event::Shrinks { tenant } => self.world.set_load(tenant, self.world.load(tenant) / GROWTH),
            Event::TenantMoved { tenant } => self.finish_tenant(tenant),
            Event::Look => {
                self.balance();
                self.queue.add(self.now_ms + LOOK_MS, Event::Look);
            }
            Event::Sample => {
                self.sample();
                self.queue.add(self.now_ms + SAMPLE_MS, Event::Sample);
            }
        }
    }

    fn lose_node(&mut self, node: NodeId, for_ms: f64, cause: Cause) {
        if self.world.node(node).is_up {
            self.nodes_lost += 1;
            self.fail(node, for_ms, cause);
        }
    }

    /// Records that nobody answered for a shard for so long.
    pub(crate) fn paused(&mut self, shard: ShardId, cause: Cause, milliseconds: f64) {
        self.pauses.entry(cause).or_default().push(milliseconds);
        self.orders_that_waited += self.world.orders(shard) * milliseconds / SECOND_MS;
    }

    fn sample(&mut self) {
        let parts = self.world.cpu_parts();
        let up: Vec<_> = self.world.node_ids().filter(|node| self.world.node(*node).is_up).collect();
        let used: Vec<_> = up.iter().map(|node| parts[node.0]).collect();
        self.samples.push(Sample {
            minute: self.now_ms / MINUTE_MS,
            cpu_mean: used.iter().sum::<f64>() / up.len().max(1) as f64,
            cpu_max: used.iter().copied().fold(0.0, f64::max),
            nodes_up: up.len(),
        });
    }

    pub(crate) fn beginning(&self) -> Beginning {
        let parts = self.world.cpu_parts();
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
        Beginning {
            cpu_min: parts.iter().copied().fold(f64::INFINITY, f64::min),
            cpu_mean: parts.iter().sum::<f64>() / parts.len() as f64,
            cpu_max: largest(&mut parts.iter().copied()),
            cpu_max_without_bound: placement::cpu_max_without_bound(&self.world),
            copies_max: self.world.copies().into_iter().max().unwrap_or_default(),
            shard_max: largest(&mut self.world.wanted.iter().copied()),
            tenant_max: largest(&mut self.world.tenants.iter().map(|tenant| tenant.orders_per_second)),
            group_max: largest(&mut self.world.groups().into_iter().map(|(orders, _)| orders)),
            orders_bound: GROUP_ORDERS_MAX,
        }
    }

    pub(crate) fn report(self, beginning: Beginning) -> Report {
        let relieved: Vec<_> = self.relieved_ms.iter().map(|milliseconds| milliseconds / SECOND_MS).collect();
        Report {
            settings: self.world.settings.clone(),
            beginning,
            failover_ms_bound: rules::FAILOVER_MS_MAX,
            pauses: self.pauses.iter().map(|(cause, pauses)| (*cause, Pauses::of(pauses))).collect(),
            nodes_lost: self.nodes_lost,
            moves: self.moves,
            relief_seconds: Pauses::of(&relieved),
            shards_with_too_large_tenants: self.too_large.len() + self.too_large_ms.len(),
            orders: self.orders,
            orders_that_waited: self.orders_that_waited,
            orders_refused: self.orders_refused,
            broken: self.rules.broken,
            samples: self.samples,
            all_pauses: self.pauses,
        }
    }
}
