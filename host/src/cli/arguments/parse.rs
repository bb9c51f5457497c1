//! The values of options: percentages, headers, periods, and which file is for which service.

#[cfg(test)]
mod tests;

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

/// In the form that the host parses: without a sign.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A header; calls with it get the candidate.
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

/// In the form that the host parses: in seconds.
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

/// In the form in which it is parsed.
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
