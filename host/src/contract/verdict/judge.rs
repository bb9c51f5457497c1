//! Judges a component: compares its exports and imports with those of its contract and the host.

use wac_types::{ItemKind, NameMapNoIntern, World as Wac};

use super::expected::{Encoded, Expected};
use super::report::{OutboundHttp, Verdict};
use crate::contract::compare::{Comparison, Scope, Side, VerdictProblem, cut, unversioned};
use crate::contract::host::HttpVersion;
use crate::contract::host::{self, ImportRule, Importer};
use crate::contract::surface::{Surface, Unreadable, by_name};
use crate::contract::types::{HTTP_WORLD, World};
use crate::limits::VERDICT_LINES_MAX;

/// Judges a component by a world.
pub(in crate::contract) fn judge(
    encoded: &Encoded,
    world: &World,
    surface: Result<&Surface, &Unreadable>,
    outbound: OutboundHttp,
) -> Verdict {
    let mut verdict = Draft::new(&world.name);
    match (surface, encoded.load(&world.name)) {
        (Err(why), _) => verdict.problem(why.problem()),
        (Ok(_), None) => verdict.problem(VerdictProblem {
            path: world.name.to_string(),
            expected: "a world of these contracts".into(),
            found: "an unknown world".into(),
            detail: String::new(),
        }),
        (Ok(surface), Some(expected)) => {
            verdict.sees(surface);
            let mut comparison = Comparison::new(Scope::Calls, &expected.types, &surface.types);
            exports(&mut comparison, surface, &expected.types[expected.world]);
            optional_exports(&mut comparison, surface, &expected);
            imports(&mut comparison, surface, &expected);
            (verdict.problems, _) = comparison.finish();
            host_imports(&mut verdict, surface, &expected, outbound);
        }
    }
    verdict.finish()
}

/// Judges a raw `wasi:http` component, which has no world: whether it handles requests, and its imports.
///
/// Its types are checked when it is linked, because WASI defines them. It may import outbound HTTP without a grant, because
/// language runtimes do so unasked; each request is denied then.
#[must_use]
pub fn judge_http(bytes: &[u8]) -> Verdict {
    judge_http_surface(Surface::read(bytes).as_ref())
}

/// Like [`judge_http`], for a component that was already read, or could not be read.
#[must_use]
pub fn judge_http_surface(surface: Result<&Surface, &Unreadable>) -> Verdict {
    let mut verdict = Draft::new(HTTP_WORLD);
    match surface {
        Err(why) => verdict.problem(why.problem()),
        Ok(component) => {
            verdict.sees(component);
            for (import, _) in &component.imports {
                match host::import_rule(import, Importer::Http) {
                    ImportRule::Given => {}
                    ImportRule::ByGrant => verdict.needs_grant.push(cut(import)),
                    ImportRule::Unknown => verdict.unknown_import(import),
                }
            }
            let served = component.exports.iter().filter_map(|(name, _)| host::serves_http(name));
            // The later version, if a component has both.
            verdict.http = served.max_by_key(|version| *version == HttpVersion::V03);
            if verdict.http.is_none() {
                verdict.problem(VerdictProblem {
                    path: "wasi:http".into(),
                    expected: "an export of wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3".into(),
                    found: "neither".into(),
                    detail: "if the component implements a contract, name it as `contract` in the service's section \
                        of the manifest"
                        .into(),
                });
            }
        }
    }
    verdict.finish()
}

/// Checks that the component has every interface of the world, with the world's functions.
fn exports(comparison: &mut Comparison<'_>, component: &Surface, world: &Wac) {
    let exported = component.exports_by_name();
    for (name, expected) in &world.exports {
        match exported.get(name, &NameMapNoIntern) {
            Some(found) => comparison.item(Side::Export, name, *expected, *found),
            None => comparison.missing_export(name, *expected, component.exports.iter().map(|(name, _)| name.as_str())),
        }
    }
}

/// If a component exports the interface for migrations or for state, in any version, it must be the one that the host
/// or the contract describes.
fn optional_exports(comparison: &mut Comparison<'_>, component: &Surface, expected: &Expected) {
    for (name, expected) in &expected.optional {
        for (exported, found) in component.exports.iter().filter(|(found, _)| unversioned(found) == unversioned(name)) {
            match by_name([(exported.as_str(), *found)]).get(name, &NameMapNoIntern) {
                Some(found) => comparison.item(Side::Export, name, *expected, *found),
                None => comparison.missing_export(name, *expected, std::iter::once(exported.as_str())),
            }
        }
    }
}

/// Imports that the contract or the host describes in WIT must match that description.
fn imports(comparison: &mut Comparison<'_>, component: &Surface, expected: &Expected) {
    for (name, found) in &component.imports {
        if let Some(expected) = expected.imports.get(name, &NameMapNoIntern) {
            comparison.item(Side::Import, name, *expected, *found);
        }
    }
}

/// The host must offer every other import. An import that needs a grant needs it even if the world names it.
fn host_imports(verdict: &mut Draft, component: &Surface, expected: &Expected, outbound: OutboundHttp) {
    for (name, found) in &component.imports {
        let described = expected.imports.get(name, &NameMapNoIntern).is_some();
        match host::import_rule(name, Importer::Service) {
            ImportRule::ByGrant => verdict.granted_import(name, outbound),
            ImportRule::Given if matches!(found, ItemKind::Instance(_)) => {}
            ImportRule::Given | ImportRule::Unknown if !described => verdict.unknown_import(name),
            ImportRule::Given | ImportRule::Unknown => {}
        }
    }
}

/// Builds a verdict.
struct Draft {
    world: String,
    problems: Vec<VerdictProblem>,
    needs_grant: Vec<String>,
    http: Option<HttpVersion>,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Draft {
    fn new(world: &str) -> Self {
        Self {
            world: world.into(),
            problems: Vec::new(),
            needs_grant: Vec::new(),
            http: None,
            imports: Vec::new(),
            exports: Vec::new(),
        }
    }

    fn sees(&mut self, component: &Surface) {
        let names =
            |items: &[(String, ItemKind)]| items.iter().take(VERDICT_LINES_MAX).map(|(name, _)| cut(name)).collect();
        self.imports = names(&component.imports);
        self.exports = names(&component.exports);
    }

    fn problem(&mut self, problem: VerdictProblem) {
        self.problems.push(problem);
    }

    fn granted_import(&mut self, name: &str, outbound: OutboundHttp) {
        self.needs_grant.push(cut(name));
        if outbound == OutboundHttp::Refused {
            self.problem(VerdictProblem {
                path: format!("import {}", cut(name)),
                expected: "no outbound HTTP: the service has no grant for it".into(),
                found: "an import of it".into(),
                detail: "grant it with `outbound_hosts` in the service's section of the manifest".into(),
            });
        }
    }

    fn unknown_import(&mut self, name: &str) {
        self.problem(VerdictProblem {
            path: format!("import {}", cut(name)),
            expected: "nothing".into(),
            found: "an import that neither the contract nor the host offers".into(),
            detail: String::new(),
        });
    }

    fn finish(mut self) -> Verdict {
        let problems_more = self.problems.len().saturating_sub(VERDICT_LINES_MAX);
        self.problems.truncate(VERDICT_LINES_MAX);
        self.needs_grant.truncate(VERDICT_LINES_MAX);
        Verdict {
            accepted: self.problems.is_empty(),
            world: self.world,
            problems: self.problems,
            problems_more,
            needs_grant: self.needs_grant,
            http: self.http,
            imports: self.imports,
            exports: self.exports,
        }
    }
}
