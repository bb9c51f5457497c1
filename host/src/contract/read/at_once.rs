//! The line of a doc comment that bounds how many calls of its function run at once: `` `at most 2 at once` ``.

use super::line::{span, split};
use super::line_error::LineError;
use crate::limits::CALLS_IN_FLIGHT_MAX;

/// Separates the line from its doc comment, and returns the rest of the comment and the number.
pub(in crate::contract) fn at_once_docs(docs: &str) -> (String, Result<Option<usize>, LineError>) {
    let (rest, mut lines) = split(docs, at_once_line);
    let number = match lines.len() {
        0 => Ok(None),
        1 => lines.pop().transpose(),
        count => lines.into_iter().collect::<Result<Vec<_>, _>>().and(Err(LineError::SeveralAtOnce { count })),
    };
    (rest, number)
}

/// Parses a line; `None` if it is another one, or prose.
fn at_once_line(line: &str) -> Option<Result<usize, LineError>> {
    let (code, behind) = span(line)?;
    let words: Vec<_> = code.split_whitespace().collect();
    let ["at", "most", rest @ ..] = words.as_slice() else { return None };
    if !behind.is_empty() {
        return None;
    }
    let number = match rest {
        [number, "at", "once"] if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (1..=CALLS_IN_FLIGHT_MAX).contains(number));
    Some(number.ok_or_else(|| LineError::AtOnce { text: code.into() }))
}
