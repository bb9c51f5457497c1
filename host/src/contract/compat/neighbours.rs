//! Whether a candidate fits one live release: the functions that either calls exist in the other, with equal types.
//!
//! A call needs functions and the types that they use, nothing else.

use wac_types::{ItemKind, NameMapNoIntern};

use super::change::counts;
use crate::contract::compare::{Comparison, Scope, Side, VerdictProblem, cut, functions_of, unversioned};
use crate::contract::host;
use crate::contract::surface::Surface;
use crate::contract::types::World;
use crate::names::ServiceName;

/// A live release of another service that may call the candidate's service, be called by it, or both.
///
/// If several services are swapped together, this is the release that goes live with the candidate.
#[derive(Debug, Clone, Copy)]
pub struct Neighbour<'a> {
    pub service: &'a ServiceName,
    pub surface: &'a Surface,
}

/// Everything that does not fit.
pub(super) fn problems(
    live: &Surface,
    candidate: &Surface,
    neighbour: &Surface,
    contracts: &[&World],
) -> Vec<VerdictProblem> {
    let mut problems = as_caller(live, candidate, neighbour, contracts);
    problems.extend(as_callee(live, candidate, neighbour));
    problems
}

/// The neighbour's imports that the candidate exports in another form, or no longer. An export that no contract names serves
/// no caller, so it may go.
fn as_caller(live: &Surface, candidate: &Surface, caller: &Surface, contracts: &[&World]) -> Vec<VerdictProblem> {
    let (before, now) = (live.exports_by_name(), candidate.exports_by_name());
    let mut comparison = Comparison::new(Scope::Calls, &caller.types, &candidate.types);
    for (name, expected) in calls(caller) {
        match (now.get(name, &NameMapNoIntern), before.get(name, &NameMapNoIntern)) {
            (Some(found), _) => comparison.item(Side::Export, name, expected, *found),
            (None, Some(_)) if counts(name, contracts) => {
                let exported = candidate.exports.iter().map(|(name, _)| name.as_str());
                comparison.missing_export(name, expected, exported);
            }
            // An import from a third service.
            (None, _) => {}
        }
    }
    comparison.finish().0
}

/// The candidate's imports that the neighbour exports in another form, or only in another version.
fn as_callee(live: &Surface, candidate: &Surface, callee: &Surface) -> Vec<VerdictProblem> {
    let exported = callee.exports_by_name();
    let before = live.imports_by_name();
    let mut comparison = Comparison::new(Scope::Calls, &callee.types, &candidate.types);
    let mut problems = Vec::new();
    for (name, found) in calls(candidate) {
        if let Some(expected) = exported.get(name, &NameMapNoIntern) {
            comparison.item(Side::Import, name, *expected, found);
        } else if before.get(name, &NameMapNoIntern).is_none()
            && let Some(other) = other_version(callee, name)
        {
            problems.push(VerdictProblem {
                path: format!("import {}", cut(name)),
                expected: cut(other),
                found: format!("an import of {}, another version", cut(name)),
                detail: String::new(),
            });
        }
    }
    problems.extend(comparison.finish().0);
    problems
}

/// The interfaces with functions that only `candidate` imports, not `live`, and that no neighbour exports in any
/// version.
pub(super) fn exported_by_nobody(live: &Surface, candidate: &Surface, neighbours: &[Neighbour<'_>]) -> Vec<String> {
    let before = live.imports_by_name();
    let exported = |name| neighbours.iter().any(|neighbour| other_version(neighbour.surface, name).is_some());
    calls(candidate)
        .map(|(name, _)| name)
        .filter(|name| before.get(name, &NameMapNoIntern).is_none())
        .filter(|name| !exported(name) && other_version(candidate, name).is_none())
        .map(cut)
        .collect()
}

/// The interfaces of other services from which a component imports functions.
fn calls(surface: &Surface) -> impl Iterator<Item = (&str, ItemKind)> {
    let contract = surface.imports.iter().filter(|(name, _)| !host::is_host(name));
    contract.filter(|(_, kind)| functions_of(&surface.types, *kind) > 0).map(|(name, kind)| (name.as_str(), *kind))
}

/// An export with the same name, in any version.
fn other_version<'s>(surface: &'s Surface, name: &str) -> Option<&'s str> {
    surface.exports.iter().map(|(other, _)| other.as_str()).find(|other| unversioned(other) == unversioned(name))
}
