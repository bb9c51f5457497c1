//! `switchyard deploy`: gives one service a new release, or several services in one swap.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::component::Component;
use super::handover::{self, HandoverWait};
use super::trial;
use crate::cli::arguments::{Assignment, Deploy, Percent, Period, TrialWait};
use crate::cli::client::documents::{DeployAnswer, DeploySetAnswer, Verdict};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::{summary, verdict};

/// How long the command waits for a handover by default.
const HANDOVER_WAIT: Duration = Duration::from_secs(600);

const ONE_OR_SET: &str = "name a service and its component, or several with --set SERVICE=FILE";

pub(in crate::cli) fn run(target: &Target, command: &Deploy) -> Outcome {
    match (&command.service, &command.file) {
        (Some(service), Some(file)) => {
            rising(&command.steps)?;
            let component = Component::read(file, command.signature.as_deref())?;
            one(target, command, service, &component)
        }
        _ if command.set.is_empty() => Err(Failure::text(Kind::Usage, ONE_OR_SET)),
        _ => set(target, command),
    }
}

/// Checks that steps only rise.
fn rising(steps: &[Percent]) -> Result<(), Failure> {
    match steps.is_sorted_by(|one, next| one < next) {
        true => Ok(()),
        false => Err(Failure::text(Kind::Usage, "each step must be larger than the one before: --steps 1%,10%,50%")),
    }
}

fn one(target: &Target, command: &Deploy, service: &str, component: &Component) -> Outcome {
    let request = Request::post(&["services", service, "releases"])
        .query("weight", command.weight)
        .query("header", command.header.iter())
        .query("shadow", command.shadow)
        .query("steps", steps(&command.steps))
        .query("every", command.every)
        .query("reason", command.reason.iter())
        .query("grant", &command.grant)
        .after_intents(command.wait.after_intents)
        .flag("allowOldSignature", command.allow_old_signature)
        .flag("dataCompatible", command.data_compatible)
        .flag("answersMayDiffer", command.answers_may_differ)
        .flag("handover", command.handover)
        .flag("replace", command.replace)
        .flag("dryRun", command.dry_run)
        .component(component, format!("the host compiles and judges {}", component.name));
    let answer = request.send(target)?.judged(command.host.json)?;
    let deployed: DeployAnswer = answer.read()?;
    if !deployed.verdict.accepted {
        let result = if command.host.json { answer.text() } else { verdict::text(&deployed.verdict) };
        return Err(refused([service], component.digest.to_string()).with_result(result));
    }
    // With a header it waits for `switchyard promote`, and so this command waits for it only if asked.
    let waits = command.trial_wait.is_some() || command.header.is_none();
    if command.handover && waits && !command.dry_run && !deployed.unchanged {
        let wait = match command.trial_wait {
            Some(TrialWait(longest)) => HandoverWait { longest, late: Kind::TrialUndecided },
            None => {
                let longest = command.wait_handover.map_or(HANDOVER_WAIT, Period::duration);
                HandoverWait { longest: Some(longest), late: Kind::Refused }
            }
        };
        return handover::follow(target, service, &component.digest.to_string(), wait, command.host.json);
    }
    if let (Some(TrialWait(wait)), false) = (command.trial_wait, deployed.unchanged) {
        return trial::follow(target, service, &component.digest.to_string(), wait, command.host.json);
    }
    if command.host.json {
        return Ok(answer.text());
    }
    if command.dry_run {
        return Ok(format!("{}\n  nothing is deployed: this was a dry run", verdict::text(&deployed.verdict)));
    }
    Ok(deployed_text(target, service, &deployed))
}

fn steps(steps: &[Percent]) -> Option<String> {
    let steps: Vec<_> = steps.iter().map(Percent::to_string).collect();
    (!steps.is_empty()).then(|| steps.join(","))
}

