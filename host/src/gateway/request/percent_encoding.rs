//! Percent-encoded text: the segments of a path and the pairs of a query.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// Why a part of an address is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("a percent sign without two hexadecimal digits after it")]
    Percent,
    #[error("not UTF-8")]
    Utf8,
}

/// Normalizes `path` for the lookup of routes, mounts and files: letters, digits and `-._~` are decoded, and the
/// remaining percent-encodings use capital hexadecimal digits (RFC 3986, section 6.2.2).
#[must_use]
pub fn normalize_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut normal = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normal.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => normal.push(char::from(byte)),
            Some(byte) => normal.push_str(&format!("%{byte:02X}")),
            None => normal.push('%'),
        }
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    normal.push_str(rest);
    Cow::Owned(normal)
}

/// The canonical spelling of all paths whose segments have the same texts; an error if a segment is not text.
pub(in crate::gateway) fn canonical_path(path: &str) -> Result<String, TextError> {
    let segments = path.split('/').map(|raw| Ok(decode_segment(raw)?.replace('%', "%25").replace('/', "%2F")));
    Ok(segments.collect::<Result<Vec<_>, _>>()?.join("/"))
}

/// The text of a path segment.
///
/// # Errors
///
/// [`TextError`] if it is not text.
pub fn decode_segment(raw: &str) -> Result<Cow<'_, str>, TextError> {
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

/// The name-value pairs of a query, still encoded. A name without `=` has an empty value.
pub(in crate::gateway) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// A pair of a query: its name and its value, each decoded, or an error.
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
                let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let mut next = || rest.next().and_then(digit).ok_or(TextError::Percent);
                next()? << 4 | next()?
            }
            b'+' if plus_is_space => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| TextError::Utf8)
}
