//! Three hosts over three NATS servers under load: processes are killed and stopped, links are cut and slow, a disk is full,
//! hosts are restarted in order. Then everything acknowledged is there at every host, once, and reads saw it.

mod clients;
mod counter;
mod disk;
mod epochs;
mod faults;
mod load;
mod nodes;
mod operator;
mod pace;
mod plan;
mod ports;
mod servers;
mod shop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use shop_tests::workspace;
use switchyard::fail_point::Sabotage;

use crate::operator::Builds;
use crate::report::{Report, Violation};
use shop::Shop;

/// Rounds until a new cluster is started: the checks of each round grow with everything bought before.
const ROUNDS_PER_SHOP: usize = 6;

/// The longest time for a round.
const ROUND_MAX: Duration = Duration::from_secs(600);

/// Maximum of violations that are printed in full during the run.
const VIOLATIONS_PRINTED_MAX: usize = 20;

/// Runs `rounds`, or until one of them finds a violation, and then keeps the data. `None` where no NATS server is installed.
///
/// # Errors
///
/// When the test itself cannot continue.
pub(crate) async fn rounds(seed: u64, rounds: usize, sabotage: Option<Sabotage>) -> anyhow::Result<Option<Report>> {
    if servers::program().is_none() {
        eprintln!("CLUSTERS: NOT TESTED, because there is no NATS server: `cargo xtask nats` installs it");
        return Ok(None);
    }
    let begin = Instant::now();
    let mut report = Report { seed, ..Report::default() };
    let builds = Arc::new(Builds::read(&workspace())?);
    eprintln!("crash test of a cluster: {rounds} rounds with seed {seed}");
    let mut shop = Shop::open(sabotage, Arc::clone(&builds)).await?;
    for number in 0..rounds {
        if number > 0 && number % ROUNDS_PER_SHOP == 0 {
            shop.close().await?;
            shop = Shop::open(sabotage, Arc::clone(&builds)).await?;
        }
        let faults = plan::faults(seed, number, sabotage);
        eprintln!("round {number}, {:.0} s after the begin", begin.elapsed().as_secs_f64());
        let found = match tokio::time::timeout(ROUND_MAX, shop.round(seed, number, &faults, &mut report)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => vec![Violation::of_error(&error)],
            Err(elapsed) => vec![Violation::of_error(&elapsed.into())],
        };
        report.rounds += 1;
        if found.is_empty() {
            continue;
        }
        for violation in found.iter().take(VIOLATIONS_PRINTED_MAX) {
            eprintln!("{violation}");
        }
        if let Some(more) = found.len().checked_sub(VIOLATIONS_PRINTED_MAX + 1) {
            eprintln!("and {} more, which --json names", more + 1);
        }
        let is_found = sabotage.is_some_and(|broken| found.iter().any(|violation| violation.kind.follows_from(broken)));
        report.rounds_that_found += usize::from(is_found);
        report.add(found);
        if sabotage.is_none() {
            eprintln!("the data and the logs are kept: {}", shop.keep().await?.display());
        } else {
            shop.close().await?;
        }
        report.took(begin.elapsed());
        return Ok(Some(report));
    }
    shop.close().await?;
    report.took(begin.elapsed());
    Ok(Some(report))
}
