//! Properties of the simulation. `a_rule_…` are tests of the rules themselves: each breaks the world by hand.

use crate::events::Event;
use crate::failover::PATIENCE_MS;
use crate::plot;
use crate::report::{Cause, Pauses, Report};
use crate::rules::{FAILOVER_MS_MAX, Rules};
use crate::settings::{CPU_PART_MAX, GROUP_ORDERS_MAX, Settings};
use crate::simulation::{Simulation, run};
use crate::world::{NodeId, ShardId, TenantId, World};

const MINUTE_MS: f64 = 60_000.0;

/// A small world: 12 nodes in 3 zones, at a third of their CPU.
fn small() -> Settings {
    Settings {
        seed: 7,
        shards: 120,
        tenants: 4_000,
        zipf: 0.8,
        orders_per_second: 8_000.0,
        nodes: 12,
        cores: 8,
        zones: 3,
        groups: 8,
        hours: 6,
        node_losses: 12,
        zone_losses: 1,
        nats_losses: 6,
        hot_tenants: 12,
    }
}

fn simulation(settings: &Settings) -> Simulation {
    let mut simulation = Simulation::new(settings).expect("there is room");
    simulation.queue.add(10_000.0, Event::Look);
    simulation
}

fn report(settings: &Settings) -> Report {
    run(settings).expect("there is room")
}

fn json(report: &Report) -> String {
    serde_json::to_string(report).expect("JSON")
}

/// The nodes of each shard's copies, in the order of their numbers.
fn homes(world: &World) -> Vec<Vec<NodeId>> {
    let of = |shard: ShardId| {
        let mut nodes: Vec<_> = world.shard(shard).replicas.iter().map(|replica| replica.node).collect();
        nodes.sort_unstable();
        nodes
    };
    world.shard_ids().map(of).collect()
}

fn end(simulation: Simulation) -> Report {
    let beginning = simulation.beginning();
    simulation.report(beginning)
}

#[test]
fn the_same_seed_gives_the_same_report_and_plot() {
    let (first, again) = (report(&small()), report(&small()));
    assert_eq!(json(&first), json(&again));
    let folder = tempfile::tempdir().expect("a folder");
    let drawn = |name: &str, report: &Report| {
        let path = folder.path().join(name);
        plot::draw(&path, report).expect("it is drawn");
        std::fs::read_to_string(path).expect("it is there")
    };
    let svg = drawn("first.svg", &first);
    assert_eq!(svg, drawn("again.svg", &again));
    assert!(
        ["hands over", "node lost", "zone lost", "NATS server lost", "hours"].iter().all(|text| svg.contains(text))
    );
    let other = report(&Settings { seed: 8, ..small() });
    assert_ne!(json(&first), json(&other));
}

#[test]
fn no_rule_is_broken_in_any_of_twenty_seeds() {
    let mut tenants_moved = 0;
    for seed in 0..20 {
        let found = report(&Settings { seed, ..small() });
        assert_eq!(found.broken, Vec::<String>::new(), "seed {seed}");
        let happened = found.nodes_lost > 8 && found.moves.copies_for_lost_nodes > 0;
        assert!(happened, "seed {seed}: {:?}", found.moves);
        tenants_moved += found.moves.tenants;
    }
    assert!(tenants_moved > 0);
}

#[test]
fn a_lost_leader_is_followed_after_the_lease_and_within_the_bound() {
    let found = report(&small());
    for cause in [Cause::NodeLoss, Cause::ZoneLoss] {
        let pauses = found.all_pauses.get(&cause).expect("some leaders were lost");
        let is_possible = |pause: &&f64| (PATIENCE_MS - 500.0..=FAILOVER_MS_MAX).contains(*pause);
        assert_eq!(pauses.iter().filter(is_possible).count(), pauses.len(), "{cause:?}: {pauses:?}");
    }
}

