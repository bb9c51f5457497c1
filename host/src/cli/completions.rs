//! `switchyard completions`: the completion script of a shell.

use clap::CommandFactory as _;

use super::arguments::Arguments;
use super::failure::Failure;
use super::output;

pub(super) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "switchyard", &mut script);
    output::result(&String::from_utf8_lossy(&script))
}
