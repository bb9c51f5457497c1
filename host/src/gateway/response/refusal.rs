//! The reasons for an error answer, as facts. `problem` turns them into answers.

use hyper::header::HeaderValue;

use super::fault::Fault;
use super::problem::Problem;
use crate::call::CallError;

/// Why a request was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("nothing is there")]
    NoRoute,
    #[error("the method is not one of what is there")]
    Method { allow: HeaderValue },
    #[error("the message is malformed: {what}")]
    Malformed { what: &'static str },
    #[error("the body is in a transfer coding that is not supported")]
    TransferCoding,
    #[error("where the body ends is unclear")]
    Framing,
    #[error("the client wants a tunnel")]
    Tunnel,
    #[error("the head of the request is larger than {bytes_max} bytes")]
    HeadTooLarge { bytes_max: usize },
    #[error("the client does not take the answers that it has asked for")]
    UnreadAnswers,
    #[error("values of the request are malformed")]
    Faults(Vec<Fault>),
    #[error("nobody is signed in")]
    NoToken,
    #[error("the Authorization header holds no bearer token")]
    NotBearer,
    #[error("the token is unknown")]
    BadToken,
    #[error("the caller does not have the role")]
    Role,
    #[error("no media type that can be had is accepted")]
    NotAcceptable,
    #[error("the body is of another media type")]
    MediaType,
    #[error("the body is encoded")]
    ContentEncoding,
    #[error("the body is too large")]
    BodyTooLarge { bytes_max: usize },
    #[error("the body did not come in time")]
    BodySlow,
    #[error("the client sends too many requests")]
    Rate { retry_after_s: u64 },
    #[error("no range of what is there is asked for")]
    Range { bytes: u64 },
    #[error("what is there is not what the client expects")]
    Precondition,
    #[error("the call came to nothing")]
    Call(#[from] CallError),
    #[error("the component answered with an error of its contract")]
    Component(Box<Problem>),
    #[error("an answer is not of its contract's type: {detail}")]
    Answer { detail: String },
    #[error("a file cannot be read")]
    File(#[source] std::io::Error),
}
