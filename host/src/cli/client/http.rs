//! The HTTP client of the operator API.

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::connection::send;
use super::target::Target;
use super::upload::Upload;
use crate::admin::API_HEADER;
use crate::cli::output::failure::{Failure, Kind, Outcome};

/// How long an answer may take: longer than any call's usual deadline.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(300);

/// Where a host has its operator API if its manifest does not say.
const ADMIN_URL_DEFAULT: &str = "http://127.0.0.1:8081";

/// Largest answer, in bytes: more than a service may answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The async runtime for the requests of one command.
pub(in crate::cli) fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(Kind::Refused, error))
}

/// Sends `request` to the operator API of `target` and returns its answer, which may be a refusal. The host may take
/// `additional_wait` longer than for other requests.
pub(super) async fn exchange(
    request: hyper::Request<Upload>,
    target: &Target,
    additional_wait: Duration,
) -> Result<Answer, Failure> {
    let answer = send(request, target, async |answer| {
        of_operator(target, &answer)?;
        whole(answer.status(), answer.into_body()).await
    });
    let answered = tokio::time::timeout(ANSWER_WAIT_MAX + additional_wait, answer).await;
    permitted(answered.unwrap_or_else(|_| Err(late(target, ANSWER_WAIT_MAX + additional_wait)))?)
}

/// Sends `request` and calls `take` with each line of the answer as it arrives. Returns the answer only if it is a
/// refusal.
pub(super) async fn follow(
    request: hyper::Request<Upload>,
    target: &Target,
    mut take: impl FnMut(&str) -> Result<(), Failure>,
) -> Result<Option<Answer>, Failure> {
    send(request, target, async |answer| {
        of_operator(target, &answer)?;
        let status = answer.status();
        if !status.is_success() {
            return permitted(whole(status, answer.into_body()).await?).map(Some);
        }
        lines(answer.into_body(), target, &mut take).await.map(|()| None)
    })
    .await
}

/// Checks that a refusal comes from an operator API. The public API of a host refuses the same paths.
fn of_operator(target: &Target, answer: &hyper::Response<Incoming>) -> Result<(), Failure> {
    if answer.status().is_success() || answer.headers().contains_key(API_HEADER) {
        return Ok(());
    }
    let status = answer.status().as_u16();
    let detail = format!("{} is not the operator API of a host: it answers {status}", target.url);
    Err(Failure::text(Kind::Unreachable, detail).next(format!(
        "Name the operator API with --admin URL: its address is `host.admin_listen` in the manifest, by default {ADMIN_URL_DEFAULT}."
    )))
}

/// Calls `take` with each line of `body` as it arrives.
async fn lines(
    mut body: Incoming,
    target: &Target,
    take: &mut impl FnMut(&str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    loop {
        let Ok(frame) = tokio::time::timeout(ANSWER_WAIT_MAX, body.frame()).await else {
            return Err(late(target, ANSWER_WAIT_MAX));
        };
        let Some(frame) = frame else { return Ok(()) };
        let frame = frame.map_err(|error| Failure::new(Kind::Unreachable, anyhow::anyhow!(error)))?;
        for part in frame.data_ref().map_or(&[][..], AsRef::as_ref).split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if line.ends_with(b"\n") {
                take(&String::from_utf8_lossy(&std::mem::take(&mut line)))?;
            } else if line.len() > ANSWER_BYTES_MAX {
                return Err(Failure::text(Kind::Unreachable, "the host's answer is too large"));
            }
        }
    }
}

/// Returns the answer, unless the host rejected the token.
fn permitted(answer: Answer) -> Result<Answer, Failure> {
    match answer.status {
        StatusCode::UNAUTHORIZED => Err(Failure::text(Kind::Unauthorized, "the host does not accept this token")
            .next("Name the data directory of the host with --data, or set SWITCHYARD_ADMIN_TOKEN to a token of it.")),
        StatusCode::FORBIDDEN => Err(answer.failure(Kind::Unauthorized).next("Ask for a token with a role that may.")),
        _ => Ok(answer),
    }
}

fn late(target: &Target, waited: Duration) -> Failure {
    let late = format!("{} gave no answer within {} s", target.url, waited.as_secs());
    Failure::text(Kind::Unreachable, late)
}

async fn whole(status: StatusCode, body: Incoming) -> Result<Answer, Failure> {
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Failure::new(Kind::Unreachable, anyhow::anyhow!(error)))?;
    Ok(Answer { status, body: body.to_bytes() })
}

/// An answer of the host.
#[derive(Debug)]
pub(in crate::cli) struct Answer {
    pub(in crate::cli) status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// The answer as text, unchanged.
    pub(in crate::cli) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Parses the answer as the documented type.
    pub(in crate::cli) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = "this version of switchyard does not understand the host's answer: use the version of the host";
            Failure::new(Kind::Unreachable, anyhow::Error::new(error).context(what))
        })
    }

    /// Returns the answer unless it is a refusal. With `json`, the failure has the host's answer as its result.
    pub(in crate::cli) fn accepted(self, json: bool) -> Result<Self, Failure> {
        match (self.status.is_success(), json) {
            (true, _) => Ok(self),
            (false, true) => Err(self.failure(Kind::Refused).with_result(self.text())),
            (false, false) => Err(self.failure(Kind::Refused)),
        }
    }

    /// Returns the answer if it is a success or a refusal with verdicts.
    pub(in crate::cli) fn judged(self, json: bool) -> Result<Self, Failure> {
        let document = self.read::<Value>().unwrap_or_default();
        match document.get("verdict").or(document.get("verdicts")) {
            Some(_) => Ok(self),
            None => self.accepted(json),
        }
    }

    /// The output for the answer: with `json` the answer itself, else the result of `text`.
    pub(in crate::cli) fn render<T: DeserializeOwned>(self, json: bool, text: impl FnOnce(&T) -> String) -> Outcome {
        let answer = self.accepted(json)?;
        if json { Ok(answer.text()) } else { Ok(text(&answer.read()?)) }
    }

    /// Turns a problem document into a readable failure.
    fn failure(&self, kind: Kind) -> Failure {
        let document: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |key: &str| document.get(key).and_then(Value::as_str);
        let title = text("title").or(self.status.canonical_reason()).unwrap_or("refused");
        let mut lines = format!("{} {title}", self.status.as_u16());
        if let Some(detail) = text("detail") {
            lines.push_str(&format!(": {detail}"));
        }
        for fault in document.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let part = |key: &str| fault.get(key).and_then(Value::as_str);
            let place = part("field").or(part("parameter")).unwrap_or_default();
            lines.push_str(&format!("\n  {place}: {}", part("detail").unwrap_or_default()));
        }
        Failure::text(kind, lines)
    }
}
