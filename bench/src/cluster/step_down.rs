//! Orderly changes of the leader under load, as in a rolling upgrade: no request fails.

use std::time::Duration;

use super::STEP_DOWN_MILLIS_MAX;
use super::kills::shown;
use super::nodes::{Cluster, NODES, operator};
use super::writes::{Ledger, Refused, Writes};
use crate::targets::{Bound, Target};

/// Changes of the leader: each host may lead once.
const TIMES: usize = NODES;

/// The load before and after a change.
const BESIDE: Duration = Duration::from_secs(1);

pub(super) struct SteppedDown {
    longest: Duration,
    refused: Refused,
}

pub(super) async fn measure(cluster: &Cluster, ledger: &mut Ledger) -> anyhow::Result<SteppedDown> {
    eprintln!("measuring: {TIMES} orderly changes of the leader");
    let (writes, mut longest) = (Writes::start(cluster, ledger), Duration::ZERO);
    for number in 0..TIMES {
        tokio::time::sleep(BESIDE).await;
        cluster.until_all_ready().await?;
        let leader = cluster.leader().await?;
        writes.reset();
        // Any host takes the command.
        operator(&cluster.hosts[number % NODES], "POST", "/cluster/step-down").await?;
        cluster.leader_after(leader.epoch).await?;
        tokio::time::sleep(BESIDE).await;
        writes.flow().await?;
        longest = longest.max(writes.longest_pause());
    }
    Ok(SteppedDown { longest, refused: writes.stop(ledger).await? })
}

impl SteppedDown {
    pub(super) fn targets(&self) -> Vec<Target> {
        let (failed, row) = (self.refused.values().sum::<u64>(), "orderly step-down");
        let longest = self.longest.as_secs_f64() * 1e3;
        vec![
            Target::absolute(row, "failed requests", failed as f64, Bound::AtMost(0.0)),
            Target::absolute(row, "longest ms without an answered write", longest, Bound::AtMost(STEP_DOWN_MILLIS_MAX)),
        ]
    }

    pub(super) fn notes(&self) -> Vec<String> {
        vec![format!("failed requests during the step-downs: {}", shown(&self.refused))]
    }
}
