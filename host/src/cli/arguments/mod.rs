//! What can be said on the command line.

mod backups;
mod events;
mod examples;
mod operate;
mod parse;
mod releases;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub(super) use backups::{Backup, Journal, JournalAction, Place, Restore, Show, Verify};
pub(super) use events::{Events, EventsAction, Letters, Schedules};
pub(super) use operate::{Apply, Drop, IntentAction, Intents, Role, Sign, Stores, Token, TokenAction};
pub(super) use parse::{Assignment, Percent, Period, Point};
pub(super) use releases::{Change, Deploy, History, Promote, Rollback};

use crate::config::{ADMIN_VARIABLE, MANIFEST_VARIABLE};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused: by a service, by a contract, or by the host
  2  the command line or the configuration is wrong
  3  no host can be reached
  4  the host does not take the token, or not for this; or there is none";

/// Runs services as WebAssembly components over transactional stores.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the host, and drain it on SIGTERM or ctrl-c
    #[command(after_help = examples::UP)]
    Up(Up),
    /// Show the services: what runs, calls, errors, latency, store size
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Give a service a new release: judged first, then live at once, or a candidate
    #[command(after_help = examples::DEPLOY)]
    Deploy(Box<Deploy>),
    /// Make the candidate of a service its live release
    #[command(after_help = examples::PROMOTE)]
    Promote(Promote),
    /// Take the candidate of a service out
    #[command(after_help = examples::ABORT)]
    Abort(Change),
    /// Go back to a release that was live before
    #[command(after_help = examples::ROLLBACK)]
    Rollback(Rollback),
    /// Show what was changed, when, by whom and why
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Show who takes whose events, and how far; deliver dead letters again, or delete them
    #[command(after_help = examples::EVENTS)]
    Events(Events),
    /// Show what runs on time, when it last did, and what came of it
    #[command(after_help = examples::SCHEDULES)]
    Schedules(Schedules),
    /// Bring a running host to what the manifest says, after showing what changes
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Show the stores, also those of services that were removed
    #[command(after_help = examples::STORES)]
    Stores(Stores),
    /// Delete the store of a service that was removed, for good
    #[command(after_help = examples::DROP)]
    Drop(Drop),
    /// Show the calls that were begun and have not ended; have one made again, or give it up
    #[command(after_help = examples::INTENTS)]
    Intents(Intents),
    /// Copy all stores, releases and the history of a running host to a folder, as of one instant
    #[command(after_help = examples::BACKUP)]
    Backup(Backup),
    /// Make a data directory of a backup, up to its own time or to a later one
    #[command(after_help = examples::RESTORE)]
    Restore(Restore),
    /// Check a journal, or show what is in it, without a host
    #[command(after_help = examples::JOURNAL)]
    Journal(Journal),
    /// Make, show and revoke the tokens of those who operate the host
    #[command(after_help = examples::TOKEN)]
    Token(Token),
    /// Sign a component, or make a key to sign with
    #[command(after_help = examples::SIGN)]
    Sign(Sign),
    /// Judge a component against a contract, without a host
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Call a function of a service as the operator
    #[command(after_help = examples::CALL)]
    Call(Call),
    /// Print the configuration that counts, with the origin of every line
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
    /// Where customers reach the services
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// Where the operator reaches the host
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
    /// The data directory
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ManifestFile {
    /// The manifest
    #[arg(long, global = true, value_name = "FILE", env = MANIFEST_VARIABLE, default_value = "switchyard.toml", value_hint = ValueHint::FilePath)]
    pub(super) manifest: PathBuf,
}

/// Which host a command talks to.
#[derive(Debug, Args)]
pub(super) struct Host {
    /// The operator's side of the host [default: as the manifest in this folder says, else http://127.0.0.1:8081]
    #[arg(long, global = true, value_name = "URL", env = ADMIN_VARIABLE)]
    pub(super) admin: Option<String>,
    /// The data directory of the host, where the admin token is [default: as the manifest in this folder says]
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) data: Option<PathBuf>,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// One service, with its releases and its bounds
    pub(super) service: Option<String>,
    /// Go on until ctrl-c, with a new reading every so many seconds: shares, rates, errors and latency of each release
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    pub(super) watch: Option<Period>,
    /// Print what the host answers
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) host: Host,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The component
    #[arg(value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// The world that it has to keep, such as shop:cart/cart-service@1.0.0
    #[arg(long, value_name = "WORLD")]
    pub(super) contract: String,
    /// The folder of the contracts [default: as the manifest in this folder says, else wit]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) wit: Option<PathBuf>,
    /// Judge as if the operator had granted it outbound HTTP
    #[arg(long)]
    pub(super) outbound_http: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(super) struct Call {
    pub(super) service: String,
    /// Its name, or interface.name where two interfaces have one of that name
    pub(super) function: String,
    /// An object of its parameters by their JSON names; `-` reads it from standard input
    #[arg(default_value = "{}")]
    pub(super) json: String,
    #[command(flatten)]
    pub(super) host: Host,
}

