use super::*;
use crate::config::{Flags, load};
use crate::observe::ReleaseCalls;
use crate::observe::calls::Outcome;

fn settings() -> DeploySettings {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("switchyard.toml");
    let manifest = "[services.a]\ncontract = \"a:b/c\"\ncomponent = \"a.wasm\"\n";
    std::fs::write(&file, manifest).expect("a manifest");
    load(&file, &[], Flags::default()).expect("a good manifest").manifest.deploy
}

/// Calls of which `refused` were refused and `trapped` trapped, each of `ms` milliseconds.
fn sample(calls: u64, refused: u64, trapped: u64, ms: u64) -> Sample {
    let counted = ReleaseCalls::default();
    for number in 0..calls {
        let outcome = match number {
            number if number < trapped => Outcome::Trap,
            number if number < trapped + refused => Outcome::Refused,
            _ => Outcome::Ok,
        };
        counted.ended(outcome, Duration::from_millis(ms));
    }
    counted.sample()
}

#[test]
fn a_candidate_is_bad_only_by_more_than_chance_makes() {
    let settings = settings();
    let check = |live: Sample, candidate: Sample, expected: Opinion| {
        let judged = judge(&live, &candidate, &settings);
        assert_eq!(judged.opinion, expected, "{judged:?}");
    };
    check(sample(10_000, 0, 0, 2), sample(199, 199, 199, 2), Opinion::TooFewCalls);
    check(sample(199, 0, 0, 2), sample(10_000, 0, 0, 2), Opinion::TooFewCalls);
    check(sample(10_000, 0, 0, 2), sample(500, 0, 0, 2), Opinion::Good);
    check(sample(10_000, 3_000, 0, 2), sample(500, 160, 0, 2), Opinion::Good);
    check(sample(10_000, 3_000, 0, 2), sample(500, 250, 0, 2), Opinion::Bad);
    check(sample(10_000, 0, 0, 2), sample(500, 0, 2, 2), Opinion::Good);
    check(sample(10_000, 0, 0, 2), sample(500, 0, 30, 2), Opinion::Bad);
    check(sample(10_000, 0, 500, 2), sample(500, 0, 30, 2), Opinion::Good);
    check(sample(10_000, 0, 0, 10), sample(500, 0, 0, 14), Opinion::Good);
    check(sample(10_000, 0, 0, 10), sample(500, 0, 0, 30), Opinion::Bad);
}

/// Calls that all took `micros` microseconds.
fn took(micros: u64) -> Sample {
    let counted = ReleaseCalls::default();
    (0..1000).for_each(|_| counted.ended(Outcome::Ok, Duration::from_micros(micros)));
    counted.sample()
}

#[test]
fn a_candidate_is_slow_by_its_factor_and_by_a_time_that_can_be_measured() {
    let check = |live: u64, candidate: u64, floor: u64, expected: Opinion| {
        let settings = DeploySettings { candidate_slower_micros_min: floor, ..settings() };
        let judged = judge(&took(live), &took(candidate), &settings);
        assert_eq!(judged.opinion, expected, "{live} µs to {candidate} µs: {judged:?}");
    };
    let floor = settings().candidate_slower_micros_min;
    check(60, 900, floor, Opinion::Bad);
    check(20, 280, floor, Opinion::Bad);
    check(60, 200, floor, Opinion::Good);
    check(2_000, 2_700, floor, Opinion::Good);
    check(2_000, 4_000, floor, Opinion::Bad);
    check(60, 900, 1_000, Opinion::Good);
    check(60, 200, 0, Opinion::Bad);
}

#[test]
fn a_refusal_by_rule_is_no_error_and_more_of_them_are_bad_too() {
    let judged = judge(&sample(1000, 0, 0, 2), &sample(1000, 1000, 0, 2), &settings());
    assert_eq!((judged.candidate.error_rate, judged.candidate.refused_rate), (0.0, 1.0));
    assert_eq!((judged.opinion, judged.text.contains("are refused")), (Opinion::Bad, true), "{judged:?}");
}

#[test]
fn equal_releases_stay_equal_whatever_the_dice_say() {
    // Both fail 5 % of the time; a fixed sequence replaces chance.
    let settings = settings();
    let mut random = 12_345_u64;
    let mut draw = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % 100 < 5
    };
    for _ in 0..2_000 {
        let mut calls = |count: u64| {
            let errors = (0..count).filter(|_| draw()).count() as u64;
            sample(count, errors, 0, 2)
        };
        let judged = judge(&calls(1000), &calls(300), &settings);
        assert_eq!(judged.opinion, Opinion::Good, "{judged:?}");
    }
}
