//! The level of a candidate: for whom it can replace the live release.

use serde::Serialize;

use super::change::{Bump, Change};
use super::neighbours::{self, Neighbour};
use crate::contract::compare::VerdictProblem;
use crate::contract::surface::Surface;
use crate::contract::types::World;
use crate::limits::VERDICT_LINES_MAX;
use crate::names::ServiceName;

/// How well a candidate can replace the live release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Fits every caller: it exports every function and named type of the live release unchanged, and imports no more
    /// from other services.
    DropIn,
    /// Fits all current neighbours, but its contract differs.
    Compatible,
    /// Does not fit some neighbours.
    Breaking,
}

/// A neighbour that the candidate does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Break {
    pub service: ServiceName,
    /// The items that do not match, at most 256. If a path begins with `import`, the candidate makes the call;
    /// otherwise the neighbour makes it.
    pub problems: Vec<VerdictProblem>,
    pub problems_more: usize,
}

/// How a candidate relates to the live release and its neighbours. Each list has at most 256 entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compatibility {
    pub level: Level,
    pub bump: Bump,
    /// In the order of the given neighbours.
    pub breaks: Vec<Break>,
    /// Items of the live release (`expected`) that the candidate lacks or has in another form (`found`).
    pub changes: Vec<VerdictProblem>,
    /// How many changes are not in the list.
    pub changes_more: usize,
    /// Items that only the candidate exports, by WIT path.
    pub added: Vec<String>,
    /// Items that only the candidate imports: functions of other services by WIT path, whole interfaces, and host
    /// interfaces.
    pub asks_more: Vec<String>,
    /// Items that only the live release imports.
    pub asks_less: Vec<String>,
    /// Interfaces with functions that only the candidate imports, and that no neighbour exports in any version. Calls
    /// to them fail; an event without a subscriber is no fault.
    pub exported_by_nobody: Vec<String>,
}

impl Compatibility {
    /// Judges whether `candidate` can replace `live`, given the live releases of all other services of the host.
    ///
    /// Compatible versions of an interface match each other. Interfaces of the host (`wasi:*`, `switchyard:service`)
    /// belong to no contract and appear only in `asks_more` and `asks_less`. For the first release of a service, `live`
    /// is [`Surface::default`].
    #[must_use]
    pub fn judge<'n>(live: &Surface, candidate: &Surface, neighbours: impl IntoIterator<Item = Neighbour<'n>>) -> Self {
        Self::judge_by(live, candidate, neighbours, &[])
    }

    /// Like [`Compatibility::judge`], for a live release and a candidate that were judged by `contracts`: an export that
    /// none of these names is no difference.
    #[must_use]
    pub fn judge_by<'n>(
        live: &Surface,
        candidate: &Surface,
        neighbours: impl IntoIterator<Item = Neighbour<'n>>,
        contracts: &[&World],
    ) -> Self {
        let neighbours: Vec<_> = neighbours.into_iter().collect();
        let breaks: Vec<_> = neighbours
            .iter()
            .filter_map(|neighbour| {
                let mut problems = neighbours::problems(live, candidate, neighbour.surface, contracts);
                let problems_more = cut(&mut problems);
                let service = neighbour.service.clone();
                (!problems.is_empty()).then_some(Break { service, problems, problems_more })
            })
            .collect();
        let mut exported_by_nobody = neighbours::exported_by_nobody(live, candidate, &neighbours);
        cut(&mut exported_by_nobody);
        let Change { drop_in, bump, mut changes, mut added, mut asks_more, mut asks_less } =
            Change::between(live, candidate, contracts);
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

/// Shortens the list to the length that a verdict can hold, and returns how many entries were removed.
fn cut<T>(list: &mut Vec<T>) -> usize {
    let more = list.len().saturating_sub(VERDICT_LINES_MAX);
    list.truncate(VERDICT_LINES_MAX);
    more
}
