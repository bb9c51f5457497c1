//! `switchyard call`: calls one function of a service as the operator.

use std::io::Read as _;

use crate::cli::arguments::Call;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};

pub(in crate::cli) fn run(target: &Target, command: &Call) -> Outcome {
    let request = Request::post(&["services", &command.service, "call", &command.function]);
    let answer = request.body("application/json", arguments(&command.arguments)?.into()).send(target)?;
    // A function without a result has an empty answer.
    Ok(answer.accepted(false)?.text())
}

fn arguments(given: &str) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given.into());
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| Failure::new(Kind::Usage, anyhow::Error::new(error).context("cannot read standard input")))?;
    Ok(text)
}
