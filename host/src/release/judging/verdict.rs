//! The verdict on a proposed release: the results of all checks, before anything changes.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::call::RehearsalReport;
use crate::contract::{Compatibility, VerdictProblem};
use crate::names::{Digest, ServiceName};

/// The checks, in this order. A check runs only if the earlier ones allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// It has a signature that the manifest requires.
    Signature,
    /// It is a component, and keeps the contract.
    Contract,
    /// The services fit together with it.
    Compatibility,
    /// It requires no more than its grants.
    Grants,
    /// It can be compiled and linked, starts, and answers.
    Start,
    /// It can read the existing data, and its migration passes on a snapshot of it.
    Data,
    /// It answers recent calls as the live release does.
    Answers,
    /// After all other checks, it can be made live. Checked only during the swap.
    Swap,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    pub name: Check,
    pub passed: bool,
    /// The finding, for people.
    pub detail: String,
}

/// How a function took the calls with generated arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Answering {
    Answered,
    /// Its calls ended where they called another service, or emitted an event.
    CalledOthers,
    Failed,
    NotCalled,
}

/// The calls of one function with generated arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionCheck {
    pub function: String,
    pub result: Answering,
    /// The numbers or the reason, for people.
    pub detail: String,
}

/// The imports outside the contract, compared with the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Asks {
    pub more: Vec<String>,
    pub less: Vec<String>,
    /// Imports that need a grant, granted or not.
    pub needs_grant: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    pub accepted: bool,
    pub service: ServiceName,
    /// The digest of the component.
    pub digest: Digest,
    /// The world that it was judged by.
    pub world: String,
    pub problems: Vec<VerdictProblem>,
    pub problems_more: usize,
    pub checks: Vec<Checked>,
    /// What the operator should know although it is no reason to refuse.
    pub warnings: Vec<String>,
    /// The functions of the contract, called with generated arguments.
    pub functions: Vec<FunctionCheck>,
    /// How answers to recent calls compare with those of the live release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<RehearsalReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility: Option<Compatibility>,
    pub asks: Asks,
    /// How long each part of the judgement took, in milliseconds.
    pub timings: BTreeMap<&'static str, u64>,
    /// The whole verdict as text for people.
    pub text: String,
}

impl Verdict {
    pub(in crate::release) fn new(service: &ServiceName, digest: Digest, world: &str) -> Self {
        Self {
            accepted: true,
            service: service.clone(),
            digest,
            world: world.into(),
            problems: Vec::new(),
            problems_more: 0,
            checks: Vec::new(),
            warnings: Vec::new(),
            functions: Vec::new(),
            rehearsal: None,
            compatibility: None,
            asks: Asks::default(),
            timings: BTreeMap::new(),
            text: String::new(),
        }
    }

    pub(in crate::release) fn passed(&mut self, name: Check, detail: impl Into<String>) {
        self.checks.push(Checked { name, passed: true, detail: detail.into() });
    }

    pub(in crate::release) fn failed(&mut self, name: Check, detail: impl Into<String>, problems: Vec<VerdictProblem>) {
        self.accepted = false;
        self.checks.push(Checked { name, passed: false, detail: detail.into() });
        self.problems.extend(problems);
    }

    /// A check that failed for one reason.
    pub(in crate::release) fn refused(
        &mut self,
        name: Check,
        path: &str,
        expected: &str,
        found: impl Into<String>,
        detail: &str,
    ) {
        let (path, expected, found) = (path.into(), expected.into(), found.into());
        let problem = VerdictProblem { path, expected, found, detail: detail.into() };
        self.failed(name, problem.found.clone(), vec![problem]);
    }

    /// The verdict was good, but the release could not be made live or a candidate.
    pub(in crate::release) fn failed_in_the_swap(&mut self, why: String) {
        self.refused(Check::Swap, "the swap", "one that can be made now", why, "");
        self.finish();
    }

    /// Writes the text for people.
    pub(in crate::release) fn finish(&mut self) {
        self.text = self.to_string();
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, digest, problems, problems_more, checks, warnings, asks, .. } = self;
        let word = if self.accepted { "accepted" } else { "refused" };
        write!(f, "{word}: {digest} for {service}")?;
        for Checked { name, passed, detail } in checks {
            let mark = if *passed { "ok" } else { "NO" };
            write!(f, "\n  {mark} {}: {detail}", format!("{name:?}").to_lowercase())?;
        }
        for VerdictProblem { path, expected, found, detail } in problems {
            write!(f, "\n  {path}\n    expected: {expected}\n    found:    {found}")?;
            if !detail.is_empty() {
                write!(f, "\n    {detail}")?;
            }
        }
        if *problems_more > 0 {
            write!(f, "\n  and {problems_more} more")?;
        }
        for warning in warnings {
            write!(f, "\n  warning: {warning}")?;
        }
        if let Some(compatibility) = &self.compatibility {
            write!(f, "\n{compatibility}")?;
        }
        if !asks.needs_grant.is_empty() {
            write!(f, "\nneeds the operator's grant: {}", asks.needs_grant.join(", "))?;
        }
        Ok(())
    }
}
