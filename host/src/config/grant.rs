//! Grants: the host, by name or address, or the range of addresses to which a component may send HTTP requests.
//!
//! Invariant: two equivalent grants are equal, even if they were written differently.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use hyper::http::uri::Authority;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::names::checked_text;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no host: {}", advice(text))]
pub struct GrantError {
    text: String,
}

fn advice(text: &str) -> &'static str {
    match text.starts_with("wasi:") {
        true => {
            "it is an interface; grant a host, such as `api.example.com`, or build the component with http disabled"
        }
        false => "write such as `api.example.com`, `127.0.0.1:9000`, or a range of addresses such as `10.0.0.0/8`",
    }
}

/// A permission to send HTTP requests.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grant {
    /// In lower case; an address in its shortest form. Without a port, the scheme's port.
    Host { host: String, port: Option<u16> },
    /// Addresses that a granted name may resolve to although they are not public.
    Range(IpNet),
}

impl Grant {
    /// # Errors
    ///
    /// Fails unless `text` is a range of addresses, or a host with or without a port and no other part of a URL.
    pub fn parse(text: &str) -> Result<Self, GrantError> {
        let wrong = || GrantError { text: text.into() };
        if let Ok(range) = text.parse::<IpNet>() {
            return Ok(Self::Range(range.trunc()));
        }
        let authority: Authority = text.parse().map_err(|_| wrong())?;
        let (host, port) = (authority.host(), authority.port_u16());
        if text.contains('@') || (port.is_none() && host != text) {
            return Err(wrong());
        }
        match canonical(host) {
            host if host.is_empty() => Err(wrong()),
            host => Ok(Self::Host { host, port }),
        }
    }
}

/// The canonical text of a host: names ignore case, and an address has many spellings.
pub(crate) fn canonical(host: &str) -> String {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

checked_text!(Grant, GrantError);

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = match self {
            Self::Range(range) => return write!(f, "{range}"),
            Self::Host { host, port } => (host, port),
        };
        match host.contains(':') {
            true => write!(f, "[{host}]")?,
            false => f.write_str(host)?,
        }
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// All grants as readable text.
#[must_use]
pub fn grants_text(grants: &[Grant]) -> String {
    grants.iter().map(Grant::to_string).collect::<Vec<_>>().join(", ")
}
