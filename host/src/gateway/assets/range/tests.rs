use proptest::prelude::*;

use super::*;

#[test]
fn a_range_is_cut_to_what_is_there() {
    let check = |header: &str, expected: Ranges| assert_eq!(parse(Some(header), 10), expected, "{header:?}");
    let parts = |parts: &[(u64, u64)]| Ranges::Parts(parts.iter().map(|(start, end)| *start..*end).collect());
    assert_eq!(parse(None, 10), Ranges::Whole);
    check("bytes=0-0", parts(&[(0, 1)]));
    check("bytes=2-5", parts(&[(2, 6)]));
    check("Bytes=2-", parts(&[(2, 10)]));
    check("bytes=-3", parts(&[(7, 10)]));
    check("bytes=-30", parts(&[(0, 10)]));
    check("bytes=5-99999999999999999999999", parts(&[(5, 10)]));
    check("bytes=0-1, 4-5,-1", parts(&[(0, 2), (4, 6), (9, 10)]));
    check("bytes=4-5,0-1", parts(&[(4, 6), (0, 2)]));
    check("bytes=20-30,0-1", parts(&[(0, 2)]));
    check("bytes=10-", Ranges::None);
    check("bytes=-0", Ranges::None);
    check("bytes=20-30,40-", Ranges::None);
    for ignored in ["bytes", "bytes=", "bytes=a-b", "bytes=5-2", "bytes=--1", "bytes=1", "lines=1-2", "bytes=+1-2"] {
        check(ignored, Ranges::Whole);
    }
    check("bytes=0-9,0-9", Ranges::Whole);
    check(&format!("bytes={}", vec!["0-0"; RANGES_MAX + 1].join(",")), Ranges::Whole);
    assert_eq!(parse(Some("bytes=0-"), 0), Ranges::None);
}

proptest! {
    #[test]
    fn no_range_passes_the_end(header in "bytes=[-0-9, ]{0,40}", bytes in 0_u64..1000) {
        if let Ranges::Parts(parts) = parse(Some(&header), bytes) {
            prop_assert!(parts.len() <= RANGES_MAX);
            prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= bytes));
            prop_assert!(parts.iter().map(|part| part.end - part.start).sum::<u64>() <= bytes);
        }
    }

    #[test]
    fn any_text_is_read_without_harm(header in ".{0,60}", bytes: u64) {
        let _ranges = parse(Some(&header), bytes);
    }
}
