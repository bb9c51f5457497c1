//! Rehearses proposed releases: the checks that need a run of the component, before anything changes.

use std::sync::Arc;

use std::time::Duration;

use super::super::mirror::{ProgramSide, Trial, trial};
use super::super::records::record::DataFormat;
use super::super::records::stored_data::{DataFit, format_text};
use super::answers::{BothData, answers};
use super::isolated::{isolated_run, millis};
use super::judge::Judged;
use super::judge_input::{JudgeInput, ServiceContext};
use super::start::smoke;
use super::start_http::smoke_http;
use super::verdict::{Check, Verdict};
use crate::call::LinkedComponent;
use crate::clock;
use crate::limits::HANDOVER_HOLD_MS_MAX;
use crate::observe::error_chain;
use crate::runtime::{DataDescription, MigrateError, Migrated, Program};
use crate::store::Transaction;

/// The longest time that a component may take to say what its data is.
const DESCRIBE_WAIT_MAX: Duration = Duration::from_secs(5);

/// What the operator wants of a rehearsal.
#[derive(Debug, Clone, Copy)]
pub(in crate::release) struct RehearsalPlan {
    /// Whether it runs beside the live release at first.
    pub(in crate::release) as_candidate: bool,
    /// Whether the operator vouches that it reads the data, whatever format it names.
    pub(in crate::release) data_compatible: bool,
    /// Whether the data is copied to it.
    pub(in crate::release) handover: bool,
    /// How many calls it must then repeat on the copy before it becomes live; `None` without a shadow.
    pub(in crate::release) shadow_calls_min: Option<u64>,
    /// Whether the operator wants it although it has lost what the live release answers.
    pub(in crate::release) answers_may_differ: bool,
}

/// Does the checks that need a run of the component: whether it starts, answers, and can use the existing data.
pub(in crate::release) async fn rehearse(
    judged: &mut Judged,
    input: &JudgeInput,
    context: &ServiceContext,
    plan: &RehearsalPlan,
) {
    let Some(release) = judged.release.clone() else { return };
    let began = clock::now();
    match &release.program {
        LinkedComponent::Contract(program) => {
            smoke(&mut judged.verdict, program, context).await;
            judged.verdict.timings.insert("startMs", millis(began));
            if !judged.verdict.accepted {
                return;
            }
            let both = data(judged, context, program, plan).await;
            if let Some(both) = both.filter(|_| judged.verdict.accepted) {
                let began = clock::now();
                answers(&mut judged.verdict, input, context, program, both, plan.answers_may_differ).await;
                judged.verdict.timings.insert("answersMs", millis(began));
            }
        }
        LinkedComponent::Http(program) => {
            smoke_http(&mut judged.verdict, program, context).await;
            judged.verdict.timings.insert("startMs", millis(began));
        }
    }
}

/// Returns what the live release and the component would read, if the component can be compared with it.
async fn data(
    judged: &mut Judged,
    context: &ServiceContext,
    program: &Arc<Program>,
    plan: &RehearsalPlan,
) -> Option<BothData> {
    let verdict = &mut judged.verdict;
    let said = match program.describe_data(isolated_run(Transaction::scratch().only_reading(), DESCRIBE_WAIT_MAX)).await
    {
        Ok(said) => said,
        Err(error) => {
            verdict.refused(Check::Data, "switchyard:service/migration", "what its data is", error_chain(&error), "");
            return None;
        }
    };
    judged.record.data =
        DataFormat { format: said.format.clone(), writes: said.version.into(), reads_up_to: said.reads_up_to.into() };
    judged.data = said;
    let (there, data) = (&context.data, &judged.record.data);
    let (theirs, own) = (format_text(there.format.as_ref()), format_text(data.format.as_ref()));
    let is_vouched = plan.data_compatible && there.format != data.format;
    let vouched = if is_vouched { "; the operator vouches for that" } else { "" };
    judged.fit = there.fit(data, plan.data_compatible);
    if plan.handover {
        return handover(verdict, context, program, &own, plan.shadow_calls_min).await;
    }
    match judged.fit {
        DataFit::Empty => verdict.passed(Check::Data, format!("there is no data; it writes {own}")),
        DataFit::Same if there.format.is_none() && data.format.is_none() && !there.is_empty => {
            let nobody = "nobody vouches for the format: neither it nor the releases before it name one";
            verdict.passed(Check::Data, format!("{nobody}, and the data is of version {}", there.version));
            verdict.warnings.push(format!("{nobody}: whether it reads the data is only known from the calls below"));
            return same_data(context);
        }
        DataFit::Same if there.is_empty && there.format.is_none() && data.format.is_some() => {
            verdict.passed(Check::Data, format!("there is no data; it writes {own}"));
            return same_data(context);
        }
        DataFit::Same => {
            let same = format!("same: {own}, and the data is of version {}{vouched}", there.version);
            verdict.passed(Check::Data, same);
            return same_data(context);
        }
        DataFit::Migrates => {
            return migration(verdict, context, program, &judged.data, (plan.as_candidate, vouched)).await;
        }
        DataFit::OtherFormat if context.can_hand_over(program) => {
            let advice = match plan.as_candidate {
                false => "both implement the state interface of the contract: `--handover` copies the data",
                true => {
                    "it would write data of its own beside the live release, and two generations cannot both be written: \
                     `--handover` copies the data, with `--shadow` to compare answers first, and with `--header` for requests \
                     that only read"
                }
            };
            let expected = format!("a component that reads {theirs}");
            verdict.refused(Check::Data, "the data", &expected, format!("needs a handover: {own}"), advice);
        }
        DataFit::OtherFormat => {
            let advice = "a component with another format misreads the data; `--data-compatible` deploys it if you know \
                          that it reads this data";
            verdict.refused(Check::Data, "the data", &format!("a component that reads {theirs}"), own, advice);
        }
        DataFit::TooNew => {
            let found = format!("a component that reads data up to version {}", data.reads_up_to);
            verdict.refused(Check::Data, "the data", &format!("one that reads version {}", there.version), found, "");
        }
    }
    None
}

