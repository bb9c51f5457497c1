//! The status and the text of each error: only this file knows them.
//!
//! A problem document tells a client what to change. The log has the errors inside the host.

use hyper::StatusCode;
use hyper::header::{ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_RANGE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::problem::{NO_TOKEN, Problem, RETRY_AFTER_S};
use super::refusal::Refusal;
use crate::call::CallError;
use crate::gateway::connections::client::ConnectionLimit;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const BAD_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");
const NO_ROLE: HeaderValue = HeaderValue::from_static("Bearer error=\"insufficient_scope\"");

fn not_now() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "The service is not available now. Try again later.")
        .with(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoRoute => Self::new(StatusCode::NOT_FOUND, "This address does not exist."),
            Refusal::Method { allow } => Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This address does not support this method: see the Allow header.",
            )
            .with(ALLOW, allow),
            Refusal::Malformed { what } => Self::new(StatusCode::BAD_REQUEST, what),
            Refusal::TransferCoding => {
                Self::new(StatusCode::NOT_IMPLEMENTED, "The only transfer coding that is supported is chunked.")
                    .with(CONNECTION, CLOSE)
            }
            Refusal::Framing => {
                Self::new(StatusCode::BAD_REQUEST, "The body is chunked more than once.").with(CONNECTION, CLOSE)
            }
            Refusal::Tunnel => Self::new(StatusCode::NOT_IMPLEMENTED, "This host opens no tunnels."),
            Refusal::HeadTooLarge { bytes_max } => Self::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                format!("The line and headers of a request may have {bytes_max} bytes at most."),
            ),
            Refusal::UnreadAnswers => {
                let detail = "Earlier answers are still unread: read them first.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))
            }
            Refusal::Faults(errors) => {
                let detail = "The request does not match the contract: `errors` lists the problems.";
                Self::new(StatusCode::BAD_REQUEST, detail).with_errors(errors)
            }
            Refusal::NoToken => Self::new(StatusCode::UNAUTHORIZED, "Sign in first.").with(WWW_AUTHENTICATE, NO_TOKEN),
            Refusal::NotBearer => {
                let detail = "The request must have exactly one Authorization header: `Bearer`, a space and the token.";
                Self::new(StatusCode::UNAUTHORIZED, detail).with(WWW_AUTHENTICATE, BAD_TOKEN)
            }
            Refusal::BadToken => {
                let detail = "The token is unknown, has expired, or was signed out.";
                Self::new(StatusCode::UNAUTHORIZED, detail).with(WWW_AUTHENTICATE, BAD_TOKEN)
            }
            Refusal::Role => Self::new(StatusCode::FORBIDDEN, "The caller lacks the role for this operation.")
                .with(WWW_AUTHENTICATE, NO_ROLE),
            Refusal::NotAcceptable => {
                Self::new(StatusCode::NOT_ACCEPTABLE, "The answer is only available as application/json.")
            }
            Refusal::MediaType => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must be application/json, in UTF-8.")
            }
            Refusal::ContentEncoding => {
                Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.")
                    .with(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            }
            Refusal::BodyTooLarge { bytes_max } => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, format!("The body may have {bytes_max} bytes at most."))
            }
            Refusal::BodySlow => Self::new(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time."),
            Refusal::Rate { retry_after_s } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests came from this address.")
                    .with(RETRY_AFTER, HeaderValue::from(retry_after_s))
            }
            Refusal::Range { bytes } => Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "The file is shorter than that.")
                .with(CONTENT_RANGE, content_range_of_none(bytes)),
            Refusal::Precondition => {
                Self::new(StatusCode::PRECONDITION_FAILED, "The file is not the version that the request expects.")
            }
            // The leader answers instead, so no client sees it.
            Refusal::OnlyReads => not_now(),
            Refusal::MaybeDone => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The host that had this request was lost: whether it had an effect is unknown.",
            ),
            Refusal::Call(error) => Self::from(error),
            Refusal::Component(problem) => *problem,
            Refusal::Answer { .. } | Refusal::File(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The request could not be answered.")
            }
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unavailable { retry_after_s, .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The service is not available now; nothing was changed. Try again later.",
            )
            .with(RETRY_AFTER, HeaderValue::from(retry_after_s.max(RETRY_AFTER_S))),
            // The leader answers instead, so no client sees it.
            CallError::Stopped(_) | CallError::OnlyReads { .. } => not_now(),
            CallError::Deadline { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "The service took too long; nothing was changed.")
            }
            CallError::Begun { .. } => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "The service took too long, and continues. Retry with the same Idempotency-Key to get its answer.",
            ),
            CallError::BodyTooLarge { bytes_max, .. } => Refusal::BodyTooLarge { bytes_max }.into(),
            CallError::ClientSlots { .. } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "This client has too many requests open at the service: end one of them first.",
            )
            .with(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S)),
            CallError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "This Idempotency-Key was used for a request with another body: use a new key.",
            ),
            CallError::Failed { .. } | CallError::OverLimit { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The service failed; nothing was changed.")
            }
        }
    }
}

fn content_range_of_none(bytes: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("bytes */{bytes}")).expect("digits are allowed in a header")
}

/// The status of an error case, whose contract gives it `status`: 500 if that is not an error status.
pub(in crate::gateway) fn error_status(status: Option<u16>) -> StatusCode {
    status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The answer to a connection that was refused at a limit; it has no request yet.
pub(in crate::gateway) fn connection_refused(limit: ConnectionLimit) -> Problem {
    let mut problem = match limit {
        ConnectionLimit::Full => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections are open."),
        ConnectionLimit::Client => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "This client has too many connections open.")
        }
    };
    problem.retry_after(RETRY_AFTER_S);
    problem
}

/// The answer to a head that the HTTP library could not parse. The library alone would answer with `status` and no
/// body.
pub(in crate::gateway) fn unreadable_head(status: StatusCode) -> Problem {
    Problem::new(
        status,
        match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "The request has too many or too large headers.",
            StatusCode::URI_TOO_LONG => "The address is too long.",
            _ => "The request line or a header is malformed.",
        },
    )
}
