use super::*;

#[test]
fn sizes_are_rounded_down_to_a_tenth() {
    let check = |count: u64, text: &str| assert_eq!(bytes(count), text);
    check(0, "0 B");
    check(1023, "1023 B");
    check(1024, "1.0 KiB");
    check(10 * 1024 * 1024 + 512 * 1024, "10.5 MiB");
    check(u64::MAX, "16777215.9 TiB");
}

#[test]
fn durations_have_the_unit_that_fits() {
    let check = |count: u64, text: &str| assert_eq!(micros(count), text);
    check(999, "999 µs");
    check(2_500, "2.5 ms");
    check(2_300_000, "2.3 s");
    let check = |count: u64, text: &str| assert_eq!(millis(count), text);
    check(0, "0.0 s");
    check(59_999, "59.9 s");
    check(125_300, "2m 5s");
}

#[test]
fn periods_are_whole_seconds() {
    let check = |millis: u64, text: &str| assert_eq!(period(millis), text);
    check(999, "0s");
    check(61_500, "1m 1s");
    check(86_400_000, "1day");
}

#[test]
fn shares_and_rates_of_nothing_are_none() {
    assert_eq!([share(0, 0), share(0, 7), share(1, 3)], ["-", "0.00%", "33.33%"]);
    assert_eq!(share(u64::MAX, u64::MAX), "100.00%");
    assert_eq!([percent(0.1), percent(0.005), percent(1.0), percent(0.0)], ["10%", "0.5%", "100%", "0%"]);
    assert_eq!(rate(25, Duration::from_secs(2)), "12.5");
    assert_eq!(rate(25, Duration::ZERO), "-");
}

#[test]
fn times_are_told_in_utc() {
    assert_eq!(utc("2026-01-02T03:04:05Z"), "2026-01-02 03:04:05");
    assert_eq!(utc("2026-01-02T03:04:05.999+02:00"), "2026-01-02 01:04:05");
    assert_eq!(utc("yesterday"), "yesterday");
}

#[test]
fn a_digest_is_cut_and_another_text_is_not() {
    assert_eq!(short(&format!("sha256:{}", "0123456789abcdef".repeat(4))), "0123456789ab");
    assert_eq!(short("deadline_ms 5000"), "deadline_ms 5000");
}
