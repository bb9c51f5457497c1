//! `switchyard call`: calls one function of a service as the operator.

use std::io::Read as _;

use hyper::Method;

use super::arguments::Call;
use super::client::{segment, send};
use super::failure::{Failure, Kind};
use super::output;
use super::target::Target;

pub(super) fn run(command: &Call) -> Result<(), Failure> {
    let target = Target::find(&command.host)?;
    let path = format!("/services/{}/call/{}", segment(&command.service), segment(&command.function));
    let answer = send(&target, Method::POST, &path, Some(arguments(&command.json)?))?;
    // A function without a result answers nothing.
    if answer.is_empty() { Ok(()) } else { output::result(&String::from_utf8_lossy(&answer)) }
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
