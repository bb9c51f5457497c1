//! Time: the wall clock of the root call, and RFC 3339 in UTC.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::host;

const MICROS_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
/// From 0000-03-01 to 1970-01-01.
const DAYS_FROM_YEAR_ZERO: u64 = 719_468;

/// The time of the root call: it does not change during a call.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp { unix_micros: host::unix_micros() }
}

/// A time in UTC, to the microsecond; it displays as RFC 3339 with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp {
    unix_micros: u64,
}

impl Timestamp {
    /// The time `unix_micros` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_micros(unix_micros: u64) -> Self {
        Self { unix_micros }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_micros(self) -> u64 {
        self.unix_micros
    }

    /// The later time, or the last possible one.
    #[must_use]
    pub const fn plus_seconds(self, seconds: u64) -> Self {
        Self { unix_micros: self.unix_micros.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)) }
    }

    /// Seconds from this time until `later`, rounded up; zero if `later` is not later.
    #[must_use]
    pub const fn seconds_until(self, later: Self) -> u64 {
        later.unix_micros.saturating_sub(self.unix_micros).div_ceil(MICROS_PER_SECOND)
    }

    /// Year and month (1 to 12).
    #[must_use]
    pub fn year_month(self) -> (u64, u64) {
        let (year, month, _) = civil(self.unix_micros / MICROS_PER_SECOND / SECONDS_PER_DAY);
        (year, month)
    }

    /// Twenty digits that sort like the times, for keys.
    #[must_use]
    pub fn sortable(self) -> String {
        let mut digits = [b'0'; 20];
        write_digits(&mut digits, self.unix_micros);
        digits.into_iter().map(char::from).collect()
    }

    /// Such as `2026-03-01T12:00:00.000000Z`: the whole time, as [`Timestamp::parse`] reads it.
    #[must_use]
    pub fn to_rfc3339_micros(self) -> String {
        let mut text = self.to_rfc3339();
        let mut micros = [b'0'; 3];
        write_digits(&mut micros, self.unix_micros % 1000);
        text.truncate(text.len() - 1);
        text.extend(micros.map(char::from));
        text.push('Z');
        text
    }

    /// A time in RFC 3339 and UTC, from 1970 to 9999, with at most six digits behind the second. Nothing for any other
    /// text, and for a day that no month has.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        if !(1..=6).contains(&fraction.len()) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let micros = number(&format!("{fraction:0<6}"))?;
        let day = day_of(year, month, day)?;
        let seconds = day * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self { unix_micros: seconds * MICROS_PER_SECOND + micros })
    }

    /// Such as `2026-03-01T12:00:00.000Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let seconds = self.unix_micros / MICROS_PER_SECOND;
        let (year, month, day) = civil(seconds / SECONDS_PER_DAY);
        let of_day = seconds % SECONDS_PER_DAY;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, of_day / 3600),
            (14..16, of_day / 60 % 60),
            (17..19, of_day % 60),
            (20..23, self.unix_micros % MICROS_PER_SECOND / 1000),
        ];
        for (place, number) in parts {
            write_digits(text.get_mut(place).unwrap_or_default(), number);
        }
        text.into_iter().map(char::from).collect()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Writes the last digits of `number` that fit.
fn write_digits(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// The numbers of so many digits each that `separator` parts.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (value, digits) in numbers.iter_mut().zip(digits) {
        *value = parts.next().filter(|part| part.len() == digits).and_then(number)?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The day since 1970-01-01; nothing before it, and for a day that there is not.
fn day_of(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    // The days of the years before, in years that begin in March: then a leap day is the last of its year.
    let (of_year, year) = if month > 2 { (month - 3, year) } else { (month + 9, year - 1) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * of_year + 2) / 5 + day;
    let number = days.checked_sub(DAYS_FROM_YEAR_ZERO + 1)?;
    (civil(number).1 == month && civil(number).2 == day).then_some(number)
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar.
fn civil(day: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097; // 400 years
    let day = day + DAYS_FROM_YEAR_ZERO;
    let of_era = day % DAYS_PER_ERA;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin in March here, so that the leap day is their last.
    let month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (day / DAYS_PER_ERA * 400 + year_of_era + next_year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_rfc_3339_in_utc() {
        let cases = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000Z"),
            (1_767_225_599_000_000, "2025-12-31T23:59:59.000Z"),
            (1_767_225_600_000_000, "2026-01-01T00:00:00.000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_000_000, "9999-12-31T23:59:59.000Z"),
        ];
        for (unix_micros, text) in cases {
            assert_eq!(Timestamp::from_unix_micros(unix_micros).to_rfc3339(), text);
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut before = civil(0);
        for day in 1..146_097 {
            let now = civil(day);
            let next_day = now == (before.0, before.1, before.2 + 1);
            let next_month = now == (before.0, before.1 + 1, 1) && before.2 >= 28;
            let next_year = now == (before.0 + 1, 1, 1) && before.1 == 12 && before.2 == 31;
            assert!(next_day || next_month || next_year, "{before:?} {now:?}");
            before = now;
        }
        assert_eq!(before, (2369, 12, 31));
    }

    #[test]
    fn a_time_is_read_as_it_is_written_to_the_microsecond() {
        for unix_micros in [0, 1, 999_999, 951_782_400_000_001, 1_767_225_599_999_999, 253_402_300_799_999_999] {
            let time = Timestamp::from_unix_micros(unix_micros);
            assert_eq!(Timestamp::parse(&time.to_rfc3339_micros()), Some(time), "{}", time.to_rfc3339_micros());
        }
        for (text, unix_micros) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:01.5Z", 1_500_000),
            ("2000-02-29T00:00:00.000Z", 951_782_400_000_000),
            ("2026-01-01T00:00:00.000001Z", 1_767_225_600_000_001),
        ] {
            assert_eq!(Timestamp::parse(text).map(Timestamp::unix_micros), Some(unix_micros), "{text}");
        }
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01 00:00:00Z",
            "2026-1-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.0000001Z",
            "2026-01-01T00:00:00.-1Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.1.2Z",
            "2026-01-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_day_is_read_back() {
        for day in 0..2_932_897 {
            let (year, month, of_month) = civil(day);
            assert_eq!(day_of(year, month, of_month), Some(day));
        }
    }

    #[test]
    fn what_is_left_is_rounded_up_to_whole_seconds() {
        let now = Timestamp::from_unix_micros(1_500_000);
        for (later, seconds) in [(0, 0), (1_500_000, 0), (1_500_001, 1), (2_500_000, 1), (2_500_001, 2)] {
            assert_eq!(now.seconds_until(Timestamp::from_unix_micros(later)), seconds, "{later}");
        }
        assert_eq!(now.plus_seconds(2).unix_micros(), 3_500_000);
    }

    #[test]
    fn sortable_text_is_in_the_order_of_the_times() {
        let times = [0, 9, 10, 1_767_225_600_000_000, u64::MAX].map(Timestamp::from_unix_micros);
        assert!(times.is_sorted_by_key(|time| time.sortable()));
        assert!(times.iter().all(|time| time.sortable().len() == 20));
    }
}
