use super::*;
use crate::observe::Metrics;

#[test]
fn a_class_of_statuses_has_a_series_when_it_occurs() {
    let metrics = Metrics::start();
    let route = RouteMetrics::new("GET", "/classes");
    let classes = || {
        let text = metrics.render();
        let lines =
            text.lines().filter(|line| line.starts_with("switchyard_http_requests_total") && line.contains("/classes"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(classes(), [""; 0]);
    route.answered(404, 0.001);
    route.answered(404, 0.001);
    assert_eq!(classes(), [r#"switchyard_http_requests_total{method="GET",route="/classes",status="4xx"} 2"#]);
    route.answered(999, 0.001);
    assert_eq!(classes().len(), 1);
}
