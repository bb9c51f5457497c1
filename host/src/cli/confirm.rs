//! A question before what cannot be taken back: asked on a terminal, and never answered by itself.

use std::io::{BufRead, IsTerminal as _};

use super::failure::{Failure, Kind};
use super::output;

/// Asks `question`, unless `yes` has answered it.
///
/// # Errors
///
/// When the answer is no, or when there is nobody to ask.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    match (yes, stdin.is_terminal()) {
        (true, _) => Ok(()),
        (false, true) => {
            output::error(&format!("{question} [y/N]"));
            answered(&mut stdin.lock())
        }
        (false, false) => Err(nobody(question)),
    }
}

fn nobody(question: &str) -> Failure {
    let text = format!("{question}\nNobody can be asked: standard input is no terminal");
    Failure::text(Kind::Refused, text).next("Nothing is changed. Say --yes if that is what you want.")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        let check = |typed: &str, yes: bool| assert_eq!(answered(&mut typed.as_bytes()).is_ok(), yes, "{typed:?}");
        check("y\n", true);
        check(" YES \n", true);
        for typed in ["", "\n", "n\n", "no\n", "yep\n"] {
            check(typed, false);
        }
    }

    #[test]
    fn without_a_terminal_nothing_is_confirmed() {
        assert!(confirm("Sure?", true).is_ok());
        let failure = nobody("Sure?");
        assert_eq!(failure.kind, Kind::Refused);
        assert!(failure.to_string().contains("--yes"), "{failure}");
    }
}
