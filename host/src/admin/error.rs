//! The errors of the operator API, and the answers for them.

use std::collections::BTreeMap;

use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use crate::call::IntentError;
use crate::gateway::{Body, Problem, Refusal};
use crate::names::RequestId;
use crate::release::{DeployError, LoadError, Verdict};
use crate::runtime::{ChildError, CompileError};

/// Why the operator API refused a request.
#[derive(Debug)]
pub(super) enum AdminError {
    /// The token is missing or wrong.
    Token,
    Problem(Box<Problem>),
}

impl From<Refusal> for AdminError {
    fn from(refusal: Refusal) -> Self {
        Self::Problem(Box::new(refusal.into()))
    }
}

impl AdminError {
    /// `what` does not exist.
    pub(super) fn not_found(what: String) -> Self {
        Self::problem(StatusCode::NOT_FOUND, what)
    }

    pub(super) fn bad_request(what: String) -> Self {
        Self::problem(StatusCode::BAD_REQUEST, what)
    }

    /// The holder of the token may not do this.
    pub(super) fn forbidden(what: String) -> Self {
        Self::problem(StatusCode::FORBIDDEN, what)
    }

    /// The current state does not allow it, or there is nothing to do.
    pub(super) fn conflict(what: String) -> Self {
        Self::problem(StatusCode::CONFLICT, what)
    }

    /// A limit is reached for now.
    pub(super) fn busy(what: String) -> Self {
        Self::problem(StatusCode::SERVICE_UNAVAILABLE, what)
    }

    pub(super) fn unprocessable(what: String) -> Self {
        Self::problem(StatusCode::UNPROCESSABLE_ENTITY, what)
    }

    /// Releases were refused: the problem contains the verdict, or the verdicts of all that were proposed together.
    pub(super) fn verdicts(verdicts: &[Verdict]) -> Self {
        let text = verdicts.iter().map(|verdict| verdict.text.as_str()).collect::<Vec<_>>().join("\n");
        let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text);
        let by_service: BTreeMap<_, _> = verdicts.iter().map(|verdict| (verdict.service.as_str(), verdict)).collect();
        if let ([only], Ok(json)) = (verdicts, serde_json::to_vec(&verdicts.first())) {
            debug_assert!(!only.text.is_empty(), "a verdict says what it is");
            problem = problem.with_member("verdict", &json);
        }
        if let Ok(json) = serde_json::to_vec(&by_service) {
            problem = problem.with_member("verdicts", &json);
        }
        Self::Problem(Box::new(problem))
    }

    /// A batch has a fault in its entity `index`, counted from 0. The problem has the index as its member `entity`.
    pub(super) fn bad_entity(index: usize, what: String) -> Self {
        let problem = Problem::new(StatusCode::BAD_REQUEST, what);
        Self::Problem(Box::new(problem.with_member("entity", index.to_string().as_bytes())))
    }

    fn problem(status: StatusCode, what: String) -> Self {
        Self::Problem(Box::new(Problem::new(status, what)))
    }

    pub(super) fn into_response(self, id: &RequestId) -> Response<Body> {
        match self {
            Self::Problem(problem) => problem.into_response(id),
            Self::Token => {
                let detail = "The operator's side needs the admin token: Authorization: Bearer <token>.";
                let mut response = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response(id);
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                response
            }
        }
    }
}

impl From<DeployError> for AdminError {
    fn from(error: DeployError) -> Self {
        let text = sentence(&error);
        match error {
            DeployError::NoService { .. }
            | DeployError::NoComponent
            | DeployError::NothingLeft { .. }
            | DeployError::Intent(IntentError::Unknown) => AdminError::not_found(text),
            DeployError::NoCandidate { .. }
            | DeployError::HasCandidate { .. }
            | DeployError::PausedAlready { .. }
            | DeployError::NoEarlier { .. }
            | DeployError::Missing { .. }
            | DeployError::DataMovedOn { .. }
            | DeployError::OtherFormat { .. }
            | DeployError::NoHandover { .. }
            | DeployError::HandoverOfOne
            | DeployError::Mirrored { .. }
            | DeployError::StillDeleting { .. }
            | DeployError::BothWritten { .. }
            | DeployError::Breaks { .. }
            | DeployError::Unsigned { .. }
            | DeployError::TooManyCandidates
            | DeployError::NotQuiet { .. }
            | DeployError::Token { .. }
            | DeployError::Imported { .. }
            | DeployError::OtherKind { .. }
            | DeployError::Exists { .. }
            | DeployError::Intent(IntentError::Running | IntentError::NoService { .. })
            | DeployError::IntentsOpen { .. }
            | DeployError::Busy => AdminError::conflict(text),
            // What is in the way, and how far the copy is, are in the cause.
            DeployError::Handover { .. } => AdminError::conflict(error_text(&error)),
            DeployError::Stops => AdminError::busy(text),
            DeployError::Refused { verdicts } => AdminError::verdicts(&verdicts),
            DeployError::Migration { .. }
            | DeployError::NoShadow { .. }
            | DeployError::NoComponentNamed { .. }
            | DeployError::NotInManifest { .. }
            | DeployError::Services { .. }
            | DeployError::Together(_) => AdminError::unprocessable(text),
            DeployError::Load(LoadError::Compile { source: CompileError::Child(child @ ChildError::Time), .. }) => {
                AdminError::busy(sentence(&child))
            }
            DeployError::Load(
                LoadError::Contract(_)
                | LoadError::NoSuchContract { .. }
                | LoadError::FunctionLimit { .. }
                | LoadError::FunctionName { .. },
            ) => AdminError::unprocessable(text),
            DeployError::Load(_)
            | DeployError::File(_)
            | DeployError::Platform(_)
            | DeployError::Commit(_)
            | DeployError::NotDurable(_)
            | DeployError::Store(_)
            | DeployError::Intent(IntentError::Commit(_))
            | DeployError::Find(_)
            | DeployError::Interrupted(_)
            | DeployError::Stopping(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a change of releases failed");
                Refusal::Answer { detail: text }.into()
            }
        }
    }
}

/// The text of an error as a sentence.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// An error and its causes as sentences, where the operator must find what is wrong.
pub(super) fn error_text(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(sentence(error), |text, cause| format!("{text} {}", sentence(cause)))
}

/// The request names another host (RFC 9110, section 15.5.20).
pub(super) fn misdirected() -> Problem {
    let detail =
        "This host name is not allowed for the operator API: use its address, or add the name to host.admin_names.";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail)
}
