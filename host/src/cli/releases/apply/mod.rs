//! `switchyard apply`: changes a running host to match the local manifest, components and contracts.

mod desired;
mod plan;
#[cfg(test)]
mod tests;

use super::component::Component;
use super::deploy::all;
use crate::cli::arguments::Apply;
use crate::cli::client::documents::Plan;
use crate::cli::client::http::Answer;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use desired::DesiredState;

/// Shows the plan and, if `confirm` returns yes, applies it.
pub(in crate::cli) fn run(
    target: &Target,
    command: &Apply,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
) -> Outcome {
    let wanted = DesiredState::read(&command.host.manifest.manifest)?;
    let (answer, plan) = ask(target, command, &wanted, true)?;
    if command.dry_run || plan.is_empty() {
        return Ok(if command.host.json { answer.text() } else { plan::text(&plan) });
    }
    confirm(&format!("{}\nApply this to {}?", plan::text(&plan), target.url))?;
    upload(target, command, &wanted, &plan.missing)?;
    let (answer, done) = ask(target, command, &wanted, false)?;
    match (done.applied, command.host.json) {
        (true, true) => Ok(answer.text()),
        (true, false) => Ok(format!("applied: {}", plan::text(&done))),
        (false, _) => {
            Err(Failure::text(Kind::Refused, "the host did not apply the plan").with_result(plan::text(&done)))
        }
    }
}

/// Asks the host for the plan, or to apply it.
///
/// # Errors
///
/// Also if a verdict refuses a component: then nothing is applied.
fn ask(target: &Target, command: &Apply, wanted: &DesiredState, dry_run: bool) -> Result<(Answer, Plan), Failure> {
    let request = Request::post(&["apply"]).flag("dryRun", dry_run).json(&wanted.order(command.reason.as_deref()));
    let answer = request.send(target)?.judged(command.host.json)?;
    let plan: Plan = answer.read()?;
    if answer.status.is_success() && plan.verdicts.values().all(|verdict| verdict.accepted) {
        return Ok((answer, plan));
    }
    let text = || format!("{}\n{}", plan::text(&plan), all(&plan.verdicts));
    let result = if command.host.json { answer.text() } else { text() };
    let refused: Vec<_> =
        plan.verdicts.iter().filter(|(_, verdict)| !verdict.accepted).map(|(name, _)| &**name).collect();
    let detail = format!("nothing is applied: the component of {} is refused", refused.join(", "));
    Err(Failure::text(Kind::Refused, detail).with_result(result))
}

/// Uploads the components that the host lacks, by their digests.
fn upload(target: &Target, command: &Apply, wanted: &DesiredState, missing: &[String]) -> Result<(), Failure> {
    for digest in missing {
        let Some(file) = wanted.file_of(digest) else {
            return Err(Failure::text(
                Kind::Refused,
                format!("the host asks for {digest}, which no component here is"),
            ));
        };
        let component = Component::read(file, None)?;
        if component.digest.to_string() != *digest {
            let detail = format!("{} changed while it was applied", file.display());
            return Err(Failure::text(Kind::Refused, detail).next("Nothing is applied. Try it again."));
        }
        let then = format!("the host stores {}", component.name);
        Request::put(&["components"]).component(&component, then).send(target)?.accepted(command.host.json)?;
    }
    Ok(())
}