#[test]
fn after_the_loss_of_a_node_every_shard_is_led_and_only_its_copies_have_moved() {
    let mut simulation = simulation(&small());
    let (before, lost) = (homes(&simulation.world), NodeId(4));
    simulation.queue.add(0.0, Event::NodeLost { node: lost, for_ms: 600.0 * MINUTE_MS });
    simulation.take_until(60.0 * MINUTE_MS);
    let after = homes(&simulation.world);
    let moved: Vec<_> = (0..before.len()).filter(|shard| before[*shard] != after[*shard]).collect();
    let had_a_copy: Vec<_> = (0..before.len()).filter(|shard| before[*shard].contains(&lost)).collect();
    assert_eq!(moved, had_a_copy);
    for shard in &simulation.world.shards {
        assert!(shard.leader.is_some_and(|leader| leader != lost) && shard.pause.is_none(), "{shard:?}");
        assert!(shard.replicas.len() == 3 && shard.replicas.iter().all(|replica| replica.is_ready), "{shard:?}");
    }
}

#[test]
fn a_node_that_returns_gets_its_copies_back() {
    let mut simulation = simulation(&small());
    let before = homes(&simulation.world);
    simulation.queue.add(0.0, Event::NodeLost { node: NodeId(4), for_ms: 30.0 * MINUTE_MS });
    simulation.take_until(29.0 * MINUTE_MS);
    assert_ne!(homes(&simulation.world), before);
    simulation.take_until(240.0 * MINUTE_MS);
    assert_eq!(homes(&simulation.world), before);
}

#[test]
fn a_short_restart_moves_no_copy() {
    let mut simulation = simulation(&small());
    let before = homes(&simulation.world);
    simulation.queue.add(0.0, Event::NodeLost { node: NodeId(4), for_ms: 3.0 * MINUTE_MS });
    simulation.take_until(60.0 * MINUTE_MS);
    assert_eq!(homes(&simulation.world), before);
    assert_eq!(simulation.moves.copies_for_lost_nodes, 0);
}

#[test]
fn shards_wait_while_no_node_has_room_and_are_led_again_afterwards() {
    // Three nodes at 56 percent: one of them cannot lead all shards.
    let settings = Settings { nodes: 3, orders_per_second: 3_700.0, ..small() };
    let mut simulation = simulation(&settings);
    simulation.queue.add(0.0, Event::NodeLost { node: NodeId(0), for_ms: 4.0 * MINUTE_MS });
    simulation.queue.add(0.0, Event::NodeLost { node: NodeId(1), for_ms: 4.0 * MINUTE_MS });
    simulation.take_until(3.0 * MINUTE_MS);
    let waiting = simulation.world.shards.iter().filter(|shard| shard.leader.is_none()).count();
    let used = simulation.world.cpu_parts()[2];
    assert!(waiting > 0 && (0.85..=CPU_PART_MAX).contains(&used), "{waiting} wait, {used} of the node is used");
    simulation.take_until(10.0 * MINUTE_MS);
    assert!(simulation.world.shards.iter().all(|shard| shard.leader.is_some() && shard.pause.is_none()));
    assert_eq!(end(simulation).broken, Vec::<String>::new());
}

#[test]
fn the_other_tenants_leave_a_shard_that_one_of_them_fills() {
    let mut simulation = simulation(&small());
    let count = |shard: &ShardId| simulation.world.tenants_of(*shard).len();
    let shard = simulation.world.shard_ids().max_by_key(count).expect("there are shards");
    let tenants = simulation.world.tenants_of(shard);
    let (large, other) = (tenants[0], tenants[1]);
    simulation.world.set_load(large, GROUP_ORDERS_MAX * 0.8);
    simulation.world.set_load(other, GROUP_ORDERS_MAX * 0.3);
    assert!(simulation.world.refused() > 0.0);
    simulation.take_until(MINUTE_MS);
    assert!(simulation.world.refused() == 0.0, "{}", simulation.world.refused());
    let (stays, leaves) = (simulation.world.tenants[large.0].shard, simulation.world.tenants[other.0].shard);
    assert!(stays == shard && leaves != shard, "{stays:?}, {leaves:?}");
    assert!(simulation.relieved_ms.iter().all(|relieved_ms| *relieved_ms <= 40_000.0), "{:?}", simulation.relieved_ms);
}

