//! Rehearses proposed releases: the checks that need a run of the component, before anything changes.

use std::sync::Arc;

use std::time::Duration;

use super::super::mirror::{ProgramSide, trial};
use super::super::records::record::DataFormat;
use super::super::records::stored_data::{DataFit, format_text};
use super::isolated::{chain, isolated_run, millis, request_id};
use super::judge::Judged;
use super::judge_input::ServiceContext;
use super::verdict::{Check, Verdict};
use crate::call::LinkedComponent;
use crate::clock;
use crate::limits::HANDOVER_HOLD_MS_MAX;
use crate::runtime::{DataDescription, Failure, HttpFrame, HttpProgram, MigrateError, Program, SmokeFailure};
use crate::store::Transaction;

/// The longest time that a component may take to start and answer its smoke calls.
const START_WAIT_MAX: Duration = Duration::from_secs(5);

/// Lines of a failed component's output in the verdict: a panic prints its place and its reason in two lines.
const LAST_LINES: usize = 4;

/// What the operator wants of a rehearsal.
#[derive(Debug, Clone, Copy)]
pub(in crate::release) struct RehearsalPlan {
    /// Whether it runs beside the live release at first.
    pub(in crate::release) as_candidate: bool,
    /// Whether the operator vouches that it reads the data, whatever format it names.
    pub(in crate::release) data_compatible: bool,
    /// Whether the data is copied to it.
    pub(in crate::release) handover: bool,
}

/// Does the checks that need a run of the component: whether it starts, answers, and can use the existing data.
pub(in crate::release) async fn rehearse(judged: &mut Judged, context: &ServiceContext, plan: &RehearsalPlan) {
    let Some(release) = judged.release.clone() else { return };
    let began = clock::now();
    match &release.program {
        LinkedComponent::Contract(program) => {
            smoke(&mut judged.verdict, program).await;
            judged.verdict.timings.insert("startMs", millis(began));
            if judged.verdict.accepted {
                data(judged, context, program, plan).await;
            }
        }
        LinkedComponent::Http(program) => {
            start(&mut judged.verdict, program).await;
            judged.verdict.timings.insert("startMs", millis(began));
        }
    }
}

async fn smoke(verdict: &mut Verdict, program: &Arc<Program>) {
    match program.smoke(|| isolated_run(Transaction::scratch().only_reading(), START_WAIT_MAX)).await {
        Ok(report) => verdict.passed(Check::Start, format!("it starts; {} functions answered", report.answered.len())),
        Err(error) => {
            let (SmokeFailure::Start(failure) | SmokeFailure::Call { source: failure, .. }) = &error;
            verdict.refused(Check::Start, "a smoke call", "an answer", chain(&error), &last_words(failure));
        }
    }
}

/// Only the author of a mounted component knows the effects of a request: so the component is only started.
async fn start(verdict: &mut Verdict, program: &HttpProgram) {
    let frame = HttpFrame { request: request_id(), deadline: clock::now() + START_WAIT_MAX, instance: Arc::new(()) };
    match program.smoke(frame).await {
        Ok(()) => verdict.passed(Check::Start, "it starts"),
        Err(failure) => {
            let words = last_words(&failure);
            verdict.refused(Check::Start, "the component", "one that starts", chain(&failure), &words);
        }
    }
}

