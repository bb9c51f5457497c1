//! `switchyard completions`: the completion script of a shell.

#[cfg(test)]
mod tests;

use clap::CommandFactory as _;

use crate::cli::arguments::Arguments;

pub(in crate::cli) fn run(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "switchyard", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
