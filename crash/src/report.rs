//! The results of the rounds, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use switchyard::fail_point::Sabotage;

use crate::host::DoesNotStart;

/// A fault in an answer, or in the state of the shop.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// Something that was acknowledged is not true any more.
    Lost,
    /// A key has more than one effect, or something exists that was never acknowledged.
    Doubled,
    /// The host refuses to start on the data on the disk.
    Refused,
    /// Any other fault.
    Wrong,
    /// The round did not end, which shows nothing about a guarantee.
    Unfinished,
}

impl Kind {
    /// Whether this sabotage causes it, which proves that the test notices the sabotage.
    pub(crate) fn follows_from(self, sabotage: Sabotage) -> bool {
        match (sabotage, self) {
            // If the answer to a request is lost, a repeat with its key has a second effect.
            (Sabotage::AnswerBeforeSync, Self::Lost | Self::Doubled) => true,
            // An index may contain commits that the journal has lost.
            (Sabotage::AnswerBeforeSync, Self::Refused) => true,
            // An order that is cancelled twice reduces the order count by one too many.
            (Sabotage::MemoApart | Sabotage::PositionApart, Self::Lost | Self::Doubled) => true,
            // Both implementations export what they have: an entity that was not copied again differs.
            (Sabotage::MirrorForgets, Self::Lost | Self::Doubled | Self::Wrong) => true,
            // What was answered is not in the stream, or nobody reads it there.
            (Sabotage::AnswerBeforeAck | Sabotage::NoFence, Self::Lost | Self::Doubled) => true,
            // A read does not see what was acknowledged before.
            (Sabotage::ReadsWithoutNumber | Sabotage::NumberWithoutLease, Self::Lost) => true,
            _ => false,
        }
    }
}

impl Violation {
    pub(crate) fn lost(detail: impl Into<String>) -> Self {
        Self { kind: Kind::Lost, detail: detail.into() }
    }

    pub(crate) fn doubled(detail: impl Into<String>) -> Self {
        Self { kind: Kind::Doubled, detail: detail.into() }
    }

    pub(crate) fn wrong(detail: impl Into<String>) -> Self {
        Self { kind: Kind::Wrong, detail: detail.into() }
    }

    /// The same, found at the host `node`.
    pub(crate) fn at(self, node: &str) -> Self {
        Self { detail: format!("at the host {node}: {}", self.detail), ..self }
    }

    /// The violation for an error that ended a round.
    pub(crate) fn of_error(error: &anyhow::Error) -> Self {
        let kind = if error.is::<DoesNotStart>() { Kind::Refused } else { Kind::Unfinished };
        Self { kind, detail: format!("{error:#}") }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Lost => "lost",
            Kind::Doubled => "doubled",
            Kind::Refused => "the host does not start",
            Kind::Wrong => "wrong",
            Kind::Unfinished => "the round did not end",
        };
        write!(f, "{kind}: {}", self.detail)
    }
}

/// The totals of the rounds.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    /// Kills at planned moments.
    pub(crate) kills_at_instants: usize,
    /// Deaths at each fail point.
    pub(crate) kills_at_points: BTreeMap<&'static str, usize>,
    /// Those kills that came while the host was starting.
    pub(crate) kills_at_start: usize,
    /// Requests with a key that were sent under load, repeats included.
    pub(crate) attempts: usize,
    pub(crate) acknowledged: usize,
    /// Keys that were repeated to get their answers again.
    pub(crate) replayed: usize,
    pub(crate) swaps: usize,
    /// Swaps in which data moved to another implementation.
    pub(crate) handovers: usize,
    /// Handovers that the host gave up because of the load.
    pub(crate) given_up: usize,
    /// Requests without an answer although the host ran: only of a run in which it is not killed.
    pub(crate) failed: usize,
    /// Operations in the checked histories.
    pub(crate) linearized: usize,
    /// Faults of a cluster, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) faults: BTreeMap<&'static str, usize>,
    /// Epochs of the last cluster.
    pub(crate) epochs: u64,
    /// Reads of the counter of a cluster.
    pub(crate) reads: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) wrong: usize,
    pub(crate) violations: Vec<Violation>,
    /// Rounds that found the effects of a sabotage.
    pub(crate) rounds_that_found: usize,
}

impl Report {
    pub(crate) fn add(&mut self, violations: Vec<Violation>) {
        for violation in &violations {
            match violation.kind {
                Kind::Lost => self.lost += 1,
                Kind::Doubled => self.doubled += 1,
                Kind::Refused | Kind::Wrong | Kind::Unfinished => self.wrong += 1,
            }
        }
        self.violations.extend(violations);
    }

    pub(crate) fn took(&mut self, time: Duration) {
        self.seconds = time.as_secs();
    }

    fn kills(&self) -> usize {
        self.kills_at_instants + self.kills_at_points.values().sum::<usize>()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, rounds, seconds, .. } = self;
        writeln!(f, "{rounds} rounds with seed {seed} in {seconds} s")?;
        if self.faults.is_empty() {
            writeln!(f, "kills {:>34}, {} of them while it started", self.kills(), self.kills_at_start)?;
            writeln!(f, "  at random instants {:>21}", self.kills_at_instants)?;
        } else {
            writeln!(f, "epochs of the last cluster {:>13}", self.epochs)?;
            writeln!(f, "reads of a counter {:>21}", self.reads)?;
        }
        for (name, count) in self.kills_at_points.iter().chain(&self.faults) {
            writeln!(f, "  {name:<30} {count:>9}")?;
        }
        writeln!(f, "acknowledged {:>27} in {} attempts", self.acknowledged, self.attempts)?;
        writeln!(f, "keys replayed {:>26}", self.replayed)?;
        writeln!(f, "deploys and rollbacks {:>18}", self.swaps)?;
        writeln!(f, "swaps of implementations {:>15}, {} given up", self.handovers, self.given_up)?;
        writeln!(f, "requests that failed {:>19}", self.failed)?;
        writeln!(f, "operations linearized {:>18}", self.linearized)?;
        writeln!(f, "lost {:>35}", self.lost)?;
        writeln!(f, "doubled {:>32}", self.doubled)?;
        write!(f, "otherwise wrong {:>24}", self.wrong)
    }
}
