use super::*;

#[test]
fn every_latency_falls_into_the_bucket_that_ends_next() {
    for micros in (0..10_000).chain([1 << 20, (1 << 26) - 1]) {
        let position = bucket(micros);
        assert!(micros <= bucket_end(position), "{micros}");
        assert!(position == 0 || micros > bucket_end(position - 1), "{micros}");
        assert!(bucket_end(position) <= micros + micros / 4, "{micros}");
    }
    assert_eq!(bucket(u64::MAX), BUCKETS - 1);
}

#[test]
fn percentiles_are_of_what_was_recorded() {
    let latencies = Latencies::default();
    assert_eq!(latencies.percentile_micros(50), None);
    for micros in 1..=100 {
        latencies.record(Duration::from_micros(micros * 1000));
    }
    let check = |percent: u64, exact: u64| {
        let found = latencies.percentile_micros(percent).unwrap_or_default();
        assert!((exact..=exact + exact / 4).contains(&found), "p{percent}: {found}");
    };
    check(0, 1000);
    check(50, 50_000);
    check(99, 99_000);
    check(100, 100_000);
    let counts = latencies.counts();
    assert_eq!((counts.total(), counts.up_to(u64::MAX), counts.up_to(500)), (100, 100, 0));
    assert!((40..=50).contains(&counts.up_to(50_000)), "{}", counts.up_to(50_000));
}