/// A snapshot of the live data for both releases.
fn same_data(context: &ServiceContext) -> Option<BothData> {
    let snapshot = context.store.as_ref()?.begin().in_generation(context.data.generation).snapshot()?;
    Some(BothData { live: snapshot.rehearse()?, proposed: snapshot.rehearse()? })
}

/// Moves some entities of a snapshot to the component, and drops them.
///
/// Returns the data of both, if all of it was moved.
async fn handover(
    verdict: &mut Verdict,
    context: &ServiceContext,
    program: &Arc<Program>,
    own: &str,
    shadow_calls_min: Option<u64>,
) -> Option<BothData> {
    let live = context.live.as_ref().and_then(|live| live.backend.release.program.contract());
    let (Some(live), Some(store), Some(data)) = (live, &context.store, same_data(context)) else {
        verdict.refused(Check::Data, "the handover", "a service that runs", "a service that is new", "");
        return None;
    };
    for (program, which) in [(live, "the live component"), (program, "the component")] {
        if program.state_interface().is_none() {
            let expected = format!("{which} exports the state interface of the contract");
            let advice = "only a component with the state interface can hand its data over, or take it over";
            verdict.refused(Check::Data, which, &expected, "it does not", advice);
            return None;
        }
    }
    let began = clock::now();
    let (source, target) = (ProgramSide(Arc::clone(live)), ProgramSide(Arc::clone(program)));
    let tried = trial(&source, data.proposed, &target).await;
    verdict.timings.insert("handoverTrialMs", millis(began));
    match tried {
        Ok(Trial { count, data: moved }) => {
            let bytes = store.bytes_of(context.data.generation);
            let plan = format!(
                "{bytes} bytes of data will be copied to {own}; new calls then wait {HANDOVER_HOLD_MS_MAX} ms at most"
            );
            let shadow = shadow_calls_min.map_or_else(String::new, |calls| {
                format!(
                    "; before that, it repeats calls on the copy, and {calls} answers must be equal to the live ones"
                )
            });
            verdict.passed(Check::Data, format!("handover: {count} entities moved on a snapshot; {plan}{shadow}"));
            moved.map(|proposed| BothData { live: data.live, proposed })
        }
        Err(error) => {
            verdict.refused(Check::Data, "the handover", "one that passes on a snapshot", error_chain(&error), "");
            None
        }
    }
}

/// Runs the component's migration on a snapshot, whose result is never committed. Returns the data before and after it.
async fn migration(
    verdict: &mut Verdict,
    context: &ServiceContext,
    program: &Arc<Program>,
    said: &DataDescription,
    (as_candidate, vouched): (bool, &str),
) -> Option<BothData> {
    let (oldest, version) = (context.data.oldest, said.version);
    if as_candidate {
        let (expected, found) = ("a candidate that changes no data", format!("a migration to version {version}"));
        verdict.refused(Check::Data, "the data", expected, found, "swap it in full");
        return None;
    }
    let began = clock::now();
    let wait = Duration::from_millis(said.pause_ms_max.into());
    let data = same_data(context).unwrap_or_else(BothData::scratch);
    let migrated = match u32::try_from(oldest) {
        Ok(from) => program.migrate(from, isolated_run(data.proposed, wait)).await,
        Err(_) => Migrated { result: Err(MigrateError::NotExported), transaction: data.proposed },
    };
    verdict.timings.insert("migrationMs", millis(began));
    match migrated.result {
        Ok(()) => {
            let passes = format!("migrates: the migration from version {oldest} to {version} passes on a snapshot");
            let then = format!("a rollback then goes only to a release that reads version {version}, unless forced");
            verdict.passed(Check::Data, format!("{passes}{vouched}; {then}"));
            Some(BothData { live: data.live, proposed: migrated.transaction })
        }
        Err(error) => {
            verdict.refused(Check::Data, "the migration", "one that passes on a snapshot", error_chain(&error), "");
            None
        }
    }
}
