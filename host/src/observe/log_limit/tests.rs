use super::*;
use crate::clock::simulated::SimulatedClock;

#[test]
fn a_line_about_a_cause_comes_once_in_ten_seconds() {
    let (clock, limit) = (SimulatedClock::install(), LogLimit::default());
    assert_eq!([limit.allows(), limit.allows()], [true, false]);
    clock.advance(Duration::from_secs(9));
    assert!(!limit.allows());
    clock.advance(Duration::from_secs(1));
    assert_eq!([limit.allows(), limit.allows()], [true, false]);
}

#[test]
fn a_line_about_requests_comes_less_than_five_times_a_second() {
    let (clock, limit) = (SimulatedClock::install(), LogLimit::of_requests());
    for _ in 0..3 {
        assert_eq!((0..100).filter(|_| limit.allows()).count(), 4);
        clock.advance(Duration::from_secs(1));
    }
}

#[test]
fn lines_do_not_limit_each_other_and_are_forgotten_when_their_time_is_over() {
    let (clock, limits) = (SimulatedClock::install(), LogLimits::default());
    assert_eq!(["a", "b", "a", "b"].map(|key| limits.allows(key)), [true, true, false, false]);
    clock.advance(OF_CAUSE.period);
    assert!(limits.allows("c"));
    assert_eq!(limits.1.lock().expect("no test panics with it").len(), 1);
    assert!(limits.allows("a"));
}
