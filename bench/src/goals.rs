//! Figures with goals: a report that fails when a goal is missed.

use std::fmt;

use anyhow::ensure;
use serde::Serialize;

/// One figure with its goal.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) experiment: &'static str,
    pub(crate) what: &'static str,
    pub(crate) alone: f64,
    pub(crate) beside: f64,
    pub(crate) at_most: f64,
}

/// The figures of some experiments, under a title.
#[derive(Debug, Serialize)]
pub(crate) struct Goals {
    pub(crate) title: &'static str,
    pub(crate) figures: Vec<Figure>,
}

impl Figure {
    fn missed(&self) -> bool {
        // A figure that is no number is no success.
        self.beside.is_nan() || self.beside > self.at_most
    }
}

impl Goals {
    /// # Errors
    ///
    /// When a goal is missed.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let missed: Vec<_> = self.figures.iter().filter(|figure| figure.missed()).map(Figure::to_string).collect();
        refuse_missed(self.figures.len(), missed)
    }
}

/// # Errors
///
/// When of `all` goals some are `missed`.
pub(crate) fn refuse_missed(all: usize, missed: Vec<String>) -> anyhow::Result<()> {
    ensure!(missed.is_empty(), "{} of {all} goals are missed:\n{}", missed.len(), missed.join("\n"));
    Ok(())
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, what, alone, beside, at_most } = self;
        let mark = if self.missed() { "MISSED" } else { "" };
        write!(f, "{experiment:<18} {what:<52} {alone:>9.1} {beside:>9.1} {at_most:>9.1} {mark}")
    }
}

impl fmt::Display for Goals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:<52} {:>9} {:>9} {:>9}", self.title, "figure", "alone", "beside", "at most")?;
        self.figures.iter().try_for_each(|figure| writeln!(f, "{figure}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_fails_if_one_goal_is_missed_and_names_it() {
        let figure = |what, beside| Figure { experiment: "test", what, alone: 0.0, beside, at_most: 1.0 };
        let goals = |figures| Goals { title: "goals", figures };
        assert!(goals(vec![figure("just met", 1.0)]).check().is_ok());
        let missed =
            goals(vec![figure("met", 0.5), figure("not met", 1.1)]).check().expect_err("one is missed").to_string();
        assert!(missed.starts_with("1 of 2 goals are missed:\n") && missed.contains("not met"), "{missed}");
    }
}
