//! The operator of a cluster: deploys through one host after another until each deploy is acknowledged, and in some rounds
//! moves a service to its alternative implementation and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use switchyard::names::Digest;

use crate::ask::Asker;
use crate::operator::{Builds, Changes};
use crate::plan::{Numbers, SERVICES, VARIANTS};

/// One of so many rounds has a handover.
const HANDOVER_EVERY: usize = 3;

/// The time between two deploys.
const PAUSE: Duration = Duration::from_millis(800);

/// The time between two attempts at one.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// The longest time until a deploy is acknowledged, with all faults meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// Works until `stop`.
pub(super) async fn work(
    mut changes: Changes,
    (seed, number): (u64, usize),
    builds: Arc<Builds>,
    stop: Arc<AtomicBool>,
    mut asker: Asker,
) -> anyhow::Result<Changes> {
    let mut numbers = Numbers::new(seed.wrapping_add(number as u64));
    if number % HANDOVER_EVERY == HANDOVER_EVERY - 1 {
        changes.hand_over_and_back(service(&mut numbers), 1, &builds, &mut asker).await?;
    }
    while !stop.load(Ordering::Relaxed) {
        deploy(&mut changes, service(&mut numbers), numbers.below(VARIANTS), &builds, &mut asker).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(changes)
}

fn service(numbers: &mut Numbers) -> &'static str {
    SERVICES.into_iter().cycle().nth(numbers.below(SERVICES.len())).unwrap_or_default()
}

/// Deploys a build, again and again until a host acknowledges it: repeated, it changes nothing.
async fn deploy(
    changes: &mut Changes,
    service: &'static str,
    variant: usize,
    builds: &Builds,
    asker: &mut Asker,
) -> anyhow::Result<()> {
    let (build, reason, until) = (builds.own(service, variant)?, asker.key(), Instant::now() + PATIENCE);
    let line = format!("POST /services/{service}/releases?reason={reason}");
    let mut last = anyhow::anyhow!("no attempt");
    while Instant::now() < until {
        let operator = asker.doors().await?.operator;
        let sent = operator.send_with(&line, &[("content-type", "application/wasm")], build.clone());
        last = match sent.await {
            Ok(answer) if answer.status.is_success() => {
                changes.deployed += 1;
                changes.live.insert(service, Digest::of(build).to_string());
                return Ok(());
            }
            Ok(answer) if answer.status.is_client_error() && answer.status.as_u16() != 409 => {
                changes.wrong.push(format!("{line} is refused: {} {}", answer.status, answer.body));
                return Ok(());
            }
            Ok(answer) => anyhow::anyhow!("{} {}", answer.status, answer.body),
            Err(lost) => lost,
        };
        tokio::time::sleep(ATTEMPT_PAUSE).await;
    }
    Err(last.context(format!("{line} is not acknowledged")))
}
