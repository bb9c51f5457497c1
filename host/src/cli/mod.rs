//! The command line: one file per command. An error names the next step, and the exit code gives its kind.

mod arguments;
mod client;
mod cluster;
mod data;
mod host;
mod monitor;
mod output;
mod releases;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, Command};
use client::target::Target;
use data::{backup, entries, journal, restore, state, stores};
use host::{call, completions, config, tokens, up, version};
use monitor::{events, intents, logs, schedules, status};
use output::confirm::confirm;
use output::failure::Outcome;
use output::print;
use releases::{apply, change, check, deploy, history, sign, wit};

/// Parses the command line of this process, runs its command and returns the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.command).and_then(|result| print::result(&result)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If the result cannot be printed, the failure itself still counts.
            let _unread = print::result(&failure.result);
            print::error(&failure.to_string());
            failure.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Up(up) => up::run(up).map(|()| String::new()),
        Command::Status(status) => status::run(&Target::find(&status.host)?, &status),
        Command::Deploy(deploy) => deploy::run(&Target::find(&deploy.host)?, &deploy),
        Command::Promote(promote) => change::promote(&Target::find(&promote.change.host)?, &promote),
        Command::Pause(change) => change::pause(&Target::find(&change.host)?, &change),
        Command::Resume(change) => change::resume(&Target::find(&change.host)?, &change),
        Command::Weight(weight) => change::weight(&Target::find(&weight.host)?, &weight),
        Command::Abort(change) => change::abort(&Target::find(&change.host)?, &change),
        Command::Settle(change) => change::settle(&Target::find(&change.host)?, &change),
        Command::Rollback(rollback) => change::rollback(&Target::find(&rollback.change.host)?, &rollback),
        Command::History(history) => history::run(&Target::find(&history.host)?, &history),
        Command::Apply(apply) => {
            let target = Target::find(&apply.host)?;
            apply::run(&target, &apply, |question| confirm(question, apply.yes))
        }
        Command::Add(add) => {
            let target = Target::find(&add.host)?;
            apply::add(&target, &add, |question| confirm(question, add.yes))
        }
        Command::Remove(remove) => {
            let target = Target::find(&remove.host)?;
            apply::remove(&target, &remove, |question| confirm(question, remove.yes))
        }
        Command::Logs(logs) => logs::run(&Target::find(&logs.host)?, &logs).map(|()| String::new()),
        Command::Version(version) => version::run(&version),
        Command::Services(services) => completions::services(&Target::find(&services.host)?),
        Command::Events(events) => events::run(&Target::find(&events.host)?, &events),
        Command::Schedules(schedules) => schedules::run(&Target::find(&schedules.host)?, &schedules),
        Command::Stores(stores) => stores::list(&Target::find(&stores.host)?, &stores),
        Command::Drop(drop) => {
            let target = Target::find(&drop.host)?;
            stores::drop_store(&target, &drop, |question| confirm(question, drop.yes))
        }
        Command::Cluster(cluster) => cluster::run(&cluster),
        Command::Token(token) => tokens::run(&Target::find(&token.host)?, &token),
        Command::Intents(intents) => intents::run(&Target::find(&intents.host)?, &intents, confirm),
        Command::Backup(backup) => backup::run(&Target::find(&backup.host)?, &backup),
        Command::Export(export) => state::export(&Target::find(&export.host)?, &export),
        Command::Import(import) => state::import(&Target::find(&import.host)?, &import),
        Command::Store(store) => entries::run(&Target::find(&store.host)?, &store, confirm),
        Command::Restore(restore) => restore::run(&restore),
        Command::Journal(journal) => journal::run(&journal),
        Command::Sign(sign) => sign::run(&sign),
        Command::Check(check) => check::run(&check),
        Command::Wit(wit) => wit::run(&wit),
        Command::Call(call) => call::run(&Target::find(&call.host)?, &call),
        Command::Config(config) => config::run(&config),
        Command::Completions { shell } => Ok(completions::run(shell)),
    }
}
