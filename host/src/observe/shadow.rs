//! What shadow runs of a candidate came to.

use std::collections::BTreeMap;

use serde::Serialize;

/// How calls of one function compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FunctionReport {
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
    pub functions: BTreeMap<String, FunctionReport>,
    /// The first ones.
    pub differences: Vec<Difference>,
}

impl ShadowReport {
    /// Counts a run of `function`, with what was different; keeps the first `differences_max` differences.
    pub fn compared(&mut self, function: &str, difference: Option<Difference>, differences_max: usize) {
        self.compared += 1;
        let counts = self.functions.entry(function.into()).or_default();
        match difference {
            None => {
                self.equal += 1;
                counts.equal += 1;
            }
            Some(difference) => {
                self.different += 1;
                counts.different += 1;
                if self.differences.len() < differences_max {
                    self.differences.push(difference);
                }
            }
        }
    }
}
