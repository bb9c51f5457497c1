//! Percent-encoded text: the segments of a path and the pairs of a query.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// Why a piece of an address is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("a percent sign without two hexadecimal digits behind it")]
    Percent,
    #[error("not UTF-8")]
    Utf8,
}

/// The text of a path segment.
pub(in crate::gateway) fn decode_segment(raw: &str) -> Result<Cow<'_, str>, TextError> {
    if !raw.bytes().any(|byte| byte == b'%') {
        return Ok(Cow::Borrowed(raw));
    }
    decode(raw, false).map(Cow::Owned)
}

/// The text of a name or a value of a query, where `+` is a space.
pub(in crate::gateway) fn decode_query(raw: &str) -> Result<Cow<'_, str>, TextError> {
    if !raw.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(raw));
    }
    decode(raw, true).map(Cow::Owned)
}

/// The pairs of a query, still encoded. A name without `=` has an empty value.
pub(in crate::gateway) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A pair of a query: its name and its value, each decoded or not to be.
type Pair<'q> = (Result<Cow<'q, str>, TextError>, Result<Cow<'q, str>, TextError>);

/// The pairs of a query, decoded.
pub fn query_pairs(query: &str) -> impl Iterator<Item = Pair<'_>> {
    pairs(query).map(|(name, value)| (decode_query(name), decode_query(value)))
}

fn decode(raw: &str, plus_is_space: bool) -> Result<String, TextError> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(hex).ok_or(TextError::Percent);
                digit()? << 4 | digit()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| TextError::Utf8)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
