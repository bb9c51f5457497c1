//! The results of a candidate's shadow runs.

use serde::Serialize;

/// How calls of one function compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionReport {
    pub function: String,
    pub equal: u64,
    pub different: u64,
}

/// A difference between the candidate and the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub function: String,
    /// A JSON pointer into the answer (empty: the whole answer), or `calls/N`, `store/KIND`, `events/N`.
    pub path: String,
    pub live: String,
    pub candidate: String,
}

/// All shadow runs of a candidate since its start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ShadowReport {
    pub compared: u64,
    pub equal: u64,
    pub different: u64,
    /// Calls that were not compared because too many shadow runs were active.
    pub dropped: u64,
    /// Calls that were not compared because the copy of a handover did not hold exactly the live data when they began.
    pub behind: u64,
    /// In the order of their first calls.
    pub functions: Vec<FunctionReport>,
    /// The first differences only.
    pub differences: Vec<Difference>,
}

impl ShadowReport {
    /// Counts a run of `function` and its difference, if any; stores the first `differences_max` differences.
    pub fn compared(&mut self, function: &str, difference: Option<Difference>, differences_max: usize) {
        self.compared += 1;
        let equal = u64::from(difference.is_none());
        match self.functions.iter_mut().find(|counted| counted.function == function) {
            Some(counted) => {
                counted.equal += equal;
                counted.different += 1 - equal;
            }
            None => self.functions.push(FunctionReport { function: function.into(), equal, different: 1 - equal }),
        }
        match difference {
            None => self.equal += 1,
            Some(difference) => {
                self.different += 1;
                if self.differences.len() < differences_max {
                    self.differences.push(difference);
                }
            }
        }
    }
}
