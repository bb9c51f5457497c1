//! The faults of a round, all drawn from the seed. Consecutive rounds pass every kind before one comes again.

use std::time::Duration;

use switchyard::fail_point::Sabotage;

use crate::plan::Numbers;

/// Servers and hosts of each kind.
pub(super) const NODES: usize = 3;

/// The name of the cluster.
pub(super) const CLUSTER: &str = "crash";

/// Faults in a round, one after another under the same load: three rounds have all kinds.
const FAULTS: usize = 6;

/// The lease of the hosts: shorter than the default, so that a round waits less for the next leader.
pub(super) const LEASE: Duration = Duration::from_millis(1_000);

/// How long two of three NATS servers are away.
const OUTAGE: Duration = Duration::from_secs(20);

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    KillLeader,
    KillFollower,
    KillHosts,
    /// The number of the server.
    KillServer(usize),
    KillTwoServers,
    /// SIGSTOP, and SIGCONT a while after another host leads.
    PauseLeader,
    /// No NATS server reaches the leader, until a while after another host leads.
    CutLeader,
    /// No NATS server reaches a host that follows.
    CutFollower,
    /// The same for the leader and a host that follows it; these two reach each other.
    CutLeaderAndFollower,
    /// No other host reaches the leader.
    CutBetween,
    SlowLeader,
    SlowFollower,
    SlowBetween,
    FillDisk,
    /// SIGTERM to each host in turn, the leader last.
    RestartHosts,
    StepDown,
}

const KINDS: [Kind; 18] = [
    Kind::KillLeader,
    Kind::CutLeaderAndFollower,
    Kind::KillServer(0),
    Kind::PauseLeader,
    Kind::SlowFollower,
    Kind::RestartHosts,
    Kind::CutLeader,
    Kind::KillFollower,
    Kind::KillServer(1),
    Kind::CutBetween,
    Kind::KillHosts,
    Kind::FillDisk,
    Kind::SlowLeader,
    Kind::KillServer(2),
    Kind::CutFollower,
    Kind::StepDown,
    Kind::SlowBetween,
    Kind::KillTwoServers,
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::KillLeader => "kill the leader",
            Self::KillFollower => "kill a follower",
            Self::KillHosts => "kill all hosts",
            Self::KillServer(_) => "kill a NATS server",
            Self::KillTwoServers => "kill two NATS servers",
            Self::PauseLeader => "pause the leader",
            Self::CutLeader => "cut off the leader",
            Self::CutFollower => "cut off a follower",
            Self::CutLeaderAndFollower => "cut off leader and follower",
            Self::CutBetween => "cut between hosts",
            Self::SlowLeader => "slow NATS at the leader",
            Self::SlowFollower => "slow NATS at a follower",
            Self::SlowBetween => "slow between hosts",
            Self::FillDisk => "fill a disk",
            Self::RestartHosts => "restart all hosts in order",
            Self::StepDown => "step down",
        }
    }

    /// How long it lasts at least, and how much longer at most. Where another host leads because of it, this begins then.
    fn lasts(self) -> (Duration, u64) {
        match self {
            Self::PauseLeader | Self::CutLeader | Self::CutLeaderAndFollower => (Duration::from_millis(700), 1_000),
            Self::KillTwoServers => (OUTAGE, 0),
            Self::CutBetween | Self::SlowFollower | Self::SlowLeader | Self::SlowBetween => {
                (Duration::from_millis(1_500), 1_500)
            }
            Self::CutFollower | Self::FillDisk => (Duration::from_secs(1), 2_000),
            _ => (Duration::from_millis(100), 1_000),
        }
    }
}

/// A fault with everything that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) lasts: Duration,
    /// Which of the hosts that follow.
    pub(super) follower: usize,
    /// Whether a cut link holds back what is sent, and delivers it when it is mended. Otherwise it closes connections.
    pub(super) holds_back: bool,
    /// The delay of a slow link.
    pub(super) delay: Duration,
}

impl Fault {
    fn draw(kind: Kind, numbers: &mut Numbers) -> Self {
        let (least, more) = kind.lasts();
        let mut millis = |end: u64| Duration::from_millis(numbers.below(usize::try_from(end).unwrap_or(0)) as u64);
        let (lasts, delay) = (least + millis(more), Duration::from_millis(20) + millis(200));
        Self { kind, lasts, follower: numbers.below(2), holds_back: numbers.below(2) == 0, delay }
    }
}

/// The faults of the round `number`, counted from 0. With a sabotage, those that show it.
pub(super) fn faults(seed: u64, number: usize, sabotage: Option<Sabotage>) -> Vec<Fault> {
    let mut numbers = Numbers::new(seed.wrapping_add((number as u64).wrapping_mul(0xD134_2543_DE82_EF95)));
    let kinds: Vec<_> = match sabotage {
        Some(sabotage) => vec![shows(sabotage)],
        None => (number * FAULTS..(number + 1) * FAULTS).map(|index| kind(seed, index)).collect(),
    };
    kinds.into_iter().map(|kind| Fault::draw(kind, &mut numbers)).collect()
}

/// The fault under which a broken guarantee has consequences.
fn shows(sabotage: Sabotage) -> Kind {
    match sabotage {
        Sabotage::NoFence => Kind::PauseLeader,
        Sabotage::ReadsWithoutNumber => Kind::SlowFollower,
        Sabotage::NumberWithoutLease => Kind::CutLeaderAndFollower,
        _ => Kind::CutLeader,
    }
}

/// The kind of the fault `index` of all rounds: each pass has all kinds, in an order of its own.
fn kind(seed: u64, index: usize) -> Kind {
    let (pass, index) = (index / KINDS.len(), index % KINDS.len());
    let mut numbers = Numbers::new(seed.wrapping_add(pass as u64));
    let mut kinds = KINDS.to_vec();
    for end in (1..kinds.len()).rev() {
        kinds.swap(end, numbers.below(end + 1));
    }
    kinds.get(index).copied().unwrap_or(Kind::KillLeader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_faults_and_every_kind_comes_before_one_comes_again() {
        assert_eq!(faults(7, 3, None), faults(7, 3, None));
        assert_ne!(faults(7, 3, None), faults(8, 3, None));
        let mut kinds: Vec<_> = (0..KINDS.len()).map(|index| kind(9, index)).collect();
        kinds.sort_unstable();
        let mut expected = KINDS.to_vec();
        expected.sort_unstable();
        assert_eq!(kinds, expected);
    }
}
