//! `switchyard apply`, `add` and `remove`: change a running host, or one service of it, to match the local manifest,
//! components and contracts.

mod desired;
mod plan;
#[cfg(test)]
mod tests;

use super::component::Component;
use super::deploy::all;
use crate::cli::arguments::{Apply, Host, OneService};
use crate::cli::client::documents::Plan;
use crate::cli::client::http::Answer;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use desired::DesiredState;

/// A change of the host to what local files say.
struct Change<'a> {
    target: &'a Target,
    host: &'a Host,
    dry_run: bool,
    request: &'a dyn Fn() -> Request,
    /// The local files; a removal has none.
    wanted: Option<&'a DesiredState>,
}

/// Shows the plan and, if `confirm` returns yes, applies it.
pub(in crate::cli) fn run(
    target: &Target,
    command: &Apply,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
) -> Outcome {
    let wanted = DesiredState::read(&command.host.manifest.manifest)?;
    let order = wanted.order(command.reason.as_deref());
    let request = || Request::post(&["apply"]).flag("resetReleases", command.reset_releases).json(&order);
    let wanted = Some(&wanted);
    Change { target, host: &command.host, dry_run: command.dry_run, request: &request, wanted }.run(confirm)
}

/// Adds one service of the local manifest, or changes it.
pub(in crate::cli) fn add(
    target: &Target,
    command: &OneService,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
) -> Outcome {
    let wanted = DesiredState::read_one(&command.host.manifest.manifest, &command.service)?;
    let order = wanted.order_of(&command.service, command.reason.as_deref());
    let request = || Request::put(&["services", &command.service]).json(&order);
    let wanted = Some(&wanted);
    Change { target, host: &command.host, dry_run: command.dry_run, request: &request, wanted }.run(confirm)
}

/// Removes one service.
pub(in crate::cli) fn remove(
    target: &Target,
    command: &OneService,
    confirm: impl FnOnce(&str) -> Result<(), Failure>,
) -> Outcome {
    let request = || Request::delete(&["services", &command.service]).query("reason", command.reason.iter());
    Change { target, host: &command.host, dry_run: command.dry_run, request: &request, wanted: None }.run(confirm)
}

impl Change<'_> {
    fn run(&self, confirm: impl FnOnce(&str) -> Result<(), Failure>) -> Outcome {
        let (mut answer, mut plan) = self.ask(true)?;
        // The host judges only what it has, so that also a dry run uploads. The host forgets it after an hour.
        if !plan.missing.is_empty() {
            self.upload(&plan.missing)?;
            (answer, plan) = self.ask(true)?;
        }
        if self.dry_run || plan.is_empty() {
            return Ok(if self.host.json { answer.text() } else { plan::judged(&plan) });
        }
        confirm(&format!("{}\nApply this to {}?", plan::text(&plan), self.target.url))?;
        let (answer, done) = self.ask(false)?;
        match (done.applied, self.host.json) {
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
    fn ask(&self, dry_run: bool) -> Result<(Answer, Plan), Failure> {
        let answer = (self.request)().flag("dryRun", dry_run).send(self.target)?.judged(self.host.json)?;
        let plan: Plan = answer.read()?;
        if answer.status.is_success() && plan.verdicts.values().all(|verdict| verdict.accepted) {
            return Ok((answer, plan));
        }
        let text = || format!("{}\n{}", plan::text(&plan), all(&plan.verdicts));
        let result = if self.host.json { answer.text() } else { text() };
        let refused: Vec<_> =
            plan.verdicts.iter().filter(|(_, verdict)| !verdict.accepted).map(|(name, _)| &**name).collect();
        let detail = format!("nothing is applied: the component of {} is refused", refused.join(", "));
        Err(Failure::text(Kind::Refused, detail).with_result(result))
    }

    /// Uploads the components that the host lacks, by their digests.
    fn upload(&self, missing: &[String]) -> Result<(), Failure> {
        for digest in missing {
            let Some(file) = self.wanted.and_then(|wanted| wanted.file_of(digest)) else {
                let detail = format!("the host asks for {digest}, which no component here is");
                return Err(Failure::text(Kind::Refused, detail));
            };
            let component = Component::read(file, None)?;
            if component.digest.to_string() != *digest {
                let detail = format!("{} changed while it was applied", file.display());
                return Err(Failure::text(Kind::Refused, detail).next("Nothing is applied. Try it again."));
            }
            let then = format!("the host stores {}", component.name);
            let upload = Request::put(&["components"]).component(&component, then);
            upload.send(self.target)?.accepted(self.host.json)?;
        }
        Ok(())
    }
}
