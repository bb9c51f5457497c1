//! What can be said on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

use crate::config::{ADMIN_VARIABLE, MANIFEST_VARIABLE};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused: by a service, by a contract, or by the host
  2  the command line or the configuration is wrong
  3  no host can be reached
  4  the host does not take the admin token, or there is none";

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
    Up(Up),
    /// Show the services: what runs, calls, errors, latency, store size
    Status(Status),
    /// Judge a component against a contract, without a host
    Check(Check),
    /// Call a function of a service as the operator
    Call(Call),
    /// Print the configuration that counts, with the origin of every line
    Config(Config),
    /// Print a completion script for a shell
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
    #[arg(long, value_name = "FILE", env = MANIFEST_VARIABLE, default_value = "switchyard.toml", value_hint = ValueHint::FilePath)]
    pub(super) manifest: PathBuf,
}

/// Which host a command talks to.
#[derive(Debug, Args)]
pub(super) struct Host {
    /// The operator's side of the host [default: as the manifest in this folder says, else http://127.0.0.1:8081]
    #[arg(long, value_name = "URL", env = ADMIN_VARIABLE)]
    pub(super) admin: Option<String>,
    /// The data directory of the host, where the admin token is [default: as the manifest in this folder says]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) data: Option<PathBuf>,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// One service, with its release and its bounds
    pub(super) service: Option<String>,
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

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_are_read_as_they_are_documented() {
        let check = |line: &str, good: bool| {
            let read = Arguments::try_parse_from(line.split(' '));
            assert_eq!(read.is_ok(), good, "{line}");
        };
        check("switchyard up --manifest m.toml --listen 0.0.0.0:80 --admin [::1]:81 --data d", true);
        check("switchyard up --listen 8080", false);
        check("switchyard status", true);
        check("switchyard status cart --json --admin http://127.0.0.1:9", true);
        check("switchyard check cart.wasm --contract shop:cart/cart-service --wit wit --json", true);
        check("switchyard check cart.wasm", false);
        check("switchyard call account create-staff {}", true);
        check("switchyard call account", false);
        check("switchyard config --defaults", true);
        check("switchyard completions bash", true);
        check("switchyard", false);
    }
}
