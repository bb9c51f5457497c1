//! `traceparent`: the trace that a request belongs to, as W3C Trace Context has it.

/// The trace and the client's own span in it, as they were sent: 32 and 16 lowercase hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceParent<'a> {
    pub(super) trace: &'a str,
    pub(super) span: &'a str,
}

impl<'a> TraceParent<'a> {
    /// Nothing for a malformed one, which is to be treated as if it were not there.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut pieces = text.split('-');
        let mut next = |digits: usize| {
            pieces.next().filter(|piece| {
                piece.len() == digits && piece.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
        };
        let (version, trace, span, _flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        // A later version may add to the end, version 00 has none.
        let allowed = version != "ff" && (version != "00" || pieces.next().is_none());
        let zeros = |piece: &str| piece.bytes().all(|b| b == b'0');
        (allowed && !zeros(trace) && !zeros(span)).then_some(Self { trace, span })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_traceparent_is_as_good_as_none() {
        let check = |text: &str, good: bool| assert_eq!(TraceParent::parse(text).is_some(), good, "{text:?}");
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true);
        check("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false);
        check("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false);
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false);
        check("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false);
        check("", false);
    }
}
