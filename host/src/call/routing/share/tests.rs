use proptest::prelude::*;

use super::*;

fn cart() -> ServiceName {
    ServiceName::parse("cart").expect("a name")
}

#[test]
fn percents_are_shares() {
    let check = |percent: f64, share: Option<u32>| {
        assert_eq!(Share::of_percent(percent), share.map(Share), "{percent}");
    };
    check(0.0, Some(0));
    check(0.01, Some(1));
    check(33.333, Some(3333));
    check(100.0, Some(10_000));
    check(100.01, None);
    check(-1.0, None);
    check(f64::NAN, None);
    check(f64::INFINITY, None);
}

proptest! {
    #[test]
    fn who_is_in_a_share_stays_in_a_larger_one(key: Vec<u8>, small in 0_u32..=10_000, more in 0_u32..=10_000) {
        let (what, large) = (Digest::of(b"a"), Share((small + more).min(10_000)));
        prop_assert!(!Share(small).takes(&cart(), &what, &key) || large.takes(&cart(), &what, &key));
    }

    #[test]
    fn all_take_everybody_and_none_nobody(key: Vec<u8>) {
        let what = Digest::of(b"a");
        prop_assert!(Share::ALL.takes(&cart(), &what, &key) && !Share::NONE.takes(&cart(), &what, &key));
    }
}

#[test]
fn a_share_of_many_callers_is_as_large_as_it_says() {
    let what = Digest::of(b"a");
    for percent in [1.0, 5.0, 50.0, 99.0] {
        let share = Share::of_percent(percent).expect("a share");
        let taken = (0..100_000_u32).filter(|caller| share.takes(&cart(), &what, &caller.to_be_bytes())).count();
        let expected = 1000.0 * percent;
        // Four standard deviations of a binomial distribution: a uniform hash passes, and the seed is fixed.
        let deviation = (100_000.0 * percent / 100.0 * (1.0 - percent / 100.0)).sqrt();
        assert!((taken as f64 - expected).abs() < 4.0 * deviation, "{percent}: {taken}");
    }
}
