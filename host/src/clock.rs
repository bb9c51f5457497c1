//! Time: every part of the host reads the clocks here, so that a test can replace them.

mod machine;
#[cfg(any(test, feature = "fail-points"))]
pub mod simulated;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

#[cfg(not(any(test, feature = "fail-points")))]
use self::machine as source;
#[cfg(any(test, feature = "fail-points"))]
use self::simulated as source;

/// The monotonic clock, for deadlines and durations.
#[must_use]
pub fn now() -> Instant {
    source::now()
}

/// How much time has passed since `instant`.
#[must_use]
pub fn elapsed(instant: Instant) -> Duration {
    now().saturating_duration_since(instant)
}

/// The time of day, in microseconds since the Unix epoch.
#[must_use]
pub fn unix_micros() -> u64 {
    source::unix_micros()
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

/// Parses an RFC 3339 text as microseconds since the Unix epoch. `None` if it is malformed or before the epoch.
#[must_use]
pub fn parse_rfc_3339(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos().div_euclid(1000)).ok()
}
