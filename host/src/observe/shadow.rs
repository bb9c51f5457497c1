//! What shadow runs of a candidate came to.

use serde::Serialize;

/// How calls of one function compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionReport {
    pub function: String,
    pub equal: u64,
    pub different: u64,
}

/// What a candidate did otherwise than the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub function: String,
    /// A JSON pointer into the answer (empty: the answer as a whole), or `calls/N`, `store/KIND`, `events/N`.
    pub path: String,
    pub live: String,
    pub candidate: String,
}

/// All shadow runs of a candidate since it began.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ShadowReport {
    pub compared: u64,
    pub equal: u64,
    pub different: u64,
    /// Calls that there was no room to compare.
    pub dropped: u64,
    /// In the order in which they were first called.
    pub functions: Vec<FunctionReport>,
    /// The first ones.
    pub differences: Vec<Difference>,
}

impl ShadowReport {
    /// Counts a run of `function`, with what was different; keeps the first `differences_max` differences.
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
