//! Figures, digests and times in readable form.

#[cfg(test)]
mod tests;

use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Number of hex digits of a digest that suffice to tell releases apart.
const DIGEST_CHARACTERS: usize = 12;

/// The text for an empty cell.
pub(in crate::cli) const NOTHING: &str = "-";

/// A shortened digest.
pub(in crate::cli) fn short(digest: &str) -> String {
    match digest.strip_prefix("sha256:") {
        Some(hex) => hex.chars().take(DIGEST_CHARACTERS).collect(),
        None => digest.into(),
    }
}

/// A shortened call id.
pub(in crate::cli) fn short_id(id: &str) -> String {
    id.chars().take(DIGEST_CHARACTERS).collect()
}

/// Milliseconds in whole seconds, minutes, hours or days.
pub(in crate::cli) fn period(millis: u64) -> String {
    humantime::format_duration(Duration::from_secs(millis / 1000)).to_string()
}

/// Milliseconds: in seconds with one decimal below a minute, else as [`period`].
pub(in crate::cli) fn millis(millis: u64) -> String {
    if millis < 60_000 { format!("{}.{} s", millis / 1000, millis % 1000 / 100) } else { period(millis) }
}

/// A change from one release or value to another.
pub(in crate::cli) fn moved(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (None, None) => NOTHING.into(),
        (Some(from), None) => format!("{} →", short(from)),
        (None, Some(to)) => format!("→ {}", short(to)),
        (Some(from), Some(to)) => format!("{} → {}", short(from), short(to)),
    }
}

pub(in crate::cli) fn micros(micros: u64) -> String {
    match micros {
        micros if micros < 1_000 => format!("{micros} µs"),
        micros if micros < 1_000_000 => format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        micros => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

pub(in crate::cli) fn bytes(count: u64) -> String {
    let (mut whole, mut tenths) = (count, 0);
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if whole < 1024 {
            return if unit == "B" { format!("{whole} B") } else { format!("{whole}.{tenths} {unit}") };
        }
        (whole, tenths) = (whole / 1024, whole % 1024 * 10 / 1024);
    }
    format!("{whole}.{tenths} TiB")
}

/// A share (0 to 1) in percent, with at most two decimals and no trailing zeros.
pub(in crate::cli) fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `part` as a percentage of `whole`; `-` if `whole` is 0.
pub(in crate::cli) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NOTHING.into();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// The rate of `count` in `elapsed`, per second.
pub(in crate::cli) fn rate(count: u64, elapsed: Duration) -> String {
    match elapsed.as_millis() {
        0 => NOTHING.into(),
        millis => {
            let tenths = u128::from(count) * 10_000 / millis;
            format!("{}.{}", tenths / 10, tenths % 10)
        }
    }
}

/// An RFC 3339 time in UTC, to the second; any other text stays unchanged.
pub(in crate::cli) fn utc(text: &str) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let time = OffsetDateTime::parse(text, &Rfc3339).map(|time| time.to_offset(UtcOffset::UTC));
    time.ok().and_then(|time| time.format(format).ok()).unwrap_or_else(|| text.into())
}

/// `1 problem`, `2 problems`.
pub(in crate::cli) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
