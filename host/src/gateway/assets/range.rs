//! The `Range` header (RFC 9110, section 14): which bytes of a file are asked for.

#[cfg(test)]
mod tests;

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
