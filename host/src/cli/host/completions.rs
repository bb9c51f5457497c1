//! `switchyard completions`: the completion script of a shell. Where a command takes a service, the script asks the host
//! for the names.

#[cfg(test)]
mod tests;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::arguments::Arguments;
use crate::cli::client::documents::Services;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::Outcome;

/// Prints the names of the services. A host that does not answer has none to offer.
const NAMES: &str = "switchyard services 2>/dev/null";

pub(in crate::cli) fn run(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "switchyard", &mut script);
    with_services(shell, &String::from_utf8_lossy(&script))
}

/// The names of the services of the host, a line each.
pub(in crate::cli) fn services(target: &Target) -> Outcome {
    let services: Services = Request::get(&["services"]).send(target)?.accepted(false)?.read()?;
    Ok(services.items.into_iter().map(|service| service.name).collect::<Vec<_>>().join("\n"))
}

/// The names of the commands whose first argument, or an argument of whose subcommands, is a service.
fn commands() -> Vec<String> {
    let takes_service =
        |command: &clap::Command| command.get_positionals().any(|argument| argument.get_id() == "service");
    let all = Arguments::command();
    let takes = |command: &&clap::Command| takes_service(command) || command.get_subcommands().any(takes_service);
    all.get_subcommands().filter(takes).map(|command| command.get_name().to_owned()).collect()
}

/// `script`, which clap wrote, with the names of services where it has only `SERVICE`.
fn with_services(shell: Shell, script: &str) -> String {
    match shell {
        Shell::Bash => bash(script),
        Shell::Zsh => {
            let is_service = |line: &str| line.starts_with("':service") || line.starts_with("'::service");
            let lines = script.lines().map(|line| match is_service(line) {
                true => line.replace(":_default'", ":_switchyard_services'"),
                false => line.to_owned(),
            });
            let names = format!(
                "_switchyard_services() {{\n    local names; names=(${{(f)\"$({NAMES})\"}})\n    compadd -a names\n}}\n"
            );
            let text = lines.collect::<Vec<_>>().join("\n");
            match text.split_once('\n') {
                // The first line tells zsh which command the script is for.
                Some((first, rest)) => format!("{first}\n\n{names}\n{rest}\n"),
                None => text,
            }
        }
        Shell::Fish => {
            let begin = format!("complete -c switchyard -n \"__fish_seen_subcommand_from {}\"", commands().join(" "));
            format!("{script}{begin} -f -a \"({NAMES})\"\n")
        }
        _ => script.to_owned(),
    }
}

/// The words of a command are in a string that bash evaluates when it needs them, under a label that names the command.
fn bash(script: &str) -> String {
    let (mut takes_service, mut lines) = (false, Vec::new());
    for line in script.lines() {
        let text = line.trim_start();
        if let Some(path) = text.strip_prefix("switchyard__subcmd__").and_then(|label| label.strip_suffix(')')) {
            takes_service = is_service_command(path);
        }
        match text.strip_prefix("opts=").and_then(|_| line.strip_suffix('"')) {
            Some(words) if takes_service => lines.push(format!("{words} $({NAMES})\"")),
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Whether the command at `path`, as the script for bash writes it, takes a service.
fn is_service_command(path: &str) -> bool {
    let mut command = Arguments::command();
    for name in path.split("__subcmd__") {
        let named = command.get_subcommands().find(|known| known.get_name().replace('-', "__") == name).cloned();
        let Some(named) = named else { return false };
        command = named;
    }
    command.get_positionals().any(|argument| argument.get_id() == "service")
}
