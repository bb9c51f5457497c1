//! Moves each service to its alternative implementation and back, many times, while customers buy. The host is not killed,
//! so every request must be answered at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use shop_tests::workspace;
use switchyard::fail_point::Sabotage;

use crate::operator::Builds;
use crate::plan::SERVICES;
use crate::report::{Report, Violation};
use crate::shop::Shop;

/// Moves each service there and back `times` times. With a sabotage it ends with the first service that finds its effects.
///
/// # Errors
///
/// When the test itself cannot continue.
pub(crate) async fn run(seed: u64, times: usize, sabotage: Option<Sabotage>) -> anyhow::Result<Report> {
    let begin = Instant::now();
    let mut report = Report { seed, ..Report::default() };
    let mut shop = Shop::open(sabotage, Arc::new(Builds::read(&workspace())?)).await?;
    for service in SERVICES {
        let began = Instant::now();
        let found = match shop.hand_over_and_back(seed, service, times, &mut report).await {
            Ok(found) => found,
            Err(error) => vec![Violation::of_error(&error)],
        };
        report.rounds += 1;
        eprintln!("{service}: {times} times there and back in {:.1} s", began.elapsed().as_secs_f64());
        found.iter().for_each(|violation| eprintln!("{violation}"));
        let is_found = sabotage.is_some_and(|broken| found.iter().any(|violation| violation.kind.follows_from(broken)));
        report.rounds_that_found += usize::from(is_found);
        report.add(found);
        if is_found {
            break;
        }
    }
    shop.close().await?;
    report.took(begin.elapsed());
    Ok(report)
}

impl Shop {
    async fn hand_over_and_back(
        &mut self,
        seed: u64,
        service: &'static str,
        times: usize,
        report: &mut Report,
    ) -> anyhow::Result<Vec<Violation>> {
        let (begin, attempts) = (self.record.all().len(), self.record.attempts());
        let stop = Arc::new(AtomicBool::new(false));
        let mut load = self.light_load(seed, service, &stop);
        let builds = Arc::clone(&self.builds);
        let mut asker = self.asker(format!("{service}-operator"));
        // The handover is the first of the swaps, and the last one goes back.
        let moved = self.changes.hand_over_and_back(service, (2 * times).saturating_sub(1), &builds, &mut asker).await;
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = load.join_next().await {
            ended??;
        }
        moved?;
        let (sent, answered) = (self.record.attempts() - attempts, self.record.all().len() - begin);
        report.attempts += sent;
        report.acknowledged += answered;
        report.failed += sent - answered;
        self.changes.hand_over(service, &builds, &mut asker).await?;
        let mut found = self.check_light(begin, report).await?;
        if sent > answered {
            found.push(Violation::wrong(format!("{} requests had no answer at once", sent - answered)));
        }
        Ok(found)
    }
}
