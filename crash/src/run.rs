//! Runs rounds until all are done or one of them finds a violation. With a sabotage all rounds run, on a new shop after
//! each that found it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use shop_tests::workspace;
use switchyard::fail_point::Sabotage;

use crate::operator::Builds;
use crate::plan::Round;
use crate::report::{Report, Violation};
use crate::shop::Shop;

/// Rounds until a new shop is opened: the checks of each round grow with everything bought before.
const ROUNDS_PER_SHOP: usize = 25;

/// The longest time for a round: several times what a client may wait for one answer.
const ROUND_MAX: Duration = Duration::from_secs(600);

/// Maximum of violations that are printed in full during the run.
const TOLD_MAX: usize = 20;

/// Runs `rounds` on shops. Without a sabotage it ends with the first round that finds a violation, and then keeps the
/// data directory.
///
/// # Errors
///
/// When the test itself cannot continue.
pub(crate) async fn rounds(seed: u64, rounds: usize, sabotage: Option<Sabotage>) -> anyhow::Result<Report> {
    let begin = Instant::now();
    let mut report = Report { seed, ..Report::default() };
    let builds = Arc::new(Builds::read(&workspace())?);
    eprintln!("crash test: {rounds} rounds with seed {seed}");
    let mut shop = Shop::open(sabotage, Arc::clone(&builds)).await?;
    for number in 0..rounds {
        if number > 0 && number % ROUNDS_PER_SHOP == 0 {
            shop.close().await?;
            shop = Shop::open(sabotage, Arc::clone(&builds)).await?;
        }
        let mut plan = Round::new(seed, number);
        if sabotage.is_some() {
            plan.die_before_a_write();
        }
        eprintln!("round {number}: {:?}, then {:?}", plan.instant, plan.point);
        let found = match tokio::time::timeout(ROUND_MAX, shop.round(number, plan, &mut report)).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => vec![Violation::of_error(&error)],
            Err(elapsed) => vec![Violation::of_error(&elapsed.into())],
        };
        report.rounds += 1;
        if !found.is_empty() {
            for violation in found.iter().take(TOLD_MAX) {
                eprintln!("{violation}");
            }
            if let Some(more) = found.len().checked_sub(TOLD_MAX + 1) {
                eprintln!("and {} more, which --json names", more + 1);
            }
            let is_found =
                sabotage.is_some_and(|broken| found.iter().any(|violation| violation.kind.follows_from(broken)));
            report.rounds_that_found += usize::from(is_found);
            report.add(found);
            if sabotage.is_none() {
                eprintln!("the data directory is kept: {}", shop.keep().await?.display());
                report.took(begin.elapsed());
                return Ok(report);
            }
            shop.close().await?;
            shop = Shop::open(sabotage, Arc::clone(&builds)).await?;
        }
    }
    shop.close().await?;
    report.took(begin.elapsed());
    Ok(report)
}
