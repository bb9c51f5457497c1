//! Kills under keyed writes through all hosts: of the host that leads, of one that follows, and of the NATS server that
//! leads the stream, in turn. Each is started again before the next one.

use std::time::{Duration, Instant};

use super::nodes::{Cluster, NODES};
use super::writes::{Ledger, Refused, Writes};
use super::{FOLLOWER_KILLED_SECONDS_MAX, HOST_KILLED_SECONDS_MAX, NATS_KILLED_SECONDS_MAX};
use crate::targets::{Bound, Target};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Leader,
    Follower,
    StreamLeader,
}

const VICTIMS: [Victim; 3] = [Victim::Leader, Victim::Follower, Victim::StreamLeader];

/// The pauses of all rounds.
pub(super) struct Killed {
    pauses: Vec<(Victim, Duration)>,
    refused: Refused,
}

pub(super) async fn measure(cluster: &mut Cluster, ledger: &mut Ledger, rounds: u32) -> anyhow::Result<Killed> {
    let writes = Writes::start(cluster, ledger);
    let mut pauses = Vec::new();
    for (round, victim) in (0..rounds).zip(VICTIMS.into_iter().cycle()) {
        let began = Instant::now();
        let pause = kill(cluster, &writes, victim, round as usize).await?;
        eprintln!(
            "kill {}: {}, {:.2} s without an acknowledged write, {:.1} s until all run again",
            round + 1,
            victim.name(),
            pause.as_secs_f64(),
            began.elapsed().as_secs_f64()
        );
        pauses.push((victim, pause));
    }
    Ok(Killed { pauses, refused: writes.stop(ledger).await? })
}

/// Kills one and starts it again; returns the longest pause from the kill until all run and writes flow.
async fn kill(cluster: &mut Cluster, writes: &Writes, victim: Victim, round: usize) -> anyhow::Result<Duration> {
    writes.flow().await?;
    let leader = cluster.leader().await?;
    match victim {
        Victim::Leader => {
            writes.reset();
            cluster.kill_host(leader.host).await?;
            cluster.leader_after(leader.epoch).await?;
            writes.flow().await?;
            cluster.start_host(leader.host).await?;
        }
        Victim::Follower => {
            let follower = (leader.host + 1 + round % (NODES - 1)) % NODES;
            writes.reset();
            cluster.kill_host(follower).await?;
            writes.flow().await?;
            cluster.start_host(follower).await?;
        }
        Victim::StreamLeader => {
            let server = cluster.stream_leader().await?;
            writes.reset();
            cluster.kill_server(server).await?;
            let began = Instant::now();
            cluster.stream_leader().await?;
            eprintln!("  NATS had elected another leader of the stream after {:.2} s", began.elapsed().as_secs_f64());
            writes.flow().await?;
            cluster.start_server(server).await?;
        }
    }
    writes.flow().await?;
    Ok(writes.longest_pause())
}

impl Victim {
    fn name(self) -> &'static str {
        match self {
            Self::Leader => "host that leads",
            Self::Follower => "host that follows",
            Self::StreamLeader => "NATS, leader of the stream",
        }
    }

    fn seconds_max(self) -> f64 {
        match self {
            Self::Leader => HOST_KILLED_SECONDS_MAX,
            Self::Follower => FOLLOWER_KILLED_SECONDS_MAX,
            Self::StreamLeader => NATS_KILLED_SECONDS_MAX,
        }
    }
}

impl Killed {
    /// The longest pause of each kind.
    pub(super) fn targets(&self) -> Vec<Target> {
        let of = |victim: Victim| {
            let pauses = self.pauses.iter().filter(|(of, _)| *of == victim);
            let longest = pauses.map(|(_, pause)| pause.as_secs_f64()).reduce(f64::max)?;
            let row = format!("killed: {}", victim.name());
            Some(Target::absolute(
                &row,
                "longest s without an answered write",
                longest,
                Bound::AtMost(victim.seconds_max()),
            ))
        };
        VICTIMS.into_iter().filter_map(of).collect()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        vec![format!("answers to sent writes during the kills that were no acknowledgement: {}", shown(&self.refused))]
    }
}

/// How often each status came.
pub(super) fn shown(refused: &Refused) -> String {
    let one = |(status, count): (&u16, &u64)| match status {
        0 => format!("{count} without an answer"),
        status => format!("{count} with {status}"),
    };
    if refused.is_empty() { "none".into() } else { refused.iter().map(one).collect::<Vec<_>>().join(", ") }
}
