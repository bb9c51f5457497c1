//! `switchyard call`: calls one function of a service as the operator. A failed call shows its request id and the last
//! lines that components printed.

use std::io::Read as _;

use serde::Deserialize;

use crate::cli::arguments::Call;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::monitor::logs::printed_by_guests;
use crate::cli::output::failure::{Failure, Kind, Outcome};

/// Lines of components that a failure shows.
const LINES: usize = 20;

/// The member of a problem document that names the request.
#[derive(Debug, Deserialize)]
struct Problem {
    instance: String,
}

pub(in crate::cli) fn run(target: &Target, command: &Call) -> Outcome {
    let request = Request::post(&["services", &command.service, "call", &command.function]);
    let answer = request.body("application/json", arguments(&command.arguments)?.into()).send(target)?;
    let problem = (!answer.status.is_success()).then(|| answer.read::<Problem>());
    // A function without a result has an empty answer.
    match (answer.accepted(command.host.json), problem) {
        (Ok(answer), _) => Ok(answer.text()),
        (Err(failure), Some(Ok(Problem { instance }))) => {
            let lines = printed_by_guests(target, &instance, LINES);
            let printed = lines.iter().map(|line| format!("\n  {line}")).collect::<String>();
            let printed = if lines.is_empty() { String::new() } else { format!("\nThe components printed:{printed}") };
            let next =
                format!("`switchyard logs --request {instance}` shows what was logged about this call.{printed}");
            Err(failure.next(next))
        }
        (Err(failure), _) => Err(failure),
    }
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
