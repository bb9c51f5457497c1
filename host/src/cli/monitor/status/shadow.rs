//! The report of a shadow: how many answers were equal, and where the first different ones differ.

#[cfg(test)]
mod tests;

use crate::cli::client::documents::{Difference, FunctionCount, Shadow};

/// Maximum characters of a value in a difference; `--json` has the whole value.
const VALUE_CHARACTERS_MAX: usize = 60;

pub(super) fn lines(shadow: &Shadow) -> Vec<String> {
    let Shadow { compared, equal, different, dropped, behind, functions, differences, .. } = shadow;
    let mut first =
        format!("shadow: {compared} calls compared, {equal} equal, {different} different, {dropped} dropped");
    if *behind > 0 {
        first.push_str(&format!(", {behind} not compared because the copy was behind"));
    }
    let mut lines = vec![first];
    for FunctionCount { function, equal, different } in functions {
        lines.push(format!("  {function}: {equal} equal, {different} different"));
        let of_it = differences.iter().filter(|difference| difference.function == *function);
        lines.extend(of_it.map(line));
    }
    lines
}

fn line(difference: &Difference) -> String {
    let Difference { path, live, candidate, .. } = difference;
    // An empty path means the whole answer.
    let path = if path.is_empty() { "the answer" } else { path };
    format!("    {path}: live {}, candidate {}", cut(&live.to_string()), cut(&candidate.to_string()))
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARACTERS_MAX) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
    }
}
