use super::*;
use crate::observe::Metrics;

#[test]
fn figures_and_metrics_tell_how_calls_ended() {
    let metrics = Metrics::start();
    let service = ServiceName::parse("counted").expect("a name");
    let calls = ServiceCalls::new(&service);
    assert_eq!(calls.figures().latency_micros, None);
    for outcome in Outcome::ALL {
        calls.ended(outcome, Duration::from_millis(2));
    }
    calls.ended(Outcome::Ok, Duration::from_millis(2));
    calls.conflicted();
    calls.had_turn();
    calls.called_another();
    let (running, _waiting) = (calls.run(), calls.wait());
    drop(running);

    let figures = calls.figures();
    assert_eq!(figures.calls, 9);
    assert_eq!(figures.refused, 1);
    assert_eq!(figures.errors, CallErrors { failed: 1, trap: 1, deadline: 1, limit: 1, unavailable: 1, host: 1 });
    assert_eq!((figures.conflicts, figures.turns, figures.nested_calls), (1, 1, 1));
    assert_eq!((figures.in_flight, figures.waiting), (0, 1));

    let text = metrics.render();
    for line in [
        r#"switchyard_calls_total{service="counted",outcome="ok"} 2"#,
        r#"switchyard_calls_total{service="counted",outcome="trap"} 1"#,
        r#"switchyard_call_seconds_bucket{service="counted",le="0.0025"} 9"#,
        r#"switchyard_call_conflicts_total{service="counted"} 1"#,
        r#"switchyard_call_turns_total{service="counted"} 1"#,
        r#"switchyard_nested_calls_total{service="counted"} 1"#,
        r#"switchyard_calls_in_flight{service="counted"} 0"#,
        r#"switchyard_calls_waiting{service="counted"} 1"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}
