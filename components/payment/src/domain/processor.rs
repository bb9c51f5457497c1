//! The test processor: the token decides what it does.

use std::time::Duration;

/// How long the processor takes for `tok_slow`.
const SLOW: Duration = Duration::from_secs(2);

/// The processor's answer to a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The money is captured.
    Captured,
    /// The card is declined, with a code for the reason.
    Declined(&'static str),
    /// The processor cannot be reached.
    Unreachable,
}

/// The processor's answer to a charge on `token`, and the time that it takes.
#[must_use]
pub(crate) fn charge(token: &str) -> (Verdict, Duration) {
    match token {
        "tok_ok" => (Verdict::Captured, Duration::ZERO),
        "tok_slow" => (Verdict::Captured, SLOW),
        "tok_declined" => (Verdict::Declined("declined"), Duration::ZERO),
        "tok_insufficient_funds" => (Verdict::Declined("insufficient_funds"), Duration::ZERO),
        "tok_error" => (Verdict::Unreachable, Duration::ZERO),
        _ => (Verdict::Declined("invalid_token"), Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_says_what_the_processor_does() {
        for (token, verdict, seconds) in [
            ("tok_ok", Verdict::Captured, 0),
            ("tok_slow", Verdict::Captured, 2),
            ("tok_declined", Verdict::Declined("declined"), 0),
            ("tok_insufficient_funds", Verdict::Declined("insufficient_funds"), 0),
            ("tok_error", Verdict::Unreachable, 0),
            ("tok_OK", Verdict::Declined("invalid_token"), 0),
            ("", Verdict::Declined("invalid_token"), 0),
        ] {
            assert_eq!(charge(token), (verdict, Duration::from_secs(seconds)), "{token:?}");
        }
    }
}
