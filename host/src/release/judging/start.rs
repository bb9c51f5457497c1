//! The check `start`: whether a component starts, and whether its functions answer.
//!
//! A trap in a call with valid arguments is a fault of the component, and a refusal is an answer. A component with a
//! faulty function is refused, unless the live release has the same fault.

use std::sync::Arc;
use std::time::Duration;

use super::isolated::isolated_run;
use super::judge_input::ServiceContext;
use super::verdict::{Answering, Check, FunctionCheck, Verdict};
use crate::clock;
use crate::contract::VerdictProblem;
use crate::limits::{REHEARSED_CALL_MS_MAX, SCRATCH_CALLS_MS_MAX};
use crate::observe::error_chain;
use crate::runtime::{Failure, IsolatedFrame, Program, SmokedFunction};
use crate::store::Transaction;

/// Lines of a failed component's output in the verdict: a panic prints its place and its reason in two lines.
const LAST_LINES: usize = 4;

/// The time of one call.
pub(super) fn call_max(deadline_ms: u64) -> Duration {
    Duration::from_millis(deadline_ms.min(REHEARSED_CALL_MS_MAX))
}

/// How a component starts and answers.
#[derive(Debug, Default)]
pub struct StartCheck {
    /// The finding, for people.
    pub detail: String,
    pub functions: Vec<FunctionCheck>,
    pub warnings: Vec<String>,
    /// Why it must not go live.
    pub problems: Vec<VerdictProblem>,
}

/// Starts `program` and calls all functions of its contract with generated arguments, on empty stores. A fault that
/// `live` has too is only a warning. A call may take `deadline_ms`.
pub async fn check_start(program: &Arc<Program>, live: Option<&Arc<Program>>, deadline_ms: u64) -> StartCheck {
    let wait = call_max(deadline_ms);
    let mut frame = || isolated_run(Transaction::scratch(), wait);
    let until = clock::now() + Duration::from_millis(SCRATCH_CALLS_MS_MAX);
    let mut check = StartCheck::default();
    let report = match program.smoke(&mut frame, until).await {
        Ok(report) => report,
        Err(failure) => {
            let (path, expected) = ("the component".into(), "one that starts".into());
            let found = format!("the component does not start: {}", error_chain(&failure));
            check.detail.clone_from(&found);
            check.problems.push(VerdictProblem { path, expected, found, detail: last_words(&failure) });
            return check;
        }
    };
    for smoked in &report.functions {
        let theirs = match live {
            Some(live) if smoked.failed > 0 => smoke_live(live, smoked, &mut frame).await,
            _ => None,
        };
        check.functions.push(checked(smoked));
        check.warnings.extend(warning(smoked, theirs.as_ref()));
        if smoked.is_faulty() && !theirs.is_some_and(|theirs| is_alike(smoked, &theirs)) {
            check.problems.extend(problem(smoked));
        }
    }
    check.detail = format!("it starts; {}", counted(&check.functions));
    check
}

/// Checks a component with a contract.
pub(super) async fn smoke(verdict: &mut Verdict, program: &Arc<Program>, context: &ServiceContext) {
    let live = context.live.as_ref().and_then(|live| live.backend.release.program.contract());
    let StartCheck { detail, functions, warnings, problems } =
        check_start(program, live, context.limits.deadline_ms).await;
    verdict.functions = functions;
    verdict.warnings.extend(warnings);
    match problems.is_empty() {
        true => verdict.passed(Check::Start, detail),
        false => verdict.failed(Check::Start, detail, problems),
    }
}

/// The same calls of the live release, if it has the function.
async fn smoke_live(
    live: &Arc<Program>,
    smoked: &SmokedFunction,
    frame: &mut (dyn FnMut() -> IsolatedFrame + Send),
) -> Option<SmokedFunction> {
    let function = &smoked.function;
    let same = |own: &&Arc<crate::contract::Function>| own.interface == function.interface && own.name == function.name;
    let own = Arc::clone(live.exported_functions().into_iter().find(same)?);
    Some(live.smoke_function(&own, frame).await)
}

