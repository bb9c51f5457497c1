//! The table of a simulation, for people.

use std::fmt::{Result, Write as _};

use crate::report::{Cause, Pauses, Report};

/// # Errors
///
/// None: a text has room.
pub(crate) fn write(report: &Report) -> std::result::Result<String, std::fmt::Error> {
    let mut text = String::new();
    beginning(&mut text, report)?;
    pauses(&mut text, report)?;
    moves(&mut text, report)?;
    Ok(text)
}

fn beginning(text: &mut String, report: &Report) -> Result {
    let (settings, beginning) = (&report.settings, &report.beginning);
    let percent = |part: f64| part * 100.0;
    writeln!(
        text,
        "{} shards of {} tenants on {} nodes and {} groups of NATS servers, {} h, seed {}",
        settings.shards, settings.tenants, settings.nodes, settings.groups, settings.hours, settings.seed
    )?;
    writeln!(text, "\n{:<44}{:>10}{:>10}{:>10}", "at the beginning", "least", "mean", "most")?;
    writeln!(
        text,
        "{:<44}{:>9.1}%{:>9.1}%{:>9.1}%",
        "CPU of a node",
        percent(beginning.cpu_min),
        percent(beginning.cpu_mean),
        percent(beginning.cpu_max)
    )?;
    let without = percent(beginning.cpu_max_without_bound);
    writeln!(text, "{:<44}{without:>29.1}%", "CPU of a node, if placement had no bound")?;
    writeln!(text, "{:<44}{:>30}", "copies on a node", beginning.copies_max)?;
    writeln!(text, "{:<44}{:>30.0}", "orders/s of a tenant", beginning.tenant_max)?;
    let bound = format!("orders/s of a shard (bound {:.0})", beginning.orders_bound);
    writeln!(text, "{bound:<44}{:>30.0}", beginning.shard_max)?;
    let bound = format!("orders/s of a group (bound {:.0})", beginning.orders_bound);
    writeln!(text, "{bound:<44}{:>30.0}", beginning.group_max)
}

fn pauses(text: &mut String, report: &Report) -> Result {
    writeln!(text, "\n{:<34}{:>10}{:>10}{:>10}{:>10}", "pauses of a shard, s", "count", "p50", "p99", "most")?;
    for (cause, pauses) in &report.pauses {
        let name = match cause {
            Cause::NodeLoss => "its leader's node is lost",
            Cause::ZoneLoss => "its leader's zone is lost",
            Cause::NatsServerLoss => "its stream's NATS server is lost",
            Cause::StepDown => "its leader hands over",
        };
        let Pauses { count, p50, p99, max } = pauses;
        let seconds = [p50, p99, max].map(|milliseconds| format!("{:.2}", milliseconds / 1_000.0));
        writeln!(text, "{name:<34}{count:>10}{:>10}{:>10}{:>10}", seconds[0], seconds[1], seconds[2])?;
    }
    let bound = report.failover_ms_bound / 1_000.0;
    writeln!(text, "{:<34}{bound:>40.2}", "bound for a lost node or zone")
}

fn moves(text: &mut String, report: &Report) -> Result {
    let moves = &report.moves;
    let relief = &report.relief_seconds;
    writeln!(text)?;
    writeln!(text, "{:<44}{:>30}", "nodes lost", report.nodes_lost)?;
    writeln!(text, "{:<44}{:>30}", "copies made for lost nodes", moves.copies_for_lost_nodes)?;
    writeln!(text, "{:<44}{:>30}", "copies given back to nodes that returned", moves.copies_returned)?;
    writeln!(text, "{:<44}{:>30}", "tenants moved", moves.tenants)?;
    writeln!(text, "{:<44}{:>30}", "shards above a bound, relieved by moves", relief.count)?;
    writeln!(
        text,
        "{:<44}{:>30}",
        "  after so many seconds: p50, most",
        format!("{:.0}, {:.0}", relief.p50, relief.max)
    )?;
    let too_large = report.shards_with_too_large_tenants;
    writeln!(text, "{:<44}{too_large:>30}", "tenants too large for a shard for a while")?;
    writeln!(text, "{:<44}{:>30.0}", "orders", report.orders)?;
    writeln!(text, "{:<44}{:>30}", "  in a pause of their shard", share(report.orders_that_waited, report.orders))?;
    writeln!(
        text,
        "{:<44}{:>30}",
        "  refused above the bound of their shard",
        share(report.orders_refused, report.orders)
    )?;
    writeln!(text, "{:<44}{:>30}", "rules broken", report.broken.len())?;
    report.broken.iter().try_for_each(|what| writeln!(text, "  {what}"))
}

fn share(part: f64, all: f64) -> String {
    format!("{part:.0} ({:.5}%)", part / all * 100.0)
}
