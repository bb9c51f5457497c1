//! A component's own words, for the operator.

use crate::runtime::instance::plain;

/// A component's text, cut, and without characters that forge a log line or move the cursor of a terminal.
pub(super) fn for_operator(text: &str, chars_max: usize) -> String {
    let end = text.char_indices().nth(chars_max).map_or(text.len(), |(end, _)| end);
    plain(text.get(..end).unwrap_or_default().as_bytes(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_reads_is_short_and_harmless() {
        assert_eq!(for_operator("no room\n\x1b[2J", 100), "no room\n\u{fffd}[2J");
        assert_eq!(for_operator(&"é".repeat(101), 100), "é".repeat(100));
    }
}
