//! `switchyard journal verify`: reads every record, and checks that none is missing between the first and the last.

use serde_json::{Value, json};

use super::source::{failed, histories};
use crate::cli::arguments::{JournalSource, Verify};
use crate::cli::output::failure::{Failure, Outcome};
use crate::cli::output::format::{counted, utc};
use crate::cli::output::print;
use crate::clock;
use crate::journal::Checked;

/// Number of tries to see the same damage twice.
const TRIES_MAX: usize = 10;

pub(super) fn run(command: &Verify) -> Outcome {
    let mut seen: Option<Failure> = None;
    for _ in 0..TRIES_MAX {
        match check(&command.source) {
            Ok(segments) => return Ok(text(&segments, command.source.json)),
            // A running host appends records and deletes old segments meanwhile: only damage that shows twice is real.
            Err(failure) => {
                let again = seen.is_some_and(|seen| seen.to_string() == failure.to_string());
                seen = Some(failure);
                if again {
                    break;
                }
            }
        }
    }
    Err(seen.expect("every try that was no success left a failure"))
}

fn check(source: &JournalSource) -> Result<Vec<Checked>, Failure> {
    let mut segments = Vec::new();
    for history in histories(source)? {
        segments.extend(history.check().map_err(failed)?);
    }
    Ok(segments)
}

fn text(segments: &[Checked], as_json: bool) -> String {
    if as_json {
        return json!({ "segments": segments.iter().map(document).collect::<Vec<_>>() }).to_string();
    }
    let heading = ["SEGMENT", "COMMITS", "FROM", "TO", "LAST AT (UTC)", "END"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(heading).chain(segments.iter().map(row)).collect();
    let commits = counted(segments.iter().map(Checked::commits).sum(), "commit");
    format!("{}\n{commits}, no damage", print::table(&rows, |column| (1..4).contains(&column)))
}

fn row(segment: &Checked) -> Vec<String> {
    let [from, to] = match segment.commits() {
        0 => ["-".into(), "-".into()],
        _ => [segment.first.0.to_string(), (segment.next.0 - 1).to_string()],
    };
    let at = segment.last_unix_micros.map_or_else(|| "-".into(), |at| utc(&clock::rfc_3339(at)));
    let end = match segment.torn_at {
        Some(offset) => {
            format!("incomplete from byte {offset} on: still being written, or torn; the rest was never acknowledged")
        }
        None => "whole".into(),
    };
    vec![segment.path.display().to_string(), segment.commits().to_string(), from, to, at, end]
}

fn document(segment: &Checked) -> Value {
    json!({
        "path": segment.path,
        "journal": segment.journal.to_string(),
        "first": segment.first.0,
        "commits": segment.commits(),
        "lastAt": segment.last_unix_micros.map(clock::rfc_3339),
        "tornAt": segment.torn_at,
    })
}
