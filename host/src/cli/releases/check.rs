//! `switchyard check`: judges a component against a contract and calls its functions, as a deploy would, without a host.

#[cfg(test)]
mod tests;
mod trial;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use self::trial::Trial;
use super::contracts;
use crate::cli::arguments::Check;
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::config::{Flags, Manifest};
use crate::contract::{Contracts, OutboundHttp, Verdict, VerdictProblem, World, judge_http};
use crate::release::{FunctionCheck, StartCheck};

/// The name for a component that handles HTTP itself.
const HTTP: &str = "wasi:http";

/// The verdict on the types, and the results of the calls.
#[derive(Debug, Serialize)]
struct Checked {
    #[serde(flatten)]
    verdict: Verdict,
    /// `None` if the types do not fit: then nothing is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Started>,
}

#[derive(Debug, Serialize)]
struct Started {
    detail: String,
    functions: Vec<FunctionCheck>,
    warnings: Vec<String>,
    problems: Vec<VerdictProblem>,
}

pub(in crate::cli) fn run(command: &Check) -> Outcome {
    let is_http = command.contract == HTTP || command.contract.starts_with(&format!("{HTTP}/"));
    let world = if is_http { None } else { Some(world(command)?) };
    let component = std::fs::read(&command.file).map_err(|error| {
        let what = format!("cannot read {}", command.file.display());
        Failure::new(Kind::Usage, anyhow::Error::new(error).context(what))
    })?;
    let outbound = if command.outbound_http { OutboundHttp::Granted } else { OutboundHttp::Refused };
    let verdict = match &world {
        Some((contracts, world)) => contracts.judge(world, &component, outbound),
        None => judge_http(&component),
    };
    let mut checked = Checked { verdict, start: None };
    if checked.verdict.accepted {
        let trial = Trial::new(&manifest(command)?, command.outbound_http)?;
        let start = match &world {
            Some((_, world)) => trial.contract(&component, world)?,
            None => trial.http(&component)?,
        };
        let StartCheck { detail, functions, warnings, problems } = start;
        checked.verdict.accepted = problems.is_empty();
        checked.start = Some(Started { detail, functions, warnings, problems });
    }
    report(&command.file, &checked, command.json)
}

fn report(file: &Path, checked: &Checked, as_json: bool) -> Outcome {
    let text = if as_json { json(checked)? } else { text(checked) };
    if checked.verdict.accepted {
        return Ok(text);
    }
    let detail = match &checked.start {
        None => format!("{} does not keep {}", file.display(), checked.verdict.world),
        Some(_) => format!("{} keeps {}, and does not run", file.display(), checked.verdict.world),
    };
    Err(Failure::text(Kind::Refused, detail).with_result(text))
}

fn text(checked: &Checked) -> String {
    let Checked { verdict, start } = checked;
    let Some(Started { detail, warnings, problems, .. }) = start else { return verdict.to_string() };
    let mut lines = match problems.is_empty() {
        true => vec![verdict.to_string()],
        false => vec![format!("refused: the component fits {}, and does not run", verdict.world)],
    };
    lines.push(format!("  {detail}"));
    for VerdictProblem { path, expected, found, detail } in problems {
        lines.push(format!("  {path}\n    expected: {expected}\n    found:    {found}"));
        lines.extend(Some(format!("    {detail}")).filter(|_| !detail.is_empty()));
    }
    lines.extend(warnings.iter().map(|warning| format!("  warning: {warning}")));
    lines.join("\n")
}

/// The contract, and all contracts of its folder.
fn world(command: &Check) -> Result<(Contracts, Arc<World>), Failure> {
    let wit = contracts::folder(command.wit.as_deref(), &command.manifest)?;
    contracts::world(&wit, &command.contract, Some(&format!("{HTTP}, for a component that handles HTTP itself")))
}

/// The manifest with the limits: the one in this folder, else the defaults.
fn manifest(command: &Check) -> Result<Manifest, Failure> {
    let path = &command.manifest.manifest;
    match path.try_exists() {
        Ok(true) => Ok(load(path, Flags::default())?.manifest),
        Ok(false) | Err(_) => crate::config::defaults().map_err(|error| Failure::new(Kind::Usage, error)),
    }
}

fn json(checked: &Checked) -> Result<String, Failure> {
    serde_json::to_string_pretty(checked).map_err(|error| Failure::new(Kind::Refused, error))
}
