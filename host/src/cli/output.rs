//! What the commands write: results to standard output, everything else to standard error.

use std::io::Write as _;

use super::failure::{Failure, Kind};

/// Writes `text` as a command's result, with a line break at its end.
pub(super) fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.trim_end().as_bytes()).and_then(|()| stdout.write_all(b"\n"));
    match written.and_then(|()| stdout.flush()) {
        // Whoever reads the result, such as `head`, has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Failure::new(Kind::Refused, error)),
    }
}

/// Writes `text` for people to read. Without a standard error there is nobody to tell that to.
pub(super) fn error(text: &str) {
    let _nobody = writeln!(std::io::stderr().lock(), "{text}");
}

/// Lays `rows` out in columns, the first row being the heading. Columns of figures are aligned to the right.
pub(super) fn table(rows: &[Vec<String>], figures: impl Fn(usize) -> bool) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match figures(column) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_names_left_and_figures_right() {
        let rows = [vec!["NAME".into(), "CALLS".into()], vec!["inventory".into(), "7".into()]];
        assert_eq!(table(&rows, |column| column == 1), "NAME       CALLS\ninventory      7");
    }
}