/// Whether the live release fails in the same way, and not less often.
fn is_alike(smoked: &SmokedFunction, live: &SmokedFunction) -> bool {
    let cause = |smoked: &SmokedFunction| smoked.failure.as_ref().map(Failure::cause);
    live.failed >= smoked.failed && live.is_faulty() == smoked.is_faulty() && cause(live) == cause(smoked)
}

fn checked(smoked: &SmokedFunction) -> FunctionCheck {
    let calls = smoked.answered + smoked.called_others + smoked.failed;
    let (result, detail) = match (&smoked.failure, &smoked.not_called) {
        (Some(failure), _) => {
            (Answering::Failed, format!("{} of {calls} calls failed: {}", smoked.failed, failure.cause()))
        }
        (None, Some(reason)) if calls == 0 => (Answering::NotCalled, reason.clone()),
        (None, _) if smoked.answered > 0 => (Answering::Answered, format!("{} calls answered", smoked.answered)),
        (None, _) => {
            (Answering::CalledOthers, "it calls another service or emits an event, where its call ended".into())
        }
    };
    FunctionCheck { function: smoked.function.name.wit.to_string(), result, detail }
}

fn warning(smoked: &SmokedFunction, live: Option<&SmokedFunction>) -> Option<String> {
    let function = &smoked.function.name.wit;
    if smoked.repeats_ids {
        return Some(format!(
            "{function}: two calls with different random numbers gave the same id: the toolchain has fixed them at the \
             build; take ids from `new-id` of `switchyard:service/call`"
        ));
    }
    let failure = smoked.failure.as_ref()?;
    let is_alike = live.is_some_and(|live| is_alike(smoked, live));
    if smoked.is_faulty() {
        // Otherwise it is a problem.
        return is_alike
            .then(|| format!("{function}: it fails with a {}, as it does in the live release", failure.cause()));
    }
    if is_alike {
        return None;
    }
    let calls = smoked.answered + smoked.called_others + smoked.failed;
    Some(format!(
        "{function}: {} of {calls} calls with generated arguments end with a {}",
        smoked.failed,
        failure.cause()
    ))
}

fn problem(smoked: &SmokedFunction) -> Option<VerdictProblem> {
    let failure = smoked.failure.as_ref()?;
    let path = format!("{}#{}", smoked.function.interface, smoked.function.name.wit);
    let found = format!("the component does not answer a call of {path}: {}", error_chain(failure));
    let expected = "an answer, which may be an error of the contract".into();
    Some(VerdictProblem { path, expected, found, detail: last_words(failure) })
}

/// How many functions of which kind there are. It names those that did not answer.
fn counted(functions: &[FunctionCheck]) -> String {
    let of = |result| functions.iter().filter(move |function| function.result == result);
    let mut parts = vec![format!("{} functions answered", of(Answering::Answered).count())];
    let mut listed = |result, what: &str, with_detail: bool| {
        let named = of(result).map(|FunctionCheck { function, detail, .. }| match with_detail {
            true => format!("{function}: {detail}"),
            false => function.clone(),
        });
        let named: Vec<_> = named.collect();
        if !named.is_empty() {
            parts.push(format!("{what} ({})", named.join("; ")));
        }
    };
    listed(Answering::CalledOthers, "calls of others end where they call another service", false);
    listed(Answering::Failed, "some failed", true);
    listed(Answering::NotCalled, "some were not called", true);
    parts.join("; ")
}

/// The last lines that a component printed before it failed.
pub(super) fn last_words(failure: &Failure) -> String {
    let (Failure::Trap { log_tail, .. } | Failure::Memory { log_tail, .. }) = failure else { return String::new() };
    let lines: Vec<_> = log_tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
    if last.is_empty() { String::new() } else { format!("it printed: {}", last.join(" · ")) }
}
