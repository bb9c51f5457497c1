//! The request for a status reading, and the services in its answer.

use crate::cli::arguments::Status;
use crate::cli::client::documents::{Service, Services};
use crate::cli::client::http::Answer;
use crate::cli::client::request::Request;
use crate::cli::output::failure::Failure;

/// The request for the services that `command` shows.
pub(super) fn request(command: &Status) -> Request {
    match &command.service {
        Some(service) => Request::get(&["services", service]),
        None => Request::get(&["services"]),
    }
}

/// The services of an answer to [`request`].
pub(super) fn services(command: &Status, answer: &Answer) -> Result<Vec<Service>, Failure> {
    match &command.service {
        Some(_) => Ok(vec![answer.read()?]),
        None => Ok(answer.read::<Services>()?.items),
    }
}
