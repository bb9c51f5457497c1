//! The check `start` for a component that handles HTTP itself: whether it starts, and answers a scratch request.
//!
//! The request runs on an empty store, its writes are discarded, and nothing leaves the host. Any response is an answer.

use std::sync::Arc;

use hyper::Uri;

use super::isolated::isolated_run;
use super::judge_input::ServiceContext;
use super::start::{StartCheck, call_max, last_words};
use super::verdict::{Check, Verdict};
use crate::contract::VerdictProblem;
use crate::names::Generation;
use crate::observe::error_chain;
use crate::runtime::{Failure, HttpFrame, HttpProgram, HttpSmoke, IsolatedFrame};
use crate::store::Transaction;

/// Sends `GET path` to `program`, which may take `deadline_ms`. A failure that `live` has too is only a warning.
pub async fn check_start_http(
    program: &Arc<HttpProgram>,
    live: Option<&Arc<HttpProgram>>,
    path: &str,
    deadline_ms: u64,
) -> StartCheck {
    let mut check = StartCheck::default();
    let failure = match scratch_request(program, path, deadline_ms).await {
        HttpSmoke::Answered(status) => {
            check.detail = format!("it starts; a request of `GET {path}` was answered with {status}");
            return check;
        }
        HttpSmoke::ReachedOut => {
            check.detail =
                format!("a request of `GET {path}` ended where it sends one to another host, which is denied");
            return check;
        }
        HttpSmoke::Failed(failure) => failure,
    };
    check.detail = format!("the component does not answer a request of `GET {path}`: {}", error_chain(&failure));
    if failure.is_of_host() {
        check.warnings.push(check.detail.clone());
        return check;
    }
    if let Some(live) = live
        && let HttpSmoke::Failed(theirs) = scratch_request(live, path, deadline_ms).await
        && theirs.cause() == failure.cause()
    {
        let cause = failure.cause();
        check.warnings.push(format!("`GET {path}` fails with a {cause}, as it does in the live release"));
        return check;
    }
    check.problems.push(VerdictProblem {
        path: format!("GET {path}"),
        expected: "a response, with any status".into(),
        found: check.detail.clone(),
        detail: last_words(&failure),
    });
    check
}

/// Checks a component for a mounted service.
pub(super) async fn smoke_http(verdict: &mut Verdict, program: &Arc<HttpProgram>, context: &ServiceContext) {
    let live = context.live.as_ref().and_then(|live| live.backend.release.program.http());
    let prefix = context.settings.mount.as_deref().unwrap_or_default().trim_end_matches('/');
    let path = if context.settings.strip_prefix || prefix.is_empty() { "/" } else { prefix };
    let StartCheck { detail, warnings, problems, .. } =
        check_start_http(program, live, path, context.limits.deadline_ms).await;
    verdict.warnings.extend(warnings);
    match problems.is_empty() {
        true => verdict.passed(Check::Start, detail),
        false => verdict.failed(Check::Start, detail, problems),
    }
}

async fn scratch_request(program: &Arc<HttpProgram>, path: &str, deadline_ms: u64) -> HttpSmoke {
    let IsolatedFrame { transaction, seed, time_unix_micros, deadline, request } =
        isolated_run(Transaction::scratch(), call_max(deadline_ms));
    let frame = HttpFrame {
        request,
        deadline,
        stream_deadline: deadline,
        instance: Arc::new(()),
        transaction,
        generation: Generation::First,
        identity: None,
        only_reads: false,
        seed,
        time_unix_micros,
    };
    match Uri::builder().scheme("http").authority("localhost").path_and_query(path).build() {
        Ok(uri) => program.smoke(uri, frame).await,
        Err(error) => HttpSmoke::Failed(Failure::Trap {
            message: format!("{path} is not a path of a request: {error}"),
            backtrace: String::new(),
            log_tail: String::new(),
        }),
    }
}
