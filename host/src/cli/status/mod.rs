//! `switchyard status`: the services of a running host, or one of them; once, or again and again.

mod reading;
mod shadow;
mod table;
mod watch;

use super::arguments::Status;
use super::client::Answer;
use super::documents::{Items, Service};
use super::failure::{Failure, Outcome};
use super::request::Request;
use super::target::Target;

pub(super) fn run(target: &Target, command: &Status) -> Outcome {
    if let Some(period) = command.watch {
        return watch::run(target, command, period.duration()).map(|()| String::new());
    }
    let answer = request(command).send(target)?;
    match &command.service {
        Some(_) => answer.told(command.json, table::one),
        None => answer.told(command.json, |services: &Items<Service>| table::all(&services.items)),
    }
}

fn request(command: &Status) -> Request {
    match &command.service {
        Some(service) => Request::get(&["services", service]),
        None => Request::get(&["services"]),
    }
}

/// The services of an answer to [`request`].
fn services(command: &Status, answer: &Answer) -> Result<Vec<Service>, Failure> {
    match &command.service {
        Some(_) => Ok(vec![answer.read()?]),
        None => Ok(answer.read::<Items<Service>>()?.items),
    }
}
