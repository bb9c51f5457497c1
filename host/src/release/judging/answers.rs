//! The check `answers`: recent calls that only read run again on the live release and on the proposed one.
//!
//! A failure that the live release does not have is a reason to refuse, and so is a function that has lost all that the
//! live release answers. Other differences are warnings. No text contains an argument or an answer.

use std::sync::Arc;

use super::isolated::request_id;
use super::judge_input::{JudgeInput, ServiceContext};
use super::verdict::{Check, Verdict};
use crate::call::{Rehearsal, RehearsalReport, RehearsedFunction, RoutingTable, Side};
use crate::contract::VerdictProblem;
use crate::runtime::Program;
use crate::store::Transaction;

/// The data that each of two releases reads, of one snapshot.
pub(super) struct BothData {
    pub(super) live: Transaction,
    pub(super) proposed: Transaction,
}

impl BothData {
    /// The data of a service that has none.
    pub(super) fn scratch() -> Self {
        Self { live: Transaction::scratch(), proposed: Transaction::scratch() }
    }
}

pub(super) async fn answers(
    verdict: &mut Verdict,
    input: &JudgeInput,
    context: &ServiceContext,
    program: &Arc<Program>,
    data: BothData,
    may_differ: bool,
) {
    let Some(backend) = context.live.as_ref().map(|live| &live.backend) else { return };
    let Some(live) = backend.release.program.contract() else { return };
    let backends = input.around.values().map(|live| live.backend.clone());
    let table = match RoutingTable::new(backends, &[]) {
        Ok(table) => Arc::new(table),
        Err(error) => {
            // A removed service is missing; the check of compatibility has said so.
            verdict.warnings.push(format!("recent calls were not repeated: {error}"));
            return;
        }
    };
    let rehearsal = Rehearsal {
        service: &backend.service,
        live: Side::new(live, data.live),
        proposed: Side::new(program, data.proposed),
        table,
        request: request_id(),
    };
    let report = rehearsal.run().await;
    judge(verdict, &report, may_differ);
    verdict.rehearsal = Some(report);
}

fn judge(verdict: &mut Verdict, report: &RehearsalReport, may_differ: bool) {
    let mut problems = Vec::new();
    for function in &report.functions {
        verdict.warnings.extend(differences(function));
        problems.extend(failed(function));
        if function.is_lost() && function.failed == 0 && !may_differ {
            problems.push(lost(function));
        }
    }
    let detail = summary(report);
    if problems.is_empty() {
        verdict.passed(Check::Answers, detail);
    } else {
        verdict.failed(Check::Answers, detail, problems);
    }
}

fn differences(function: &RehearsedFunction) -> Vec<String> {
    let of = function.compared;
    let mut lines: Vec<_> = function
        .differences
        .iter()
        .map(|different| {
            let path = if different.path.is_empty() { "the answer" } else { &different.path };
            format!("{}: {path} differs in {} of {of} calls", function.function, different.calls)
        })
        .collect();
    let not_compared = function.not_compared.iter();
    lines.extend(not_compared.map(|reason| format!("{}: some calls were not compared: {reason}", function.function)));
    lines
}

fn failed(function: &RehearsedFunction) -> Option<VerdictProblem> {
    let failure = function.failure?;
    Some(VerdictProblem {
        path: format!("recent calls of {}", function.function),
        expected: "an answer, as the live release gives one".into(),
        found: format!("a {failure}"),
        detail: "the log has the failure of the component; arguments of calls are not shown".into(),
    })
}

fn lost(function: &RehearsedFunction) -> VerdictProblem {
    let calls = function.lost;
    VerdictProblem {
        path: format!("recent calls of {}", function.function),
        expected: "something, as the live release answers".into(),
        found: format!("nothing, an error or fewer entities in all {calls} calls: it does not read the data"),
        detail: "if the answers are meant to differ, deploy it with `--answers-may-differ`".into(),
    }
}

fn summary(report: &RehearsalReport) -> String {
    let compared = report.compared();
    if compared == 0 && report.functions.iter().all(|function| function.failed == 0) {
        return "there are no recent calls to compare".into();
    }
    let of = |count: fn(&RehearsedFunction) -> u32| report.functions.iter().map(count).sum::<u32>();
    let (equal, failed) = (of(|function| function.equal), of(|function| function.failed));
    let functions = report.functions.iter().filter(|function| function.compared + function.failed > 0);
    let names: Vec<_> = functions.map(|function| function.function.as_str()).collect();
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let equal =
        if equal == compared { "all with the same answer".into() } else { format!("{equal} with the same answer") };
    format!("{compared} recent calls compared, {equal}{failed} ({})", names.join(", "))
}

#[cfg(test)]
mod tests;
