use super::*;

fn printed(bytes_per_second: u64) -> Printed {
    let budget = Budget::new(ServiceName::parse("loud").unwrap(), bytes_per_second, Counter::noop());
    Printed::new(Arc::new(budget), RequestId::from_bits(1))
}

#[test]
fn the_tail_is_the_last_that_was_printed_even_when_it_was_not_logged() {
    let mut printed = printed(10);
    printed.print(Source::Stdout, &vec![b'x'; 3 * LOG_TAIL_BYTES_MAX]);
    printed.print(Source::Stderr, b"panicked: why\n");
    let tail = printed.finish();
    assert!(tail.ends_with("xpanicked: why\n"), "{tail}");
    assert_eq!(tail.len(), LOG_TAIL_BYTES_MAX);
}

#[test]
fn what_is_over_the_budget_of_a_second_is_dropped() {
    let mut printed = printed(10);
    printed.print(Source::Stdout, b"12345");
    assert_eq!(printed.stdout, b"12345");
    printed.print(Source::Stdout, b"678901");
    assert_eq!(printed.stdout, b"12345");
}

#[test]
fn a_line_without_end_is_cut_and_not_gathered() {
    let mut printed = printed(u64::MAX);
    printed.print(Source::Stderr, &vec![b'x'; 10 * LOG_LINE_BYTES_MAX]);
    assert_eq!(printed.stderr.len(), LOG_LINE_BYTES_MAX);
}

#[test]
fn control_characters_of_a_guest_do_not_reach_the_log() {
    assert_eq!(plain(b"a\x1b[31m\nb\tc", false), "a\u{fffd}[31m\u{fffd}b\tc");
}
