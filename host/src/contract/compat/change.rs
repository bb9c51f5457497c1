//! The changes that a candidate makes to the contract of the live release, independent of callers.

use serde::Serialize;

use wac_types::NameMapNoIntern;

use crate::contract::compare::{Comparison, Scope, Side, VerdictProblem, cut, functions_of, unversioned};
use crate::contract::host;
use crate::contract::surface::Surface;
use crate::contract::types::World;

/// The part of a contract's version that a change increments. Before 1.0.0 each part counts one place further back, as
/// in the component model: 0.1.4 and 0.2.0 are as far apart as 1.4.0 and 2.0.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Bump {
    /// The contract is the same.
    None,
    /// It imports less from other services.
    Patch,
    /// It exports more, or imports more from other services.
    Minor,
    /// An item was removed or changed.
    Major,
}

/// All differences, not shortened: the limits of a component bound them.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) drop_in: bool,
    pub(super) bump: Bump,
    pub(super) changes: Vec<VerdictProblem>,
    pub(super) added: Vec<String>,
    pub(super) asks_more: Vec<String>,
    pub(super) asks_less: Vec<String>,
}

impl Change {
    /// `contracts` are those of both. Without any, every interface belongs to the contract.
    pub(super) fn between(live: &Surface, candidate: &Surface, contracts: &[&World]) -> Self {
        let mut comparison = Comparison::new(Scope::Contract, &live.types, &candidate.types);
        let mut added = exports(&mut comparison, live, candidate, contracts);
        let (mut asks_more, mut asks_less) = imports(&mut comparison, live, candidate);
        let (mut changes, one_sided) = comparison.finish();
        changes.extend(http_lost(live, candidate));
        added.extend(one_sided.exported_more);
        asks_more.extend(one_sided.imported_more);
        asks_less.extend(one_sided.imported_less);
        let bump = match () {
            () if !changes.is_empty() => Bump::Major,
            () if !added.is_empty() || !asks_more.is_empty() => Bump::Minor,
            () if !asks_less.is_empty() => Bump::Patch,
            () => Bump::None,
        };
        let drop_in = changes.is_empty() && asks_more.is_empty();
        asks_more.extend(host_imports(candidate, live));
        asks_less.extend(host_imports(live, candidate));
        Self { drop_in, bump, changes, added, asks_more, asks_less }
    }
}

/// Compares the exports of both. A missing export is a change; the additional exports are returned.
fn exports(comparison: &mut Comparison<'_>, live: &Surface, candidate: &Surface, contracts: &[&World]) -> Vec<String> {
    let found = candidate.exports_by_name();
    let counts = |name: &str| counts(name, contracts);
    for (name, expected) in live.exports.iter().filter(|(name, _)| counts(name)) {
        match found.get(name, &NameMapNoIntern) {
            Some(found) => comparison.item(Side::Export, name, *expected, *found),
            None => comparison.missing_export(name, *expected, candidate.exports.iter().map(|(name, _)| name.as_str())),
        }
    }
    let known = live.exports_by_name();
    let contract = candidate.exports.iter().map(|(name, _)| name.as_str()).filter(|name| counts(name));
    contract.filter(|name| known.get(name, &NameMapNoIntern).is_none()).map(cut).collect()
}

/// Whether an export belongs to a contract. The host alone calls its own interfaces, and those for state. Toolchains add
/// exports of their own, such as `init`: only what a contract names belongs to it.
pub(super) fn counts(export: &str, contracts: &[&World]) -> bool {
    let named =
        |world: &&World| world.exports.iter().any(|interface| unversioned(&interface.name) == unversioned(export));
    let is_named = contracts.is_empty() || contracts.iter().any(named);
    is_named && !host::is_host(export) && !host::is_state(export)
}

/// Compares the imports from other services. Returns the additional and the missing imports.
fn imports(comparison: &mut Comparison<'_>, live: &Surface, candidate: &Surface) -> (Vec<String>, Vec<String>) {
    let known = live.imports_by_name();
    let mut more = Vec::new();
    for (name, found) in candidate.imports.iter().filter(|(name, _)| !host::is_host(name)) {
        match known.get(name, &NameMapNoIntern) {
            Some(expected) => comparison.item(Side::Import, name, *expected, *found),
            None => more.push(cut(name)),
        }
    }
    let found = candidate.imports_by_name();
    let contract = live.imports.iter().map(|(name, _)| name.as_str()).filter(|name| !host::is_host(name));
    (more, contract.filter(|name| found.get(name, &NameMapNoIntern).is_none()).map(cut).collect())
}

/// The host interfaces from which `one` imports functions and `other` imports nothing.
fn host_imports(one: &Surface, other: &Surface) -> Vec<String> {
    let others = other.imports_by_name();
    let of_host = one.imports.iter().filter(|(name, _)| host::is_host(name));
    let asked = of_host.filter(|(_, kind)| functions_of(&one.types, *kind) > 0);
    asked.filter(|(name, _)| others.get(name, &NameMapNoIntern).is_none()).map(|(name, _)| cut(name)).collect()
}

/// A raw component has only one visible contract: it handles requests, in either version of `wasi:http`.
fn http_lost(live: &Surface, candidate: &Surface) -> Option<VerdictProblem> {
    let serves = |surface: &Surface| surface.exports.iter().any(|(name, _)| host::serves_http(name).is_some());
    (serves(live) && !serves(candidate)).then(|| VerdictProblem {
        path: "wasi:http".into(),
        expected: "an export of wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3".into(),
        found: "neither".into(),
        detail: String::new(),
    })
}
