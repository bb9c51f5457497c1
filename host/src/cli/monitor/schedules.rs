//! `switchyard schedules`: the scheduled functions, with the time and result of their last run.

#[cfg(test)]
mod tests;

use crate::cli::arguments::Schedules;
use crate::cli::client::documents::{Items, Schedule};
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::Outcome;
use crate::cli::output::format::{NOTHING, utc};
use crate::cli::output::print;

pub(in crate::cli) fn run(target: &Target, command: &Schedules) -> Outcome {
    let answer = Request::get(&["schedules"]).query("service", command.service.iter()).send(target)?;
    answer.render(command.host.json, |schedules: &Items<Schedule>| table(&schedules.items))
}

fn table(schedules: &[Schedule]) -> String {
    if schedules.is_empty() {
        return "there are no schedules".into();
    }
    let heading = ["SERVICE", "FUNCTION", "EVERY", "LAST (UTC)", "NEXT (UTC)", "STATE"];
    let row = |schedule: &Schedule| {
        let function = schedule.function.rsplit('#').next().unwrap_or_default().to_owned();
        let every = humantime::format_duration(std::time::Duration::from_millis(schedule.every_ms)).to_string();
        let last = schedule.last_at.as_deref().map_or(NOTHING.into(), utc);
        let state = match (&schedule.error, schedule.running) {
            (_, true) => "runs".into(),
            (Some(error), false) => format!("failed {} × in a row: {error}", schedule.failures),
            (None, false) if schedule.last_at.is_none() => "has not run yet".into(),
            (None, false) => "ok".into(),
        };
        [schedule.service.clone(), function, every, last, utc(&schedule.next_at), state]
    };
    print::list(heading, schedules, row, |_| false)
}
