//! When the leader stores a copy, and how large the stream may become.

use crate::config::ClusterSettings;

/// The part of a stream's limit after which the log warns: there is time to find out why no copy is stored.
const WARN_PERCENT: u64 = 80;

#[derive(Debug, Clone, Copy)]
pub(crate) struct CopySettings {
    /// Bytes that the stream grows by from one copy to the next.
    pub(crate) copy_after_bytes: u64,
    /// Bytes at which the stream accepts no more messages.
    pub(crate) stream_bytes_max: u64,
}

impl CopySettings {
    pub(crate) fn new(settings: &ClusterSettings) -> Self {
        Self { copy_after_bytes: settings.copy_after_bytes, stream_bytes_max: settings.stream_bytes_max }
    }

    /// Whether a stream of `bytes` is large enough for a copy, if there are so many. The stream has all messages since the copy
    /// before the newest one, so it has been copied once already.
    pub(super) fn is_due(&self, bytes: u64, copies: usize) -> bool {
        let factor = if copies == 0 { 1 } else { 2 };
        bytes >= self.copy_after_bytes.saturating_mul(factor)
    }

    /// Whether a stream of `bytes` is nearly full.
    pub(super) fn is_nearly_full(&self, bytes: u64) -> bool {
        bytes >= self.stream_bytes_max / 100 * WARN_PERCENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_copied_after_it_has_grown_and_is_nearly_full_at_four_fifths() {
        let settings = CopySettings { copy_after_bytes: 100, stream_bytes_max: 1000 };
        let check = |bytes, copies, due: bool, full: bool| {
            let found = (settings.is_due(bytes, copies), settings.is_nearly_full(bytes));
            assert_eq!(found, (due, full), "{bytes} bytes, {copies} copies");
        };
        check(99, 0, false, false);
        check(100, 0, true, false);
        check(199, 1, false, false);
        check(200, 2, true, false);
        check(799, 2, true, false);
        check(800, 2, true, true);
        let endless = CopySettings { copy_after_bytes: u64::MAX, stream_bytes_max: u64::MAX };
        assert!(!endless.is_due(u64::MAX - 1, 2) && !endless.is_nearly_full(1 << 60));
    }
}