#[derive(Debug, Args)]
pub(super) struct Config {
    /// Print every setting with its default, unit and reason instead
    #[arg(long)]
    pub(super) defaults: bool,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn reads<'a>(words: impl IntoIterator<Item = &'a str>) -> bool {
        Arguments::try_parse_from(words).is_ok()
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_are_read_as_they_are_documented() {
        let check = |line: &str, good: bool| assert_eq!(reads(line.split(' ')), good, "{line}");
        check("switchyard up --manifest m.toml --listen 0.0.0.0:80 --admin [::1]:81 --data d", true);
        check("switchyard up --listen 8080", false);
        check("switchyard token add ci --role viewer --admin http://127.0.0.1:9 --data d --manifest m.toml", true);
        check("switchyard status", true);
        check("switchyard status cart --json --admin http://127.0.0.1:9", true);
        check("switchyard status --watch --json", true);
        check("switchyard status cart --watch 0", false);
        check("switchyard check cart.wasm --contract shop:cart/cart-service --wit wit --json", true);
        check("switchyard check cart.wasm", false);
        check("switchyard call account create-staff {}", true);
        check("switchyard call account", false);
        check("switchyard config --defaults", true);
        check("switchyard completions bash", true);
        check("switchyard", false);
    }

    #[test]
    fn releases_are_moved_by_commands_that_say_one_thing() {
        let check = |line: &str, good: bool| assert_eq!(reads(line.split(' ')), good, "{line}");
        check("switchyard deploy cart", false);
        check("switchyard deploy cart a.wasm --shadow --weight 5", true);
        check("switchyard deploy cart a.wasm --weight 0", false);
        check("switchyard deploy cart a.wasm --steps 1%,x", false);
        check("switchyard deploy cart a.wasm --steps 1% --weight 5", false);
        check("switchyard deploy cart a.wasm --every 2m", false);
        check("switchyard deploy cart a.wasm --grant a --grant b --signature a.sig", true);
        check("switchyard deploy --set cart=a.wasm inventory=b.wasm --grant a --json", true);
        check("switchyard deploy --set cart=a.wasm --set inventory=b.wasm", true);
        check("switchyard deploy cart a.wasm --set cart=a.wasm", false);
        check("switchyard deploy --set cart=a.wasm --weight 5", false);
        // The host cannot try a set: this must not swap it.
        check("switchyard deploy --set cart=a.wasm --dry-run", false);
        check("switchyard promote cart --force", false);
        check("switchyard rollback cart --to sha256:00 --force --json", true);
        check("switchyard rollback cart --after-intents --reason x", true);
        check("switchyard rollback cart --after-intents=2m", true);
        check("switchyard rollback --after-intents cart", true);
        check("switchyard promote cart --after-intents=0", false);
        check("switchyard deploy cart a.wasm --after-intents", true);
        check("switchyard deploy --set cart=a.wasm --after-intents", false);
        check("switchyard abort cart --after-intents", false);
        check("switchyard history --limit 0", false);
    }

    #[test]
    fn a_host_is_kept_by_commands_that_say_one_thing() {
        let check = |line: &str, good: bool| assert_eq!(reads(line.split(' ')), good, "{line}");
        check("switchyard sign a.wasm", false);
        check("switchyard sign --key k", false);
        check("switchyard sign", false);
        check("switchyard sign --new-key k --key k", false);
        check("switchyard token add ci", false);
        check("switchyard token add ci --role owner", false);
        check("switchyard token revoke ci --json", true);
        check("switchyard apply --manifest m.toml -y", true);
        check("switchyard apply --dry-run --yes", false);
        check("switchyard drop", false);
        check("switchyard stores --json", true);
        check("switchyard backup", false);
        check("switchyard backup b --json --admin http://127.0.0.1:9", true);
        check("switchyard restore b --data d --json", true);
        check("switchyard restore b --at 7 --archive a --old-data o", true);
        check("switchyard restore b --at yesterday", false);
        check("switchyard restore b --archive a", false);
        check("switchyard journal", false);
        check("switchyard journal verify a b --json", true);
        check("switchyard journal verify a --data d", false);
        check("switchyard journal show --from 1 --to 2 --service cart --values", true);
        check("switchyard journal show --service Cart", false);
        check("switchyard intents --json", true);
        check("switchyard intents retry 0a1b --live --json", true);
        check("switchyard intents retry", false);
        check("switchyard intents give-up 0a1b --reason gone -y", true);
        check("switchyard intents give-up 0a1b", false);
        check("switchyard events", true);
        check("switchyard events cart --json", true);
        check("switchyard events replay cart", false);
        check("switchyard events replay cart a.1.0 --reason why", true);
        check("switchyard events drop cart a.1.0 --all", false);
        check("switchyard events drop cart --all --json --admin http://127.0.0.1:9", true);
        check("switchyard schedules cart", true);
    }

    /// The words of an example: quoted as shells have it.
    fn words(line: &str) -> Vec<&str> {
        let mut words = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
        }
        words
    }

    #[test]
    fn every_command_has_an_example_that_is_one() {
        for command in Arguments::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let begins = format!("switchyard {name}");
            let lines: Vec<_> = help.lines().map(str::trim).filter(|line| line.starts_with(&begins)).collect();
            assert!(!lines.is_empty(), "{name}");
            for line in lines {
                assert!(reads(words(line)), "{line}");
            }
        }
    }
}
