//! The report of a shadow: how many answers were the same, and where the first ones differ.

use super::super::documents::{Difference, FunctionCount, Shadow};

/// Longest value of a difference that is shown, in characters; the rest of it is in `--json`.
const VALUE_CHARACTERS_MAX: usize = 60;

pub(super) fn lines(shadow: &Shadow) -> Vec<String> {
    let Shadow { compared, equal, different, dropped, functions, differences, .. } = shadow;
    let mut lines =
        vec![format!("shadow: {compared} calls compared, {equal} equal, {different} different, {dropped} dropped")];
    for FunctionCount { function, equal, different } in functions {
        lines.push(format!("  {function}: {equal} equal, {different} different"));
        let of_it = differences.iter().filter(|difference| difference.function == *function);
        lines.extend(of_it.map(line));
    }
    lines
}

fn line(difference: &Difference) -> String {
    let Difference { path, live, candidate, .. } = difference;
    // The whole answer has the empty path.
    let path = if path.is_empty() { "the answer" } else { path };
    format!("    {path}: live {}, candidate {}", cut(&live.to_string()), cut(&candidate.to_string()))
}

fn cut(value: &str) -> String {
    match value.char_indices().nth(VALUE_CHARACTERS_MAX) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_difference_stands_below_its_function_and_is_cut() {
        let long = "ä".repeat(100);
        let shadow: Shadow = serde_json::from_value(json!({
            "share": 0.5, "compared": 12, "equal": 10, "different": 2, "dropped": 3,
            "functions": [
                {"function": "get", "equal": 9, "different": 0},
                {"function": "checkout", "equal": 1, "different": 2},
            ],
            "differences": [
                {"function": "checkout", "path": "/lines/0/price", "live": 5, "candidate": "5"},
                {"function": "checkout", "path": "", "live": {"ok": true}, "candidate": long},
            ],
        }))
        .expect("a report");
        let expected = format!(
            "\
shadow: 12 calls compared, 10 equal, 2 different, 3 dropped
  get: 9 equal, 0 different
  checkout: 1 equal, 2 different
    /lines/0/price: live 5, candidate \"5\"
    the answer: live {{\"ok\":true}}, candidate \"{}…",
            "ä".repeat(59)
        );
        assert_eq!(lines(&shadow).join("\n"), expected);
    }
}