/// Describes the finished deploy. It succeeded even if the host cannot report the state of the service afterwards.
fn deployed_text(target: &Target, service: &str, deployed: &DeployAnswer) -> String {
    let release = deployed.release.as_ref().map_or(deployed.verdict.digest.clone(), summary::named);
    let now = Request::get(&["services", service]).send(target).and_then(|answer| answer.accepted(false)?.read());
    let standing = match now {
        Ok(now) => summary::text(&now),
        Err(_) => format!("{service}: {release} is deployed"),
    };
    let mut lines = vec![standing];
    if deployed.unchanged {
        lines.push("  nothing changed: it was already live".into());
    }
    lines.extend(verdict::notes(&deployed.verdict));
    lines.join("\n")
}

fn refused<'a>(services: impl IntoIterator<Item = &'a str>, what: impl std::fmt::Display) -> Failure {
    let services: Vec<_> = services.into_iter().collect();
    let keep = if services.len() == 1 { "keeps its release" } else { "keep their releases" };
    Failure::text(Kind::Refused, format!("{what} is refused: {} {keep}", services.join(", ")))
}

/// Uploads all components, and swaps them together.
fn set(target: &Target, command: &Deploy) -> Outcome {
    let components = read(&command.set)?;
    for component in components.values() {
        let upload = Request::put(&["components"]).component(component, format!("the host keeps {}", component.name));
        upload.send(target)?.accepted(command.host.json)?;
    }
    let request = Request::post(&["releases"])
        .flag("allowOldSignature", command.allow_old_signature)
        .flag("dataCompatible", command.data_compatible)
        .flag("replace", command.replace)
        .flag("answersMayDiffer", command.answers_may_differ)
        .json(&order(&components, command));
    let answer = request.send(target)?.judged(command.host.json)?;
    let deployed: DeploySetAnswer = answer.read()?;
    if !answer.status.is_success() || deployed.verdicts.values().any(|verdict| !verdict.accepted) {
        let result = if command.host.json { answer.text() } else { all(&deployed.verdicts) };
        return Err(refused(components.keys().map(String::as_str), "the set").with_result(result));
    }
    Ok(if command.host.json { answer.text() } else { swapped(&deployed) })
}

fn read(set: &[Assignment]) -> Result<BTreeMap<String, Component>, Failure> {
    let mut components = BTreeMap::new();
    for Assignment { service, file } in set {
        if components.insert(service.clone(), Component::read(file, None)?).is_some() {
            return Err(Failure::text(Kind::Usage, format!("{service} is in the set twice")));
        }
    }
    Ok(components)
}

/// The body of the request that swaps `components`.
fn order(components: &BTreeMap<String, Component>, command: &Deploy) -> Value {
    let digests: Map<_, _> = components
        .iter()
        .map(|(service, component)| (service.clone(), json!({"digest": component.digest.to_string()})))
        .collect();
    let signed = |(service, component): (&String, &Component)| {
        component.signature.map(|signature| (service.clone(), signature.to_string().into()))
    };
    let signatures: Map<_, _> = components.iter().filter_map(signed).collect();
    let mut order = json!({"set": digests});
    let options = [
        ("reason", command.reason.clone().map(Value::from)),
        ("grants", (!command.grant.is_empty()).then(|| json!(command.grant))),
        ("signatures", (!signatures.is_empty()).then_some(Value::Object(signatures))),
    ];
    if let Some(order) = order.as_object_mut() {
        order.extend(options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    order
}

/// All verdicts, refusals first.
pub(in crate::cli) fn all(verdicts: &BTreeMap<String, Verdict>) -> String {
    let (accepted, refused): (Vec<_>, Vec<_>) = verdicts.values().partition(|verdict| verdict.accepted);
    refused.into_iter().chain(accepted).map(verdict::text).collect::<Vec<_>>().join("\n")
}

fn swapped(deployed: &DeploySetAnswer) -> String {
    let mut lines = Vec::new();
    for (service, release) in &deployed.releases {
        lines.push(format!("{service} runs {}", summary::named(release)));
        lines.extend(deployed.verdicts.get(service).into_iter().flat_map(verdict::notes));
        lines.push(format!("  the way back:  switchyard rollback {service}"));
    }
    lines.join("\n")
}
