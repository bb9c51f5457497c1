//! The `Range` header (RFC 9110, section 14): the requested bytes of a file.

#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::limits::RANGES_MAX;

/// The part of a file that a `Range` requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ranges {
    /// All of it: there is no `Range`, or it must be ignored.
    Whole,
    /// Parts of it, none empty, in the requested order.
    Parts(Vec<Range<u64>>),
    /// No byte that the file has.
    None,
}

/// Parses a `Range` for a file of `bytes`.
///
/// A `Range` is ignored if it is malformed, has another unit or too many parts, or requests more bytes in total than
/// the file has. The whole file is always a correct answer, and costs no more.
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

/// Parses `2-5`, `2-` or `-4` as bytes of the file; empty if the file has none of them, `None` if malformed.
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

/// Only digits. A number that overflows is larger than any file.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}
