//! The `Range` header (RFC 9110, section 14): which bytes of a file are asked for.

use std::ops::Range;

use crate::limits::RANGES_MAX;

/// What a `Range` asks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ranges {
    /// All of it: there is no `Range`, or one that is to be ignored.
    Whole,
    /// Parts of it, none empty, in the order they were asked for.
    Parts(Vec<Range<u64>>),
    /// Nothing that it has.
    None,
}

/// Reads a `Range` for a file of `bytes`.
///
/// One that is malformed, of another unit, of too many parts, or asks for more than the file has in all, is ignored:
/// the whole file is always a right answer, and no more work than it.
pub(super) fn parse(header: Option<&str>, bytes: u64) -> Ranges {
    let Some(list) = header.and_then(|header| header.split_once('=')) else { return Ranges::Whole };
    let (unit, list) = list;
    if !unit.eq_ignore_ascii_case("bytes") {
        return Ranges::Whole;
    }
    let mut parts: Vec<Range<u64>> = Vec::new();
    let mut any = false;
    for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        any = true;
        match part(text, bytes) {
            Some(part) if part.is_empty() => {}
            Some(part) if parts.len() < RANGES_MAX => parts.push(part),
            Some(_) | None => return Ranges::Whole,
        }
    }
    let asked = parts.iter().map(|part| part.end - part.start).fold(0_u64, u64::saturating_add);
    match (any, parts.is_empty()) {
        (false, _) => Ranges::Whole,
        (true, true) => Ranges::None,
        (true, false) if asked > bytes => Ranges::Whole,
        (true, false) => Ranges::Parts(parts),
    }
}

/// `2-5`, `2-` or `-4` as the bytes of the file that it has; empty where it has none of them, nothing if malformed.
fn part(text: &str, bytes: u64) -> Option<Range<u64>> {
    match text.split_once('-')? {
        ("", last) => Some(bytes.saturating_sub(number(last)?)..bytes),
        (first, "") => Some(number(first)?.min(bytes)..bytes),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(bytes)..last.saturating_add(1).min(bytes))
        }
    }
}

/// Digits alone. A number too large to be one is larger than any file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
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
        for ignored in ["bytes", "bytes=", "bytes=a-b", "bytes=5-2", "bytes=--1", "bytes=1", "lines=1-2", "bytes=+1-2"]
        {
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
}
