//! Rehearses proposed releases: the checks that need a run of the component, before anything changes.

use std::sync::Arc;

use std::time::Duration;

use super::super::records::record::DataVersions;
use super::isolated::{chain, isolated_run, millis, request_id};
use super::judge::Judged;
use super::judge_input::ServiceContext;
use super::verdict::{Check, Verdict};
use crate::call::LinkedComponent;
use crate::clock;
use crate::runtime::{DataVersion, Failure, HttpFrame, HttpProgram, MigrateError, Program, SmokeFailure};
use crate::store::Transaction;

/// The longest time that a component may take to start and answer its smoke calls.
const START_WAIT_MAX: Duration = Duration::from_secs(5);

/// Lines of a failed component's output in the verdict: a panic prints its place and its reason in two lines.
const LAST_LINES: usize = 4;

/// Does the checks that need a run of the component: whether it starts, answers, and can use the existing data.
pub(in crate::release) async fn rehearse(judged: &mut Judged, context: &ServiceContext, as_candidate: bool) {
    let Some(release) = judged.release.clone() else { return };
    let began = clock::now();
    match &release.program {
        LinkedComponent::Contract(program) => {
            smoke(&mut judged.verdict, program).await;
            judged.verdict.timings.insert("startMs", millis(began));
            if judged.verdict.accepted {
                data(judged, context, program, as_candidate).await;
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

async fn data(judged: &mut Judged, context: &ServiceContext, program: &Arc<Program>, as_candidate: bool) {
    let verdict = &mut judged.verdict;
    let there = context.data_version();
    let said = match program.describe_data(isolated_run(Transaction::scratch().only_reading(), START_WAIT_MAX)).await {
        Ok(said) => said,
        Err(error) => {
            return verdict.refused(Check::Data, "switchyard:service/migration", "what its data is", chain(&error), "");
        }
    };
    judged.data = said;
    judged.record.data = DataVersions { writes: said.version.into(), reads_up_to: said.reads_up_to.into() };
    let oldest = context.oldest_data;
    if u64::from(said.version) > oldest && u64::from(said.reads_up_to) >= there {
        migration(verdict, context, program, said, as_candidate).await;
    } else if u64::from(said.reads_up_to) < there {
        let found = format!("a component that reads data up to version {}", said.reads_up_to);
        verdict.refused(Check::Data, "the data", &format!("one that reads version {there}"), found, "");
    } else {
        verdict.passed(Check::Data, format!("it reads version {there} of the data"));
    }
}

/// Runs the component's migration on a snapshot, and discards the result.
async fn migration(
    verdict: &mut Verdict,
    context: &ServiceContext,
    program: &Arc<Program>,
    said: DataVersion,
    as_candidate: bool,
) {
    let (oldest, version) = (context.oldest_data, said.version);
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
        (Ok(from), Some(snapshot)) => program.migrate(from, isolated_run(snapshot, wait)).await.result,
        _ => Err(MigrateError::NotExported),
    };
    verdict.timings.insert("migrationMs", millis(began));
    match migrated {
        Ok(()) => {
            let passes = format!("the migration from version {oldest} to {version} passes on a snapshot");
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
