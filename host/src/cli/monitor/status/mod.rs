//! `switchyard status`: all services of a running host, or one of them; once or repeatedly.

mod query;
mod reading;
mod shadow;
mod table;
mod watch;

use crate::cli::arguments::Status;
use crate::cli::client::target::Target;
use crate::cli::output::failure::Outcome;

pub(in crate::cli) fn run(target: &Target, command: &Status) -> Outcome {
    if let Some(period) = command.watch {
        return watch::run(target, command, period.duration()).map(|()| String::new());
    }
    let answer = query::request(command).send(target)?;
    match &command.service {
        Some(_) => answer.render(command.host.json, table::one),
        None => answer.render(command.host.json, table::all),
    }
}
