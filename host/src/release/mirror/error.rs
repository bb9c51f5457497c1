//! Why a mirror cannot continue.

use std::collections::BTreeSet;

use crate::observe::Difference;
use crate::runtime::StateError;
use crate::store::{CommitError, StoreError};

/// Why a mirror cannot continue. The live generation is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    #[error("the release whose data is copied")]
    Source(#[source] StateError),
    #[error("the release that the data is copied to")]
    Target(#[source] StateError),
    /// An import was accepted, but an export afterwards shows something else.
    #[error("the entity {key:?} is not the same after its import: {path} is {copy} and should be {original}")]
    Differs { key: String, path: String, original: String, copy: String },
    #[error("the entity {key:?} was imported, and the export afterwards does not have it")]
    Missing { key: String },
    #[error("the entity {key:?} was removed, and the export afterwards still has it")]
    NotRemoved { key: String },
    #[error(
        "the release whose data is copied exports the entity {key:?} in pages of one size, and leaves it out in pages of another"
    )]
    PageBorder { key: String },
    /// Recent calls do not find on the copy what they find in the live data.
    #[error(
        "recent calls that have an answer on the live data fail on the copy, or find nothing there: {}; the live release does not \
         export everything, or the new one does not read it",
        shares(calls)
    )]
    AnswersLost { calls: Vec<LostAnswers> },
    #[error("the entity {key:?} alone does not fit into one commit")]
    TooLarge { key: String, source: StoreError },
    #[error("the copy of the data cannot be committed")]
    Commit(#[from] CommitError),
    #[error("the copy of the data cannot be read")]
    Store(#[from] StoreError),
    #[error("the copy is not complete within the time for which calls may wait: {dirty} changes are left")]
    NotInTime { dirty: usize },
    #[error("the service has {count} unfinished calls, which must end on the release that they began with")]
    OpenIntents { count: u64 },
    #[error("the copy has not reached the live data yet: {}", read(*entities, *expected))]
    NotReady { entities: u64, expected: Option<u64> },
    #[error("the mirror is not running yet: try again in a moment")]
    NotRunning,
    #[error(
        "it must repeat {calls_min} calls on the copy with equal answers first, and has repeated {compared} so far"
    )]
    InShadow { compared: u64, calls_min: u64 },
    /// Shadow runs on the copy ended in another way than their live calls.
    #[error("{different} of {compared} calls that it repeated on the copy ended differently: {}", places(differences))]
    ShadowDiffers { different: u64, compared: u64, differences: Vec<Difference> },
    /// An entity cannot take less than a byte.
    #[error("its export does not end: it has given {entities} entities, and its data has only {bytes} bytes")]
    Endless { entities: u64, bytes: u64 },
}

impl MirrorError {
    /// Whether a later attempt may succeed without a change of a component.
    pub(in crate::release) fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Commit(_)
                | Self::Store(_)
                | Self::NotInTime { .. }
                | Self::OpenIntents { .. }
                | Self::NotReady { .. }
                | Self::NotRunning
                | Self::InShadow { .. }
        )
    }
}

/// The calls of one function that have no answer on a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostAnswers {
    pub function: String,
    pub lost: u32,
    pub of: u32,
}

fn shares(calls: &[LostAnswers]) -> String {
    let share = |LostAnswers { function, lost, of }: &LostAnswers| format!("{lost} of {of} calls of {function}");
    calls.iter().map(share).collect::<Vec<_>>().join(", ")
}

fn read(entities: u64, expected: Option<u64>) -> String {
    match expected {
        Some(expected) => format!("{entities} of about {expected} entities are read"),
        None => format!("{entities} entities are read"),
    }
}

/// The differences by function and place, each place once.
fn places(differences: &[Difference]) -> String {
    let mut seen = BTreeSet::new();
    let new = differences.iter().filter(|difference| seen.insert((&difference.function, &difference.path)));
    let place = |Difference { function, path, live, candidate }: &Difference| {
        let path = if path.is_empty() { "the answer" } else { path };
        format!("{function} at {path}: {live} live, {candidate} in the new implementation")
    };
    new.map(place).collect::<Vec<_>>().join("; ")
}
