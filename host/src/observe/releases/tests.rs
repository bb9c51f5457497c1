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

#[test]
fn what_nodes_report_counts_once_however_often_it_comes() {
    let counted = |calls: u64| {
        let release = ReleaseCalls::default();
        (0..calls).for_each(|_| release.ended(Outcome::Trap, Duration::from_millis(3)));
        release.sample()
    };
    let reporter = |since, node: &str| Reporter { since, node: node.into() };
    let reported = ReportedCalls::default();
    for (since, node, calls) in [(1, "b", 2), (1, "b", 5), (1, "b", 5), (1, "b", 2), (1, "c", 1), (7, "b", 1)] {
        reported.take(reporter(since, node), counted(calls));
    }
    assert_eq!(reported.sum(), counted(7));
    // A node that begins anew again and again does not fill the memory, and what it has counted stays.
    for since in 10..10 + 2 * REPORTERS_MAX as u64 {
        reported.take(reporter(since, "b"), counted(1));
    }
    assert_eq!(reported.0.lock().unwrap().last.len(), REPORTERS_MAX);
    assert_eq!(reported.sum(), counted(7 + 2 * REPORTERS_MAX as u64));
}
