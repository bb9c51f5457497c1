//! Writes results to standard output, and everything else to standard error.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::Write;

use super::failure::{Failure, Kind};

/// Writes `text` as a command's result, with a line break at its end; an empty text writes nothing.
pub(in crate::cli) fn result(text: &str) -> Result<(), Failure> {
    let text = text.trim_end();
    if text.is_empty() {
        return Ok(());
    }
    match write(&mut std::io::stdout().lock(), &format!("{}\n", printable(text))) {
        // A reader such as `head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::new(Kind::Refused, error)),
    }
}

/// Writes `text` to `out` unchanged, and flushes it.
pub(in crate::cli) fn write(out: &mut dyn Write, text: &str) -> std::io::Result<()> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes `text` to standard error. An error of that write cannot be reported anywhere.
pub(in crate::cli) fn error(text: &str) {
    let _nobody = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// `text` without control characters except tabs and line breaks. Components control parts of verdicts and differences,
/// but they must not control the operator's terminal.
pub(in crate::cli) fn printable(text: &str) -> Cow<'_, str> {
    let steers = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    match text.contains(steers) {
        true => Cow::Owned(text.replace(steers, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// A table with a row for each of `items`. Columns of figures are right-aligned.
pub(in crate::cli) fn list<T, const COLUMNS: usize>(
    heading: [&str; COLUMNS],
    items: &[T],
    row: impl Fn(&T) -> [String; COLUMNS],
    figures: impl Fn(usize) -> bool,
) -> String {
    let rows: Vec<_> = std::iter::once(heading.map(str::to_owned)).chain(items.iter().map(row)).collect();
    table(&rows, figures)
}

/// Formats `rows` in columns; the first row is the heading. Columns of figures are right-aligned.
pub(in crate::cli) fn table(rows: &[impl AsRef<[String]>], figures: impl Fn(usize) -> bool) -> String {
    let rows: Vec<_> = rows.iter().map(AsRef::as_ref).collect();
    let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &&[String]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match figures(column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