#[test]
fn a_tenant_stays_if_its_new_shard_has_lost_its_room_meanwhile() {
    let mut simulation = simulation(&small());
    let (tenant, groups) = (TenantId(10), simulation.world.groups());
    let from = simulation.world.tenants[tenant.0].shard;
    let group = |shard: &ShardId| simulation.world.shard(*shard).group;
    let others = simulation.world.shard_ids().filter(|shard| group(shard) != group(&from));
    let to = others.min_by(|a, b| groups[group(a).0].0.total_cmp(&groups[group(b).0].0)).expect("there are 8 groups");
    let neighbour = simulation.world.tenants_of(to)[0];
    let moves_to = |simulation: &mut Simulation, neighbours_load: f64| {
        simulation.world.set_load(neighbour, neighbours_load);
        simulation.world.tenant_mut(tenant).moving_to = Some(to);
        simulation.finish_tenant(tenant);
        (simulation.world.tenants[tenant.0].shard, simulation.moves.tenants)
    };
    assert_eq!(moves_to(&mut simulation, GROUP_ORDERS_MAX), (from, 0));
    assert_eq!(moves_to(&mut simulation, 1.0), (to, 1));
}

#[test]
fn leaders_hand_over_where_a_shard_waits_for_room() {
    // Three nodes above what is planned. Only the first could take shards, and it has no copy of the shard that waits.
    let settings = Settings { nodes: 3, orders_per_second: 3_000.0, ..small() };
    let mut simulation = simulation(&settings);
    let world = &mut simulation.world;
    world.tenants.iter_mut().for_each(|tenant| tenant.orders_per_second *= 1.76);
    world.wanted.iter_mut().for_each(|wanted| *wanted *= 1.76);
    let waiting = ShardId(0);
    let heaviest = world.tenants_of(waiting)[0];
    world.set_load(heaviest, 374.0);
    world.shards.iter_mut().for_each(|shard| shard.leader = None);
    for id in world.shard_ids().filter(|id| *id != waiting) {
        let parts = world.cpu_parts();
        let room = |node: &NodeId| [0.67, 0.86, 0.86][node.0] - parts[node.0];
        let roomiest = world.node_ids().max_by(|a, b| room(a).total_cmp(&room(b)));
        world.shard_mut(id).leader = roomiest;
    }
    let shard = world.shard_mut(waiting);
    (shard.pause, shard.lost_ms) = (Some((0.0, Cause::NodeLoss)), 0.0);
    shard.replicas.iter_mut().for_each(|replica| replica.is_ready = replica.node != NodeId(0));
    simulation.queue.add(0.0, Event::Silence { shard: waiting });
    simulation.take_until(9_500.0);
    assert_eq!(simulation.world.shard(waiting).leader, None);
    simulation.take_until(12_000.0);
    let leader = simulation.world.shard(waiting).leader;
    assert!(leader.is_some_and(|leader| leader != NodeId(0)), "{leader:?}, {:?}", simulation.world.cpu_parts());
}

#[test]
fn a_tenant_above_the_bound_of_a_shard_is_refused_the_rest() {
    let mut simulation = simulation(&small());
    simulation.world.set_load(TenantId(0), GROUP_ORDERS_MAX * 2.0);
    simulation.take_until(5.0 * MINUTE_MS);
    let shard = simulation.world.tenants[0].shard;
    assert!((simulation.world.orders(shard) - GROUP_ORDERS_MAX).abs() < 1e-9);
    let refused = simulation.world.refused();
    assert!((refused - GROUP_ORDERS_MAX).abs() < GROUP_ORDERS_MAX * 0.1, "{refused}");
}

