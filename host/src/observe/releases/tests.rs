use super::*;

#[test]
fn a_sample_is_what_was_counted_since_the_one_before() {
    let calls = ReleaseCalls::default();
    calls.ended(Outcome::Trap, Duration::from_millis(80));
    let before = calls.sample();
    for outcome in [Outcome::Ok, Outcome::Ok, Outcome::Refused, Outcome::Deadline] {
        calls.ended(outcome, Duration::from_millis(1));
    }
    let since = calls.sample().since(&before);
    assert_eq!((since.calls, since.refused, since.errors, since.traps), (4, 1, 1, 1));
    assert_eq!((since.latencies.above(500), since.latencies.above(50_000)), (4, 0));
    assert_eq!(calls.sample().latencies.above(50_000), 1);
    assert_eq!(since.figures().error_rate, 0.25);
    assert_eq!(Sample::default().figures().error_rate, 0.0);
}
