//! Time: the only place that reads the clocks of the machine.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Now, for measuring how long something took and for deadlines.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub fn now() -> Instant {
    Instant::now()
}

/// The time of day, in microseconds since the Unix epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub fn unix_micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Microseconds since the Unix epoch as RFC 3339 in UTC, to the millisecond.
#[must_use]
pub fn rfc_3339_millis(unix_micros: u64) -> String {
    let nanos = i128::from(unix_micros / 1000) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// Microseconds since the Unix epoch as RFC 3339 in UTC, to the microsecond: `2026-01-02T03:04:05.678901Z`.
#[must_use]
pub fn rfc_3339(unix_micros: u64) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_micros) * 1000);
    time.ok().and_then(|time| time.format(format).ok()).unwrap_or_default()
}

/// The microseconds since the Unix epoch that an RFC 3339 text stands for; nothing when it is none, or from before then.
#[must_use]
pub fn parse_rfc_3339(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_to_the_microsecond() {
        for micros in [0, 1, 1_767_323_045_678_901, 4_102_444_800_000_000] {
            assert_eq!(parse_rfc_3339(&rfc_3339(micros)), Some(micros), "{}", rfc_3339(micros));
        }
        assert_eq!(parse_rfc_3339("2026-01-02T05:04:05.5+02:00"), parse_rfc_3339("2026-01-02T03:04:05.500Z"));
        for wrong in ["", "yesterday", "2026-01-02", "2026-01-02 03:04", "1969-12-31T23:59:59Z", "2026-13-02T03:04:05Z"]
        {
            assert_eq!(parse_rfc_3339(wrong), None, "{wrong}");
        }
    }
}
