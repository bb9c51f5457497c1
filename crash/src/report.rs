//! What came of the rounds, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use switchyard::fail_point::Sabotage;

use crate::host::DoesNotStart;

/// What is wrong with an answer that was given, or with what the shop has.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    /// What was acknowledged is not true any more.
    Lost,
    /// A key has more than its one effect, or something is there that nobody was told of.
    Doubled,
    /// The host refuses to start on what is on the disk.
    Refused,
    /// Anything else that must not be.
    Wrong,
    /// The round did not come to its end: that tells nothing about a guarantee.
    Unfinished,
}

impl Kind {
    /// Whether it follows from this sabotage, and so proves that the test sees it.
    pub(crate) fn follows_from(self, sabotage: Sabotage) -> bool {
        match (sabotage, self) {
            // A request whose answer is lost has a second effect when its key is used again.
            (Sabotage::AnswerBeforeSync, Self::Lost | Self::Doubled) => true,
            // An index may have what the journal has lost.
            (Sabotage::AnswerBeforeSync, Self::Refused) => true,
            // An order that is cancelled twice takes one away that stands.
            (Sabotage::MemoApart | Sabotage::PositionApart, Self::Lost | Self::Doubled) => true,
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

    /// What an error that ended a round says.
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

/// What the rounds came to.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    /// Kills at instants of the plan.
    pub(crate) kills_at_instants: usize,
    /// Deaths at each fail point.
    pub(crate) kills_at_points: BTreeMap<&'static str, usize>,
    /// Of all kills, those that came while the host was starting.
    pub(crate) kills_at_start: usize,
    /// Requests with a key, each time that one was sent under load.
    pub(crate) attempts: usize,
    pub(crate) acknowledged: usize,
    /// Keys that were used once more, to see their answers again.
    pub(crate) replayed: usize,
    pub(crate) swaps: usize,
    /// Operations of the histories that were looked at for an order.
    pub(crate) linearized: usize,
    pub(crate) lost: usize,
    pub(crate) doubled: usize,
    pub(crate) wrong: usize,
    pub(crate) violations: Vec<Violation>,
    /// Rounds that found what a sabotage broke.
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
        writeln!(f, "kills {:>34}, {} of them while it started", self.kills(), self.kills_at_start)?;
        writeln!(f, "  at random instants {:>21}", self.kills_at_instants)?;
        for (name, count) in &self.kills_at_points {
            writeln!(f, "  {name:<30} {count:>9}")?;
        }
        writeln!(f, "acknowledged {:>27} in {} attempts", self.acknowledged, self.attempts)?;
        writeln!(f, "keys replayed {:>26}", self.replayed)?;
        writeln!(f, "deploys and rollbacks {:>18}", self.swaps)?;
        writeln!(f, "operations linearized {:>18}", self.linearized)?;
        writeln!(f, "lost {:>35}", self.lost)?;
        writeln!(f, "doubled {:>32}", self.doubled)?;
        write!(f, "otherwise wrong {:>24}", self.wrong)
    }
}
