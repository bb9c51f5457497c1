//! `traceparent`: the trace of a request, in the format of W3C Trace Context.

#[cfg(test)]
mod tests;

/// The trace and the client's own span, as they were sent: 32 and 16 lowercase hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) struct TraceParent<'a> {
    pub(in crate::gateway) trace: &'a str,
    pub(in crate::gateway) span: &'a str,
    /// Whether the client may have recorded its span (section 3.2.2.5.1).
    pub(in crate::gateway) is_sampled: bool,
}

impl<'a> TraceParent<'a> {
    /// `None` for a malformed value, which must be treated as absent.
    pub(in crate::gateway) fn parse(text: &'a str) -> Option<Self> {
        let mut pieces = text.split('-');
        let mut next = |digits: usize| {
            pieces.next().filter(|piece| {
                piece.len() == digits && piece.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
        };
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        // A later version may append fields; version 00 has none.
        let allowed = version != "ff" && (version != "00" || pieces.next().is_none());
        let zeros = |piece: &str| piece.bytes().all(|b| b == b'0');
        let is_sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        (allowed && !zeros(trace) && !zeros(span)).then_some(Self { trace, span, is_sampled })
    }
}
