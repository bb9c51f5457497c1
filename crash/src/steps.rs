//! Kills the host once at each step of a handover: it continues the handover or has none, and the data is right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shop_tests::workspace;
use tokio::task::JoinSet;

use crate::operator::{Builds, Changes};
use crate::plan::{Point, SERVICES};
use crate::report::{Report, Violation};
use crate::shop::Shop;

/// The steps: a fail point, and which time it is reached. Each of the last two names is reached when the handover begins,
/// when it swaps, when it is rolled back, and when it is settled.
const STEPS: [(&str, usize); 17] = [
    ("mirror.before-start", 1),
    ("mirror.before-start", 2),
    ("mirror.before-page", 1),
    ("mirror.after-page", 1),
    ("mirror.before-verify", 1),
    ("mirror.before-clear", 1),
    ("mirror.after-clear", 1),
    ("release.after-hold", 1),
    ("release.after-hold", 2),
    ("release.before-commit", 1),
    ("release.before-commit", 2),
    ("release.before-commit", 3),
    ("release.before-commit", 4),
    ("release.before-swap", 1),
    ("release.before-swap", 2),
    ("release.before-swap", 3),
    ("release.before-swap", 4),
];

/// How long the host may take to reach a step after everything was answered.
const DELETION_MAX: Duration = Duration::from_secs(20);

/// Runs all steps on one shop, or until one of them finds a violation.
///
/// # Errors
///
/// When the test itself cannot continue.
pub(crate) async fn run(seed: u64) -> anyhow::Result<Report> {
    let begin = Instant::now();
    let mut report = Report { seed, ..Report::default() };
    let mut shop = Shop::open(None, Arc::new(Builds::read(&workspace())?)).await?;
    let steps = STEPS.into_iter().zip(SERVICES.into_iter().cycle());
    for ((name, time), service) in steps {
        eprintln!("{service}: {name}, time {time}");
        let found = match shop.step(seed, Point { name, time }, service, &mut report).await {
            Ok(found) => found,
            Err(error) => vec![Violation::of_error(&error)],
        };
        report.rounds += 1;
        if !found.is_empty() {
            found.iter().for_each(|violation| eprintln!("{violation}"));
            report.add(found);
            eprintln!("the data directory is kept: {}", shop.keep().await?.display());
            report.took(begin.elapsed());
            return Ok(report);
        }
    }
    shop.close().await?;
    report.took(begin.elapsed());
    Ok(report)
}

impl Shop {
    /// Moves `service` there and back under load; the host dies at `point`.
    async fn step(
        &mut self,
        seed: u64,
        point: Point,
        service: &'static str,
        report: &mut Report,
    ) -> anyhow::Result<Vec<Violation>> {
        let (begin, attempts) = (self.record.all().len(), self.record.attempts());
        self.host.kill().await?;
        let mut is_dead = !self.host.start(Some(point)).await?;
        let (name, stop) = (format!("{}-{}", point.name, point.time), Arc::new(AtomicBool::new(false)));
        let mut load = self.light_load(seed, &name, &stop);
        let mut moving = JoinSet::new();
        let (mut changes, builds) = (std::mem::take(&mut self.changes), Arc::clone(&self.builds));
        let mut asker = self.asker(format!("{name}-operator"));
        moving.spawn(async move {
            changes.hand_over_and_back(service, 1, &builds, &mut asker).await?;
            anyhow::Ok(changes)
        });
        let mut moved: Option<Changes> = None;
        if !is_dead {
            tokio::select! {
                died = self.host.died() => {
                    died?;
                    is_dead = true;
                }
                ended = moving.join_next() => moved = ended.transpose()?.transpose()?,
            }
        }
        // The data of the earlier implementation is deleted after the handover is settled.
        if !is_dead && let Ok(died) = tokio::time::timeout(DELETION_MAX, self.host.died()).await {
            died?;
            is_dead = true;
        }
        if is_dead {
            self.host.start(None).await?;
        }
        if moved.is_none() {
            moved = moving.join_next().await.transpose()?.transpose()?;
        }
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = load.join_next().await {
            ended??;
        }
        self.changes = moved.unwrap_or_default();
        *report.kills_at_points.entry(point.name).or_default() += usize::from(is_dead);
        report.attempts += self.record.attempts() - attempts;
        report.acknowledged += self.record.all().len() - begin;
        // It can be handed over again, and both implementations agree.
        let builds = Arc::clone(&self.builds);
        let mut asker = self.asker(format!("{name}-again"));
        self.changes.hand_over(service, &builds, &mut asker).await?;
        let mut found = self.check_light(begin, report).await?;
        if !is_dead {
            found.push(Violation::wrong(format!("the host does not reach {} {} times", point.name, point.time)));
        }
        Ok(found)
    }
}
