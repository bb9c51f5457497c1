//! `switchyard journal`: checks a journal or shows its commits, without a host and without changing anything.

use crate::cli::arguments::{Journal, JournalAction};
use crate::cli::output::failure::Outcome;

mod show;
mod source;
mod verify;

pub(in crate::cli) fn run(command: &Journal) -> Outcome {
    match &command.action {
        JournalAction::Verify(verify) => verify::run(verify),
        JournalAction::Show(show) => show::run(show),
    }
}
