//! A verdict that a person can act on: every check, every problem with the expected and the found item, and the next
//! step.

#[cfg(test)]
mod tests;

use super::format::{counted, short};
use super::print;
use crate::cli::client::documents::{Break, Check, Compatibility, Problem, Verdict};

/// The verdict in full.
pub(in crate::cli) fn text(verdict: &Verdict) -> String {
    let Verdict { service, digest, world, .. } = verdict;
    let mut lines = vec![match verdict.accepted {
        true => format!("accepted: {} can replace the live release of {service} ({world})", short(digest)),
        false => format!("refused: {} cannot replace the live release of {service} ({world})", short(digest)),
    }];
    lines.extend(checks(&verdict.checks));
    lines.extend(verdict.problems.iter().flat_map(|problem| problem_lines("  ", problem)));
    lines.extend(more("  ", verdict.problems_more));
    lines.extend(warnings(verdict));
    lines.extend(verdict.compatibility.iter().flat_map(compatibility));
    lines.extend(asks(verdict));
    lines.extend(took(verdict));
    if !verdict.accepted {
        lines.push("what to do:".into());
        lines.extend(next(verdict));
    }
    lines.join("\n")
}

/// The further contents of an accepted verdict: notes of checks, compatibility, imports.
pub(in crate::cli) fn notes(verdict: &Verdict) -> Vec<String> {
    let noted = verdict.checks.iter().filter(|check| !check.detail.is_empty());
    let mut lines: Vec<_> = noted.map(|Check { name, detail, .. }| format!("  {name}: {detail}")).collect();
    lines.extend(warnings(verdict));
    lines.extend(
        verdict.compatibility.iter().filter(|compatibility| compatibility.bump != "none").flat_map(compatibility),
    );
    lines.extend(asks(verdict));
    lines
}

fn warnings(verdict: &Verdict) -> impl Iterator<Item = String> {
    verdict.warnings.iter().map(|warning| format!("  warning: {warning}"))
}

fn checks(checks: &[Check]) -> Vec<String> {
    let row = |Check { name, passed, detail }: &Check| {
        let outcome = if *passed { "  passed" } else { "  FAILED" };
        vec![outcome.to_owned(), name.clone(), detail.clone()]
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    print::table(&rows, |_| false).lines().map(str::to_owned).collect()
}

fn problem_lines(indent: &str, problem: &Problem) -> Vec<String> {
    let Problem { path, expected, found, detail } = problem;
    let mut lines = vec![format!("{indent}{path}")];
    let parts = [("expected: ", expected), ("found:    ", found), ("", detail)];
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    lines.extend(parts.map(|(label, text)| format!("{indent}  {label}{text}")));
    lines
}

fn more(indent: &str, count: u64) -> Option<String> {
    (count > 0).then(|| format!("{indent}and {} more", counted(count, "problem")))
}

fn compatibility(compatibility: &Compatibility) -> Vec<String> {
    let Compatibility { level, bump, breaks, added } = compatibility;
    let broken: Vec<_> = breaks.iter().map(|broken| broken.service.as_str()).collect();
    let level = match level.as_str() {
        "dropIn" => "drop-in: no other service notices the swap".into(),
        "compatible" => "with the live services, although the contract changes".into(),
        "breaking" => format!("breaking for {}", broken.join(", ")),
        other => other.to_owned(),
    };
    let version = if bump == "none" { String::new() } else { format!("; the contract deserves a {bump} version") };
    let mut lines = vec![format!("  compatible: {level}{version}")];
    for Break { service, problems, problems_more } in breaks {
        lines.push(format!("    {service}"));
        lines.extend(problems.iter().flat_map(|problem| problem_lines("      ", problem)));
        lines.extend(more("      ", *problems_more));
    }
    lines.extend(list("    new", added));
    lines
}

fn asks(verdict: &Verdict) -> Vec<String> {
    let asks = &verdict.asks;
    let lists = [("  asks more", &asks.more), ("  asks less", &asks.less), ("  needs a grant", &asks.needs_grant)];
    lists.into_iter().filter_map(|(label, names)| list(label, names)).collect()
}

fn list(label: &str, names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{label}: {}", names.join(", ")))
}

fn took(verdict: &Verdict) -> Option<String> {
    let part = |(name, millis): (&String, &f64)| format!("{} {millis:.1} ms", name.trim_end_matches("Ms"));
    let parts: Vec<_> = verdict.timings.iter().map(part).collect();
    (!parts.is_empty()).then(|| format!("  took: {}", parts.join(", ")))
}

/// The next step for each failed check.
fn next(verdict: &Verdict) -> Vec<String> {
    let failed = verdict.checks.iter().filter(|check| !check.passed);
    let mut lines: Vec<_> = failed.map(|check| format!("  - {}", advice(&check.name, verdict))).collect();
    if lines.is_empty() {
        lines.push("  - fix the problems listed above, and deploy it again".into());
    }
    lines
}

fn advice(check: &str, verdict: &Verdict) -> String {
    let Verdict { service, world, .. } = verdict;
    match check {
        "component" => "pass a component file: `wasm-tools component new` turns a core module into one".into(),
        "contract" if meant(verdict).is_some() => format!("did you mean {}?", meant(verdict).unwrap_or_default()),
        "contract" => {
            format!("make the component keep its contract: `switchyard check FILE --contract {world}` tries it")
        }
        "signature" => "sign it with a key that the manifest names: `switchyard sign FILE --key KEYFILE`".into(),
        "grants" => {
            "name each host that it may reach, such as --grant api.example.com, or build it with http disabled".into()
        }
        "compatibility" => format!(
            "deploy both sides as one: `switchyard deploy --set {service}=FILE {}`",
            neighbours(verdict).collect::<Vec<_>>().join(" ")
        ),
        "start" => "it does not start, or traps in calls that the contract allows: fix the error shown above".into(),
        "answers" => {
            "it does not answer what the live release answers: fix the functions listed above, and deploy it again"
                .into()
        }
        "migration" => "fix its `migrate`: the data is unchanged, and the live release still serves".into(),
        "data" if verdict.problems.iter().any(|problem| problem.found.starts_with("needs a handover")) => {
            format!("let the host copy the data to it: `switchyard deploy {service} FILE --handover`")
        }
        "data" => "deploy a component that can read the current data".into(),
        other => format!("see to what `{other}` says above"),
    }
}

/// The command for the service whose contract the component keeps instead, as the host says.
fn meant(verdict: &Verdict) -> Option<&str> {
    let detail = &verdict.checks.iter().find(|check| check.name == "contract")?.detail;
    Some(detail.split_once("did you mean ")?.1.trim_end_matches('?'))
}

fn neighbours(verdict: &Verdict) -> impl Iterator<Item = String> {
    let breaks = verdict.compatibility.iter().flat_map(|compatibility| &compatibility.breaks);
    breaks.map(|broken| format!("{}=FILE", broken.service))
}