#[test]
fn a_world_with_too_few_nodes_or_groups_is_refused() {
    let check = |settings: Settings, expected: &str| {
        let refusal = run(&settings).map(|report| json(&report)).expect_err("it is too small").to_string();
        assert!(refusal.contains(expected), "{refusal}");
    };
    check(Settings { nodes: 3, orders_per_second: 8_000.0, ..small() }, "too few nodes");
    check(Settings { groups: 3, ..small() }, "too few groups");
    check(Settings { groups: 1, orders_per_second: 1.0, ..small() }, "too few groups");
    check(Settings { zones: 2, ..small() }, "as many zones");
    check(Settings { orders_per_second: f64::NAN, ..small() }, "out of range");
}

#[test]
fn the_load_follows_zipf() {
    let world = simulation(&small()).world;
    let ratio = world.load(TenantId(0)) / world.load(TenantId(99));
    assert!((ratio - 100_f64.powf(0.8)).abs() < 1e-6, "{ratio}");
    assert!((world.wanted.iter().sum::<f64>() - 8_000.0).abs() < 1e-6);
}

#[test]
fn pauses_are_counted_by_rank() {
    let pauses = Pauses::of(&[30.0, 10.0, 20.0, 40.0]);
    assert_eq!(pauses, Pauses { count: 4, p50: 20.0, p99: 40.0, max: 40.0 });
    assert_eq!(Pauses::of(&[]), Pauses::default());
}

/// What the rules say of a world that `change` breaks.
fn broken(now_ms: f64, change: impl Fn(&mut World)) -> String {
    let mut world = simulation(&small()).world;
    let mut rules = Rules::new(&world);
    assert_eq!(rules.broken, Vec::<String>::new());
    change(&mut world);
    rules.check(&world, Event::NodeLost { node: NodeId(99), for_ms: 0.0 }, now_ms);
    rules.broken.join("\n")
}

#[test]
fn a_rule_notices_a_leader_that_is_down() {
    let found = broken(0.0, |world| {
        let leader = world.shards[0].leader.expect("it is led");
        world.nodes[leader.0].is_up = false;
    });
    assert!(found.contains("which cannot"), "{found}");
}

#[test]
fn a_rule_notices_two_copies_in_one_zone() {
    let found = broken(0.0, |world| {
        let first = world.shards[0].replicas[0].node;
        let zone = world.node(first).zone;
        let other =
            world.node_ids().find(|node| *node != first && world.node(*node).zone == zone).expect("4 nodes a zone");
        world.shards[0].replicas[1].node = other;
    });
    assert!(found.contains("3 copies in 2 zones") && found.contains("shard 0 moved"), "{found}");
}

#[test]
fn a_rule_notices_a_shard_that_is_left_alone_though_there_is_room() {
    let leave = |world: &mut World| {
        world.shards[0].leader = None;
        world.shards[0].pause = Some((0.0, Cause::NodeLoss));
    };
    assert_eq!(broken(FAILOVER_MS_MAX, leave), "");
    let found = broken(FAILOVER_MS_MAX + 1.0, leave);
    assert!(found.contains("without an answer"), "{found}");
}

#[test]
fn a_rule_notices_a_node_and_a_group_above_their_bounds() {
    let found = broken(0.0, |world| {
        let leader = world.shards[0].leader;
        let node = leader.expect("it is led");
        let zone = world.node(node).zone;
        for shard in &mut world.shards {
            let own = shard.replicas.iter_mut().find(|replica| replica.node.0 % 3 == zone).expect("one in each zone");
            own.node = node;
            (shard.leader, shard.group) = (leader, crate::world::GroupId(0));
        }
    });
    for expected in ["of its CPU", "orders per second", "group 0 has 120 shards"] {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn the_document_has_the_costs_and_the_arithmetic_of_the_model() {
    let document = include_str!("../../docs/scale.md");
    let check = |text: String| assert!(document.contains(&text), "docs/scale.md lacks {text:?}");
    for cost in crate::costs::documented() {
        check(cost);
    }
    for (label, orders) in [("10", 10.0), ("1,000", 1_000.0), ("100,000", 100_000.0_f64)] {
        check(crate::costs::arithmetic(label, orders));
    }
    check(format!("longer than {:.2} s", FAILOVER_MS_MAX / 1_000.0));
}
