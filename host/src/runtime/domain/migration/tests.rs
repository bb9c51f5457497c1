use super::*;

#[test]
fn what_the_operator_reads_is_short_and_harmless() {
    assert_eq!(for_operator("no room\n\x1b[2J"), "no room\n\u{fffd}[2J");
    assert_eq!(for_operator(&"é".repeat(MIGRATION_TEXT_CHARS_MAX + 1)), "é".repeat(MIGRATION_TEXT_CHARS_MAX));
}
