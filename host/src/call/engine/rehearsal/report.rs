//! The result of a rehearsal, by function. It contains no values.

use serde::Serialize;

use crate::contract::Function;
use crate::limits::REHEARSED_DIFFERENCES_MAX;
use crate::value::DifferentPlace;

/// A place in which answers of one function differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DifferentAnswers {
    /// A JSON pointer into the answer, with `*` for every index; empty for the whole answer.
    pub path: String,
    /// In how many calls.
    pub calls: u32,
}

/// The calls of one function in a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedFunction {
    pub function: String,
    /// The calls that both releases answered, or in which both failed in the same way.
    pub compared: u32,
    /// Those of them with the same answer.
    pub equal: u32,
    /// Those that only the proposed release failed.
    pub failed: u32,
    /// Those that had an answer from the live release, and have an error or nothing from the proposed one.
    pub lost: u32,
    /// Those whose answer from the live release was something.
    pub had: u32,
    /// Those of them for which the proposed release finds nothing: no value, an empty list, or an error that says so. Any other
    /// error may be about the arguments, such as a cursor of the live release.
    #[serde(skip)]
    pub found_nothing: u32,
    pub differences: Vec<DifferentAnswers>,
    /// How the proposed release failed: `trap`, `deadline`, `memory`, `limit` or `store`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// Why calls were not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
}

/// The result of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RehearsalReport {
    pub functions: Vec<RehearsedFunction>,
}

impl RehearsedFunction {
    pub(super) fn of(function: &Function) -> Self {
        Self { function: function.name.wit.to_string(), ..Self::default() }
    }

    /// Counts a call that both releases answered, with answers that differ in `places`.
    pub(super) fn answered(&mut self, had: bool, is_lost: bool, places: Vec<DifferentPlace>) {
        self.compared += 1;
        self.equal += u32::from(places.is_empty());
        self.had += u32::from(had);
        self.lost += u32::from(is_lost);
        for DifferentPlace { path, .. } in places {
            if let Some(known) = self.differences.iter_mut().find(|known| known.path == path) {
                known.calls += 1;
            } else if self.differences.len() < REHEARSED_DIFFERENCES_MAX {
                self.differences.push(DifferentAnswers { path, calls: 1 });
            }
        }
    }

    /// Counts a call that both releases failed in the same way.
    pub(super) fn failed_alike(&mut self) {
        self.compared += 1;
        self.equal += 1;
    }

    pub(super) fn failed(&mut self, failure: &'static str) {
        self.failed += 1;
        self.failure.get_or_insert(failure);
    }

    /// Whether the proposed release has nothing more of all that the live release answers.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.had > 0 && self.lost == self.had
    }
}

impl RehearsalReport {
    /// The number of calls that were compared.
    #[must_use]
    pub fn compared(&self) -> u32 {
        self.functions.iter().map(|function| function.compared).sum()
    }
}
