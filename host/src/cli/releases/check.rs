//! `switchyard check`: judges a component against a contract, as a deploy would, without a host.

use std::path::PathBuf;

use crate::cli::arguments::Check;
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::config::Flags;
use crate::contract::{ContractError, Contracts, OutboundHttp, Verdict, judge_http};

/// The contract of a component that speaks HTTP itself, with or without a version.
const HTTP: &str = "wasi:http";

pub(in crate::cli) fn run(command: &Check) -> Outcome {
    let component = std::fs::read(&command.file).map_err(|error| {
        let what = format!("cannot read {}", command.file.display());
        Failure::new(Kind::Usage, anyhow::Error::new(error).context(what))
    })?;
    let outbound = if command.outbound_http { OutboundHttp::Granted } else { OutboundHttp::Refused };
    let is_http = command.contract == HTTP || command.contract.starts_with(&format!("{HTTP}/"));
    let verdict = match is_http {
        true => judge_http(&component, outbound),
        false => judge(command, &component, outbound)?,
    };
    let text = if command.json { json(&verdict)? } else { verdict.to_string() };
    if verdict.accepted {
        return Ok(text);
    }
    let detail = format!("{} does not keep {}", command.file.display(), verdict.world);
    Err(Failure::text(Kind::Refused, detail).with_result(text))
}

/// Judges the component by a contract of the folder.
fn judge(command: &Check, component: &[u8], outbound: OutboundHttp) -> Result<Verdict, Failure> {
    let wit = wit(command)?;
    let contracts = Contracts::read(&wit).map_err(|error| match error {
        ContractError::Read { .. } | ContractError::Empty { .. } => {
            Failure::new(Kind::Usage, error).next("Name the folder of the contracts with --wit FOLDER.")
        }
        mistakes => Failure::new(Kind::Usage, mistakes),
    })?;
    let Some(world) = contracts.world(&command.contract) else {
        let known: Vec<_> = contracts.worlds().map(|world| format!("  {}", world.name)).collect();
        let detail = format!("no contract in {} is named {}", wit.display(), command.contract);
        let next = format!("There are:\n{}\n  {HTTP}, for a component that speaks HTTP itself", known.join("\n"));
        return Err(Failure::text(Kind::Usage, detail).next(next));
    };
    Ok(contracts.judge(&world, component, outbound))
}

/// The folder of the contracts: from the flag, else from the manifest, else `wit`.
fn wit(command: &Check) -> Result<PathBuf, Failure> {
    let manifest = &command.manifest.manifest;
    match (&command.wit, manifest.try_exists()) {
        (Some(wit), _) => Ok(wit.clone()),
        (None, Ok(true)) => Ok(load(manifest, Flags::default())?.manifest.host.wit),
        (None, Ok(false) | Err(_)) => Ok(PathBuf::from("wit")),
    }
}

fn json(verdict: &Verdict) -> Result<String, Failure> {
    serde_json::to_string_pretty(verdict).map_err(|error| Failure::new(Kind::Refused, error))
}

#[cfg(test)]
mod tests;
