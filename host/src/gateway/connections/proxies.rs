//! The client whose request a proxy forwards: from `Forwarded` (RFC 7239), `X-Forwarded-For`, or the PROXY protocol.
//!
//! Invariant: only the text of a trusted proxy counts. A list is read from its end, where the nearest proxy writes, up
//! to the first address that is not trusted. The client may have written everything before that itself.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hyper::header::{FORWARDED, HeaderMap, HeaderName};
use hyper::{Request, body::Incoming};
use ipnet::IpNet;
use ppp::{HeaderResult, v1, v2};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::client::Client;
use crate::config::ClientAddressFrom;
use crate::limits::PROXY_HEADER_BYTES_MAX;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The start of version 2 of the PROXY protocol; no request starts like this.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The bytes of version 2 before the length of the rest.
const V2_LENGTH_AT: usize = 14;

/// Longest line of version 1, in bytes, as the protocol says.
const V1_BYTES_MAX: usize = 107;

/// The trusted proxies, and where they give the client's address.
#[derive(Debug, Clone)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    from: ClientAddressFrom,
}

impl TrustedProxies {
    #[must_use]
    pub fn new(networks: Vec<IpNet>, from: ClientAddressFrom) -> Self {
        Self { networks: networks.into(), from }
    }

    /// No proxy is trusted.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Vec::new(), ClientAddressFrom::XForwardedFor)
    }

    pub(in crate::gateway) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The client of a connection from `peer`: from the PROXY protocol, if the proxies use it.
    ///
    /// # Errors
    ///
    /// If a trusted proxy does not send its header first.
    pub(in crate::gateway) async fn client(&self, stream: &mut TcpStream, peer: Client) -> io::Result<Client> {
        if self.from != ClientAddressFrom::ProxyProtocol || !self.trusts(peer.address.ip()) {
            return Ok(peer);
        }
        let header = read_header(stream).await?;
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "it is not a header of the PROXY protocol");
        // A header without an address marks the proxy's own connection, such as a health check.
        let source = source(&header).ok_or_else(malformed)?;
        Ok(source.map_or(peer, Client::new))
    }

    /// The client of `request`, which came on a connection from `peer`.
    pub(in crate::gateway) fn client_of(&self, request: &Request<Incoming>, peer: Client) -> Client {
        let peer_address = peer.address.ip();
        let client = match self.farthest(request.headers(), peer_address) {
            Some(address) => Client::new(SocketAddr::new(address, 0)),
            None => peer,
        };
        Client { is_behind_proxy: self.writes_headers(peer_address), ..client }
    }

    /// Whether `peer` is a trusted proxy that writes headers. One that speaks the PROXY protocol only passes on bytes.
    fn writes_headers(&self, peer: IpAddr) -> bool {
        self.from != ClientAddressFrom::ProxyProtocol && self.trusts(peer)
    }

    /// The farthest address that trusted proxies confirm; `None` if `peer` is not one of them, or there is no such
    /// header.
    fn farthest(&self, headers: &HeaderMap, peer: IpAddr) -> Option<IpAddr> {
        if !self.writes_headers(peer) {
            return None;
        }
        let name = match self.from {
            ClientAddressFrom::Forwarded => FORWARDED,
            ClientAddressFrom::XForwardedFor => X_FORWARDED_FOR,
            ClientAddressFrom::ProxyProtocol => return None,
        };
        // Several lines form one list (RFC 9110, section 5.3). A line that is not text hides the lines before it.
        let mut found = None;
        for line in headers.get_all(name).iter().collect::<Vec<_>>().into_iter().rev() {
            let line = line.to_str().ok()?;
            for element in split(line, ',').into_iter().rev() {
                let address = match self.from {
                    ClientAddressFrom::Forwarded => forwarded_for(element),
                    _ => address(element.trim()),
                };
                let Some(address) = address else { return found };
                found = Some(address);
                if !self.trusts(address) {
                    return found;
                }
            }
        }
        found
    }
}

/// The pieces of `text` between `separator`s that are not in quotes (RFC 9110, section 5.6.4).
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut pieces, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => {
                pieces.push(text.get(begin..at).unwrap_or_default());
                begin = at + separator.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(text.get(begin..).unwrap_or_default());
    pieces
}

/// The address in the `for` of one element of `Forwarded`; `None` if it is obfuscated (RFC 7239, section 6).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = split(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let node = node.trim();
    let unquoted = node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node);
    address(&unquoted.replace('\\', ""))
}

/// Parses an address with or without a port; IPv6 may be in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = text.strip_prefix('[').and_then(|text| text.split_once(']')).map(|(address, _port)| address);
    let address = bracketed.unwrap_or(text);
    address.parse().ok().or_else(|| address.split_once(':')?.0.parse().ok())
}

/// Reads a header of the PROXY protocol, and no byte more.
async fn read_header(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut header = vec![0; V2_SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == V2_SIGNATURE {
        let mut fixed = [0; 4];
        stream.read_exact(&mut fixed).await?;
        header.extend_from_slice(&fixed);
        let length = header.get(V2_LENGTH_AT..).and_then(|length| length.try_into().ok()).map_or(0, u16::from_be_bytes);
        let rest = usize::from(length);
        if rest > PROXY_HEADER_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let begin = header.len();
        header.resize(begin + rest, 0);
        stream.read_exact(header.get_mut(begin..).unwrap_or_default()).await?;
        return Ok(header);
    }
    while !header.ends_with(b"\r\n") && header.starts_with(b"PROXY ") && header.len() < V1_BYTES_MAX {
        header.push(stream.read_u8().await?);
    }
    Ok(header)
}

/// The source in a header: `Some(None)` if it names no address, `None` if it is no header.
fn source(header: &[u8]) -> Option<Option<SocketAddr>> {
    Some(match HeaderResult::parse(header) {
        HeaderResult::V1(Ok(header)) => match header.addresses {
            v1::Addresses::Tcp4(tcp) => Some((tcp.source_address, tcp.source_port).into()),
            v1::Addresses::Tcp6(tcp) => Some((tcp.source_address, tcp.source_port).into()),
            v1::Addresses::Unknown => None,
        },
        HeaderResult::V2(Ok(header)) => match header.addresses {
            _ if header.command == v2::Command::Local => None,
            v2::Addresses::IPv4(tcp) => Some((tcp.source_address, tcp.source_port).into()),
            v2::Addresses::IPv6(tcp) => Some((tcp.source_address, tcp.source_port).into()),
            v2::Addresses::Unspecified | v2::Addresses::Unix(_) => None,
        },
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => return None,
    })
}
