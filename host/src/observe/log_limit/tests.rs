use super::*;
use crate::clock::simulated::SimulatedClock;

#[test]
fn a_line_comes_once_in_ten_seconds() {
    let (clock, limit) = (SimulatedClock::install(), LogLimit::default());
    assert_eq!([limit.allows(), limit.allows()], [true, false]);
    clock.advance(PERIOD);
    assert_eq!([limit.allows(), limit.allows()], [true, false]);
}
