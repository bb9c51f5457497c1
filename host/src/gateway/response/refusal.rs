//! The reasons for an error answer, as facts. `problem` turns them into answers.

use hyper::header::HeaderValue;

use super::fault::Fault;
use super::problem::Problem;
use crate::call::CallError;

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the address has no resource")]
    NoRoute,
    #[error("the method is not one of what is there")]
    Method { allow: HeaderValue },
    #[error("the message is malformed: {what}")]
    Malformed { what: &'static str },
    #[error("the body is in a transfer coding that is not supported")]
    TransferCoding,
    #[error("the end of the body is ambiguous")]
    Framing,
    #[error("the client requested a tunnel")]
    Tunnel,
    #[error("the head of the request is larger than {bytes_max} bytes")]
    HeadTooLarge { bytes_max: usize },
    #[error("the client does not read its earlier answers")]
    UnreadAnswers,
    #[error("values of the request are malformed")]
    Faults(Vec<Fault>),
    #[error("the caller is not signed in")]
    NoToken,
    #[error("the Authorization header has no bearer token")]
    NotBearer,
    #[error("the token is unknown")]
    BadToken,
    #[error("the caller does not have the role")]
    Role,
    #[error("the client does not accept JSON")]
    NotAcceptable,
    #[error("the body is not JSON")]
    MediaType,
    #[error("the body is encoded")]
    ContentEncoding,
    #[error("the body is too large")]
    BodyTooLarge { bytes_max: usize },
    #[error("the body did not come in time")]
    BodySlow,
    #[error("the client sends too many requests")]
    Rate { retry_after_s: u64 },
    #[error("the requested range is outside of the file")]
    Range { bytes: u64 },
    #[error("the file is not the version that the client expects")]
    Precondition,
    /// On a node that does not lead, of a request that is not a read there.
    #[error("only the leader can answer the request")]
    OnlyReads,
    #[error("the host that had the request was lost")]
    MaybeDone,
    #[error("the call failed")]
    Call(#[from] CallError),
    #[error("the component returned an error of its contract")]
    Component(Box<Problem>),
    #[error("an answer does not have its contract's type: {detail}")]
    Answer { detail: String },
    #[error("a file cannot be read")]
    File(#[source] std::io::Error),
}
