use super::*;

#[test]
fn a_token_is_long_enough_and_fits_a_header() {
    let check = |text: &str, good: bool| assert_eq!(AdminToken::parse(text).is_ok(), good, "{text:?}");
    check(&"a".repeat(32), true);
    check(&"a".repeat(256), true);
    check(&"a".repeat(31), false);
    check(&"a".repeat(257), false);
    check(&" ".repeat(32), false);
    check(&"ä".repeat(32), false);
    check(&format!("{}\n", "a".repeat(32)), false);
}

#[test]
fn a_token_matches_itself_alone_and_does_not_show_itself() {
    let token = AdminToken::from_bits([0xab; 32]);
    assert!(token.matches("ab".repeat(32).as_bytes()));
    assert!(AdminToken::parse(token.reveal()).is_ok_and(|read| read.matches(token.reveal().as_bytes())));
    for wrong in ["", "ab", &"ac".repeat(32), &"ab".repeat(33)] {
        assert!(!token.matches(wrong.as_bytes()), "{wrong:?}");
    }
    assert_eq!(format!("{token:?}"), "AdminToken(…)");
}