async fn data(judged: &mut Judged, context: &ServiceContext, program: &Arc<Program>, plan: &RehearsalPlan) {
    let verdict = &mut judged.verdict;
    let said = match program.describe_data(isolated_run(Transaction::scratch().only_reading(), START_WAIT_MAX)).await {
        Ok(said) => said,
        Err(error) => {
            return verdict.refused(Check::Data, "switchyard:service/migration", "what its data is", chain(&error), "");
        }
    };
    judged.record.data =
        DataFormat { format: said.format.clone(), writes: said.version.into(), reads_up_to: said.reads_up_to.into() };
    judged.data = said;
    let (there, data) = (&context.data, &judged.record.data);
    let (theirs, own) = (format_text(there.format.as_ref()), format_text(data.format.as_ref()));
    let vouched = if there.format == data.format { "" } else { "; the operator vouches for that" };
    judged.fit = there.fit(data, plan.data_compatible);
    if plan.handover {
        return handover(verdict, context, program, &own).await;
    }
    match judged.fit {
        DataFit::Empty => verdict.passed(Check::Data, format!("there is no data; it writes {own}")),
        DataFit::Same if there.format.is_none() && data.format.is_none() && !there.is_empty => {
            let nobody = "nobody vouches for the format: neither it nor the releases before it name one";
            verdict.passed(Check::Data, format!("{nobody}, and the data is of version {}", there.version));
        }
        DataFit::Same => {
            let same = format!("same: {own}, and the data is of version {}{vouched}", there.version);
            verdict.passed(Check::Data, same);
        }
        DataFit::Migrates => migration(verdict, context, program, &judged.data, plan.as_candidate).await,
        DataFit::OtherFormat if context.can_hand_over(program) => {
            let advice = "both implement the state interface of the contract: `--handover` copies the data";
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
}

/// Moves some entities of a snapshot to the component, and drops them.
async fn handover(verdict: &mut Verdict, context: &ServiceContext, program: &Arc<Program>, own: &str) {
    let live = context.live.as_ref().and_then(|live| live.release.program.contract());
    let (Some(live), Some(store)) = (live, &context.store) else {
        return verdict.refused(Check::Data, "the handover", "a service that runs", "a service that is new", "");
    };
    for (program, which) in [(live, "the live component"), (program, "the component")] {
        if program.state_interface().is_none() {
            let expected = format!("{which} exports the state interface of the contract");
            let advice = "only a component with the state interface can hand its data over, or take it over";
            return verdict.refused(Check::Data, which, &expected, "it does not", advice);
        }
    }
    let began = clock::now();
    let snapshot = store.begin_read().in_generation(context.data.generation);
    let (source, target) = (ProgramSide(Arc::clone(live)), ProgramSide(Arc::clone(program)));
    let tried = trial(&source, snapshot, &target).await;
    verdict.timings.insert("handoverTrialMs", millis(began));
    match tried {
        Ok(count) => {
            let bytes = store.bytes_of(context.data.generation);
            let plan = format!(
                "{bytes} bytes of data will be copied to {own}; new calls then wait {HANDOVER_HOLD_MS_MAX} ms at most"
            );
            verdict.passed(Check::Data, format!("handover: {count} entities moved on a snapshot; {plan}"));
        }
        Err(error) => {
            verdict.refused(Check::Data, "the handover", "one that passes on a snapshot", chain(&error), "");
        }
    }
}

/// Runs the component's migration on a snapshot, and discards the result.
async fn migration(
    verdict: &mut Verdict,
    context: &ServiceContext,
    program: &Arc<Program>,
    said: &DataDescription,
    as_candidate: bool,
) {
    let (oldest, version) = (context.data.oldest, said.version);
    if as_candidate {
        let (expected, found) = ("a candidate that changes no data", format!("a migration to version {version}"));
        return verdict.refused(Check::Data, "the data", expected, found, "swap it in full");
    }
    let began = clock::now();
    let wait = Duration::from_millis(said.pause_ms_max.into());
    let snapshot = match &context.store {
        Some(store) => store.begin().snapshot().and_then(|snapshot| snapshot.rehearse()),
        None => Some(Transaction::scratch()),
    };
    let migrated = match (u32::try_from(oldest), snapshot) {
        (Ok(from), Some(snapshot)) => {
            program.migrate(from, isolated_run(snapshot.in_generation(context.data.generation), wait)).await.result
        }
        _ => Err(MigrateError::NotExported),
    };
    verdict.timings.insert("migrationMs", millis(began));
    match migrated {
        Ok(()) => {
            let passes = format!("migrates: the migration from version {oldest} to {version} passes on a snapshot");
            let then = format!("a rollback then goes only to a release that reads version {version}, unless forced");
            verdict.passed(Check::Data, format!("{passes}; {then}"));
        }
        Err(error) => {
            verdict.refused(Check::Data, "the migration", "one that passes on a snapshot", chain(&error), "");
        }
    }
}

/// The last lines that a component printed before it failed.
fn last_words(failure: &Failure) -> String {
    let (Failure::Trap { log_tail, .. } | Failure::Memory { log_tail, .. }) = failure else { return String::new() };
    let lines: Vec<_> = log_tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
    if last.is_empty() { String::new() } else { format!("it printed: {}", last.join(" · ")) }
}
