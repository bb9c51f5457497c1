//! Compatibility: what a candidate changes for those who call the service that it is for, and for those whom it calls.
//!
//! The contract says what a component must have; this says what is different from the release that is live, and for
//! whom that matters. Nothing is asked but the components themselves.

mod change;
mod display;
mod neighbours;

use serde::Serialize;

pub use self::change::Bump;
use self::change::Change;
pub use self::neighbours::Neighbour;
use super::compare::VerdictProblem;
use super::surface::Surface;
use crate::limits::VERDICT_LINES_MAX;
use crate::names::ServiceName;

/// How far a candidate can stand for the live release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// For anybody: it has every function and named type that the live release exports, unchanged, and of other
    /// services it asks for no more.
    DropIn,
    /// For the neighbours as they are, though its contract is another one.
    Compatible,
    /// Not for some of the neighbours.
    Breaking,
}

/// A neighbour that the candidate does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Break {
    pub service: ServiceName,
    /// What the neighbour has or asks for, and what the candidate asks for or has there. A path that begins with
    /// `import` is a call that the candidate makes; the others are calls that the neighbour makes. At most 256.
    pub problems: Vec<VerdictProblem>,
    pub problems_more: usize,
}

/// How a candidate relates to the live release and its neighbours. Each list has at most 256 entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compatibility {
    pub level: Level,
    pub bump: Bump,
    /// In the order in which the neighbours were given.
    pub breaks: Vec<Break>,
    /// What the live release has (`expected`) and the candidate has not, or has otherwise (`found`).
    pub changes: Vec<VerdictProblem>,
    /// How many changes are not in the list.
    pub changes_more: usize,
    /// What only the candidate exports, by WIT path.
    pub added: Vec<String>,
    /// What only the candidate imports: functions of other services by WIT path, interfaces, and what the host offers,
    /// by interface.
    pub asks_more: Vec<String>,
    /// What only the live release imports.
    pub asks_less: Vec<String>,
    /// Interfaces that only the candidate imports, of which it has functions, and that no neighbour exports in any
    /// version. A call there has nobody to answer it; an event has nobody to hear it, which is no fault.
    pub exported_by_nobody: Vec<String>,
}

impl Compatibility {
    /// Judges `candidate` for the place of `live`, among the live releases of all other services of the host.
    ///
    /// Interfaces of compatible versions stand for each other. What the host itself offers or calls (`wasi:*`,
    /// `switchyard:service`) is no part of anybody's contract and shows in `asks_more` and `asks_less` alone. For the
    /// first release of a service `live` is [`Surface::default`].
    #[must_use]
    pub fn judge<'n>(live: &Surface, candidate: &Surface, neighbours: impl IntoIterator<Item = Neighbour<'n>>) -> Self {
        let neighbours: Vec<_> = neighbours.into_iter().collect();
        let breaks: Vec<_> = neighbours
            .iter()
            .filter_map(|neighbour| {
                let mut problems = neighbours::problems(live, candidate, neighbour.surface);
                let problems_more = cut(&mut problems);
                let service = neighbour.service.clone();
                (!problems.is_empty()).then_some(Break { service, problems, problems_more })
            })
            .collect();
        let mut exported_by_nobody = neighbours::exported_by_nobody(live, candidate, &neighbours);
        cut(&mut exported_by_nobody);
        let Change { drop_in, bump, mut changes, mut added, mut asks_more, mut asks_less } =
            Change::between(live, candidate);
        let level = match (breaks.is_empty(), drop_in) {
            (false, _) => Level::Breaking,
            (true, true) => Level::DropIn,
            (true, false) => Level::Compatible,
        };
        let changes_more = cut(&mut changes);
        for list in [&mut added, &mut asks_more, &mut asks_less] {
            cut(list);
        }
        Self { level, bump, breaks, changes, changes_more, added, asks_more, asks_less, exported_by_nobody }
    }
}

/// Leaves what a verdict can hold, and says how many that does not include.
fn cut<T>(list: &mut Vec<T>) -> usize {
    let more = list.len().saturating_sub(VERDICT_LINES_MAX);
    list.truncate(VERDICT_LINES_MAX);
    more
}
