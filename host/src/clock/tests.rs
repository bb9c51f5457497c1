use std::time::Duration;

use super::simulated::SimulatedClock;
use super::{elapsed, now, parse_rfc_3339, rfc_3339, unix_micros};

#[test]
fn a_time_is_written_and_read_to_the_microsecond() {
    for micros in [0, 1, 1_767_323_045_678_901, 4_102_444_800_000_000] {
        assert_eq!(parse_rfc_3339(&rfc_3339(micros)), Some(micros), "{}", rfc_3339(micros));
    }
    assert_eq!(parse_rfc_3339("2026-01-02T05:04:05.5+02:00"), parse_rfc_3339("2026-01-02T03:04:05.500Z"));
    for wrong in ["", "yesterday", "2026-01-02", "2026-01-02 03:04", "1969-12-31T23:59:59Z", "2026-13-02T03:04:05Z"] {
        assert_eq!(parse_rfc_3339(wrong), None, "{wrong}");
    }
}

#[test]
fn a_simulated_clock_stalls_jumps_and_steps_back_and_the_machines_returns_when_it_is_dropped() {
    let clock = SimulatedClock::install();
    clock.stall();
    // Parallel tests see the same clock, so it stays close to the machine's.
    let (start, second) = (now(), 1_000_000);
    let noon = unix_micros();
    assert_eq!((elapsed(start), unix_micros()), (Duration::ZERO, noon));
    clock.advance(Duration::from_secs(1));
    assert_eq!((elapsed(start), unix_micros()), (Duration::from_secs(1), noon + second));
    clock.set_unix_micros(noon - second);
    assert_eq!((elapsed(start), unix_micros()), (Duration::from_secs(1), noon - second));
    clock.resume();
    while unix_micros() == noon - second {}
    assert!(elapsed(start) > Duration::from_secs(1));
    drop(clock);
    assert!(unix_micros() >= noon, "the machine's clock is back");
}
