//! Asks for confirmation before a change that cannot be undone: only on a terminal, and without a default answer.

#[cfg(test)]
mod tests;

use std::io::{BufRead, IsTerminal as _};

use super::failure::{Failure, Kind};
use super::print;

/// Asks `question`, unless `yes` is set.
///
/// # Errors
///
/// If the answer is no, or there is no terminal to ask on.
pub(in crate::cli) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    match (yes, stdin.is_terminal()) {
        (true, _) => Ok(()),
        (false, true) => {
            print::error(&format!("{question} [y/N]"));
            answered(&mut stdin.lock())
        }
        (false, false) => Err(nobody(question)),
    }
}

fn nobody(question: &str) -> Failure {
    let text = format!("{question}\nCannot ask: standard input is not a terminal");
    Failure::text(Kind::Refused, text).next("Nothing is changed. Add --yes to confirm it.")
}

fn answered(input: &mut dyn BufRead) -> Result<(), Failure> {
    let mut line = String::new();
    let read = input.read_line(&mut line);
    match (read, line.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        (Ok(_), _) => Err(Failure::text(Kind::Refused, "not confirmed: nothing is changed")),
        (Err(error), _) => Err(Failure::new(Kind::Refused, error)),
    }
}
