//! Targets: a figure of the platform, what it is compared with, and its goal.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::goals::refuse_missed;

/// What a figure, or its ratio to the baseline, must keep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// What a goal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GoalFor {
    Figure,
    Ratio,
}

/// One row of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) row: String,
    /// The figure with its unit, and the baseline if there is one.
    pub(crate) what: String,
    /// `None`: it could not be measured, which counts as missed.
    pub(crate) platform: Option<f64>,
    pub(crate) baseline: Option<f64>,
    /// The platform's figure as a multiple of the baseline.
    pub(crate) ratio: Option<f64>,
    pub(crate) goal_for: GoalFor,
    pub(crate) goal: Bound,
}

/// The targets of one run.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Targets(pub(crate) Vec<Target>);

impl Bound {
    pub(crate) fn value(self) -> f64 {
        let (Self::AtMost(value) | Self::AtLeast(value)) = self;
        value
    }

    fn keeps(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if matches!(self, Self::AtMost(_)) { "≤" } else { "≥" };
        f.pad(&format!("{sign} {}", short(self.value())))
    }
}

impl Target {
    /// A figure with a goal of its own.
    pub(crate) fn absolute(row: &str, what: &str, platform: f64, goal: Bound) -> Self {
        let (platform, goal_for) = (Some(platform), GoalFor::Figure);
        Self { row: row.into(), what: what.into(), platform, baseline: None, ratio: None, goal_for, goal }
    }

    /// A figure whose goal is for its ratio to `baseline`.
    pub(crate) fn relative(row: &str, what: &str, [platform, baseline]: [Option<f64>; 2], goal: Bound) -> Self {
        let ratio = platform.zip(baseline).map(|(platform, baseline)| platform / baseline);
        Self { row: row.into(), what: what.into(), platform, baseline, ratio, goal_for: GoalFor::Ratio, goal }
    }

    /// The number that the goal is for.
    pub(crate) fn judged(&self) -> Option<f64> {
        match self.goal_for {
            GoalFor::Figure => self.platform,
            GoalFor::Ratio => self.ratio,
        }
    }

    pub(crate) fn missed(&self) -> bool {
        // A figure that is no number is no success.
        !self.judged().is_some_and(|value| self.goal.keeps(value))
    }
}

impl Targets {
    /// # Errors
    ///
    /// When a goal is missed.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let missed = self.0.iter().filter(|target| target.missed()).map(Target::to_string);
        refuse_missed(self.0.len(), missed.collect())
    }
}

/// With as many digits as say something.
pub(crate) fn short(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        medium if medium >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, short)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, what, platform, baseline, ratio, goal, .. } = self;
        let [platform, baseline, ratio] = [platform, baseline, ratio].map(|value| cell(*value));
        let mark = if self.missed() { "MISSED" } else { "" };
        write!(f, "{row:<38} {what:<42} {platform:>9} {baseline:>9} {ratio:>7} {goal:>10} {mark}")
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [row, what] = ["target", "figure"];
        writeln!(f, "{row:<38} {what:<42} {:>9} {:>9} {:>7} {:>10}", "platform", "baseline", "ratio", "goal")?;
        self.0.iter().try_for_each(|target| writeln!(f, "{target}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_missed_outside_its_bound_and_without_a_figure() {
        let relative = |platform, baseline, goal| Target::relative("row", "CPU", [platform, baseline], goal).missed();
        assert!(!relative(Some(13.0), Some(10.0), Bound::AtMost(1.3)));
        assert!(relative(Some(13.1), Some(10.0), Bound::AtMost(1.3)));
        assert!(!relative(Some(6.0), Some(10.0), Bound::AtLeast(0.6)));
        assert!(relative(Some(5.9), Some(10.0), Bound::AtLeast(0.6)));
        assert!(relative(Some(1.0), None, Bound::AtMost(1.3)), "the baseline is missing");
        assert!(relative(None, Some(10.0), Bound::AtMost(1.3)), "the figure is missing");
        assert!(!Target::absolute("row", "µs", 13.0, Bound::AtMost(13.0)).missed());
        assert!(Target::absolute("row", "µs", f64::NAN, Bound::AtMost(13.0)).missed());
    }

    #[test]
    fn targets_fail_if_one_is_missed_and_name_it() {
        let target = |row, value| Target::absolute(row, "µs", value, Bound::AtMost(13.0));
        assert!(Targets(vec![target("met", 12.0)]).check().is_ok());
        let error = Targets(vec![target("met", 12.0), target("not met", 14.0)]).check().expect_err("one is missed");
        assert!(error.to_string().starts_with("1 of 2 goals are missed:\nnot met"), "{error}");
    }

    #[test]
    fn a_missing_baseline_is_still_missing_after_the_results_were_written() {
        let target = Target::relative("row", "CPU", [Some(1.0), None], Bound::AtMost(1.3));
        let text = serde_json::to_string(&target).expect("it is data");
        assert!(serde_json::from_str::<Target>(&text).is_ok_and(|read| read.missed()), "{text}");
    }
}
