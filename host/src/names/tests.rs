use super::*;

#[test]
fn a_call_id_is_32_lowercase_hex_digits() {
    let id = CallId::of_seed(&[7; 32]);
    assert_eq!(CallId::parse(&id.to_string()), Ok(id));
    assert_eq!(CallId::parse(&"0".repeat(32)), Ok(CallId([0; 16])));
    for wrong in ["", "0", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32), &format!("+{}", "0".repeat(31))] {
        assert!(CallId::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_service_name_is_short_lowercase_and_starts_with_a_letter() {
    let check = |text: &str, good: bool| assert_eq!(ServiceName::parse(text).is_ok(), good, "{text:?}");
    check("cart", true);
    check("cart-2", true);
    check("2cart", false);
    check("Cart", false);
    check("cart-", false);
    check("", false);
    check("../cart", false);
    check(&"c".repeat(41), false);
    check(ServiceName::platform().as_str(), false);
}

#[test]
fn a_format_is_a_short_word_that_a_line_can_show() {
    let check = |text: &str, good: bool| assert_eq!(FormatName::parse(text).is_ok(), good, "{text:?}");
    check("inventory", true);
    check("acme/stock-ledger_2.1", true);
    check("", false);
    check("two words", false);
    check("é", false);
    check("a\n", false);
    check(&"f".repeat(64), true);
    check(&"f".repeat(65), false);
}

#[test]
fn a_digest_survives_being_written_and_read() {
    let digest = Digest::of(b"component");
    assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
    for bad in [
        "",
        "sha256:",
        "sha256:00",
        &format!("sha256:{}", "G".repeat(64)),
        &format!("sha256:{}", "A".repeat(64)),
        &digest.hex(),
    ] {
        assert!(Digest::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_request_id_cannot_carry_a_line_break_into_the_log() {
    assert!(RequestId::parse("a-b_c.1").is_ok());
    for bad in ["", "a b", "a\nb", "ä", &"x".repeat(129)] {
        assert!(RequestId::parse(bad).is_err(), "{bad:?}");
    }
}
