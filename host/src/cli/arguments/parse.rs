//! What options are read as: percentages, headers, periods, and which file is for which service.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use crate::clock;

/// A share of the calls, in percent: more than 0, at most 100.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(in crate::cli) struct Percent(f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').unwrap_or(text);
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match number.parse() {
            Ok(percent) if plain && percent > 0.0 && percent <= 100.0 => Ok(Self(percent)),
            _ => Err("write a percentage above 0 and up to 100, such as 5% or 0.5%".into()),
        }
    }
}

/// As the host reads it: without a sign.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A header whose bearers get the candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Header(String);

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sound = text.split_once('=').is_some_and(|(name, value)| {
            !value.is_empty() && HeaderName::from_str(name).is_ok() && HeaderValue::from_str(value).is_ok()
        });
        if sound { Ok(Self(text.into())) } else { Err("write the name of a header and its value: x-cart=next".into()) }
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A period of whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Period(u64);

impl Period {
    pub(in crate::cli) fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let period = match text.parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => humantime::parse_duration(text).ok(),
        };
        match period {
            Some(period) if period.subsec_nanos() == 0 && !period.is_zero() => Ok(Self(period.as_secs())),
            _ => Err("write a period of whole seconds, such as 30s, 2m or 1h".into()),
        }
    }
}

/// As the host reads it: in seconds.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A point in the history of the stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Point {
    /// The number of a commit.
    Number(u64),
    /// Microseconds since the Unix epoch.
    Time(u64),
    End,
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let point = match text {
            "end" => Some(Self::End),
            _ if is_number => text.parse().ok().map(Self::Number),
            _ => clock::parse_rfc_3339(text).map(Self::Time),
        };
        point.ok_or_else(|| {
            "write the number of a commit, a time with its offset, such as 2026-11-23T17:04:00Z or \
             2026-11-23T18:04:00.5+01:00, or `end`"
                .into()
        })
    }
}

/// As it is read.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Time(unix_micros) => f.write_str(&clock::rfc_3339(*unix_micros)),
            Self::End => f.write_str("end"),
        }
    }
}

/// A service and the file of its component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Assignment {
    pub(in crate::cli) service: String,
    pub(in crate::cli) file: PathBuf,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((service, file)) if !service.is_empty() && !file.is_empty() => {
                Ok(Self { service: service.into(), file: file.into() })
            }
            _ => Err("write a service and the file of its component: cart=cart.wasm".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `text` is read as and written as again; nothing when it is refused.
    fn read<T: FromStr + fmt::Display>(text: &str) -> Option<String> {
        text.parse::<T>().ok().map(|read| read.to_string())
    }

    #[test]
    fn a_percentage_may_have_a_sign_and_a_fraction() {
        let check = |text: &str, sent: Option<&str>| assert_eq!(read::<Percent>(text).as_deref(), sent, "{text:?}");
        check("5", Some("5"));
        check("5%", Some("5"));
        check("0.25%", Some("0.25"));
        check("100%", Some("100"));
        for wrong in ["0", "0%", "100.1", "-5", "", "%", "5%%", "nan", "inf", "1e1", "five", "1.2.3"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_period_is_whole_seconds() {
        let check = |text: &str, sent: Option<&str>| assert_eq!(read::<Period>(text).as_deref(), sent, "{text:?}");
        check("2m", Some("120"));
        check("90", Some("90"));
        check("1h 30s", Some("3630"));
        for wrong in ["0", "0s", "500ms", "-1", "", "soon"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_point_is_a_number_a_time_with_its_offset_or_the_end() {
        let check = |text: &str, point: Option<Point>| assert_eq!(text.parse().ok(), point, "{text:?}");
        check("0", Some(Point::Number(0)));
        check("1200", Some(Point::Number(1200)));
        check(&u64::MAX.to_string(), Some(Point::Number(u64::MAX)));
        check("end", Some(Point::End));
        check("1970-01-01T00:00:01Z", Some(Point::Time(1_000_000)));
        check("1970-01-01T01:00:00.25+01:00", Some(Point::Time(250_000)));
        let wrong = ["", "-1", "+1", "1.5", "18446744073709551616", "0x10", "End", "now", "2026-11-23", "17:04"];
        for wrong in wrong.into_iter().chain(["2026-11-23T17:04:00", "1969-12-31T23:59:59Z", " 1", "1 "]) {
            check(wrong, None);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_point_is_written_as_it_is_read(number in proptest::num::u64::ANY, micros in 0..253_402_300_799_999_999_u64) {
            for point in [Point::Number(number), Point::Time(micros), Point::End] {
                proptest::prop_assert_eq!(point.to_string().parse(), Ok(point));
            }
        }

        #[test]
        fn any_text_is_read_as_a_point_or_refused(text in "\\PC{0,40}") {
            let _read = text.parse::<Point>();
        }
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let check = |text: &str, good: bool| assert_eq!(text.parse::<Header>().is_ok(), good, "{text:?}");
        check("x-cart=next", true);
        check("x-cart=a=b", true);
        check("x-cart=", false);
        check("=next", false);
        check("x cart=next", false);
        check("x-cart=a\nb", false);
        check("x-cart", false);
    }

    #[test]
    fn an_assignment_is_a_service_and_a_file() {
        let cart = Assignment { service: "cart".into(), file: "a=b.wasm".into() };
        assert_eq!("cart=a=b.wasm".parse(), Ok(cart));
        for wrong in ["cart", "cart=", "=a.wasm", ""] {
            assert!(wrong.parse::<Assignment>().is_err(), "{wrong:?}");
        }
    }
}
