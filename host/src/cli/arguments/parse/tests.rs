use super::*;

/// Parses `text` and writes it again; `None` if it is refused.
fn read<T: FromStr + fmt::Display>(text: &str) -> Option<String> {
    text.parse::<T>().ok().map(|read| read.to_string())
}

#[test]
fn a_percentage_may_have_a_sign_and_a_fraction() {
    let check = |text: &str, sent: Option<&str>| assert_eq!(read::<Percent>(text).as_deref(), sent, "{text:?}");
    check("5", Some("5"));
    check("5%", Some("5"));
    check("0.25%", Some("0.25"));
    check("100%", Some("100"));
    for wrong in ["0", "0%", "100.1", "-5", "", "%", "5%%", "nan", "inf", "1e1", "five", "1.2.3"] {
        check(wrong, None);
    }
}

#[test]
fn a_period_is_whole_seconds() {
    let check = |text: &str, sent: Option<&str>| assert_eq!(read::<Period>(text).as_deref(), sent, "{text:?}");
    check("2m", Some("120"));
    check("90", Some("90"));
    check("1h 30s", Some("3630"));
    for wrong in ["0", "0s", "500ms", "-1", "", "soon"] {
        check(wrong, None);
    }
}

#[test]
fn a_point_is_a_number_a_time_with_its_offset_or_the_end() {
    let check = |text: &str, point: Option<Point>| assert_eq!(text.parse().ok(), point, "{text:?}");
    check("0", Some(Point::Number(0)));
    check("1200", Some(Point::Number(1200)));
    check(&u64::MAX.to_string(), Some(Point::Number(u64::MAX)));
    check("end", Some(Point::End));
    check("1970-01-01T00:00:01Z", Some(Point::Time(1_000_000)));
    check("1970-01-01T01:00:00.25+01:00", Some(Point::Time(250_000)));
    let wrong = ["", "-1", "+1", "1.5", "18446744073709551616", "0x10", "End", "now", "2026-11-23", "17:04"];
    for wrong in wrong.into_iter().chain(["2026-11-23T17:04:00", "1969-12-31T23:59:59Z", " 1", "1 "]) {
        check(wrong, None);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_point_is_written_as_it_is_read(number in proptest::num::u64::ANY, micros in 0..253_402_300_799_999_999_u64) {
        for point in [Point::Number(number), Point::Time(micros), Point::End] {
            proptest::prop_assert_eq!(point.to_string().parse(), Ok(point));
        }
    }

    #[test]
    fn any_text_is_read_as_a_point_or_refused(text in "\\PC{0,40}") {
        let _read = text.parse::<Point>();
    }
}

#[test]
fn a_header_is_a_name_and_a_value() {
    let check = |text: &str, good: bool| assert_eq!(text.parse::<Header>().is_ok(), good, "{text:?}");
    check("x-cart=next", true);
    check("x-cart=a=b", true);
    check("x-cart=", false);
    check("=next", false);
    check("x cart=next", false);
    check("x-cart=a\nb", false);
    check("x-cart", false);
}

#[test]
fn an_assignment_is_a_service_and_a_file() {
    let cart = Assignment { service: "cart".into(), file: "a=b.wasm".into() };
    assert_eq!("cart=a=b.wasm".parse(), Ok(cart));
    for wrong in ["cart", "cart=", "=a.wasm", ""] {
        assert!(wrong.parse::<Assignment>().is_err(), "{wrong:?}");
    }
}
