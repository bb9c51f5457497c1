//! What a node says of a request that it forwards: who sent it, and that a node of this cluster says so.
//!
//! Invariant: only who has the host's secret can make one, and it holds for one method and one path alone.

use std::net::SocketAddr;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Uri};
use ring::hmac;

use crate::gateway::Client;
use crate::names::{HostSecret, hex, unhex};

/// The header with the envelope.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("switchyard-forwarded");

/// The key that all nodes of a cluster derive from the host's secret, which is in the stream.
pub(super) struct NodeKey(hmac::Key);

impl NodeKey {
    pub(super) fn new(secret: &HostSecret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret.derive("nodes of a cluster")))
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKey(..)")
    }
}

/// The listener that a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Public,
    Operator,
    /// A node itself reports to the leader.
    Node,
}

impl Side {
    const NAMES: [(Self, &str); 3] = [(Self::Public, "public"), (Self::Operator, "operator"), (Self::Node, "node")];

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(side, _)| *side == self).map_or("", |(_, name)| name)
    }

    fn named(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, name)| *name == text).map(|(side, _)| *side)
    }
}

/// What a node says of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope {
    pub(super) side: Side,
    pub(super) client: Client,
    /// Whether the node has checked that the sender has its admin token.
    pub(super) is_admin: bool,
    /// Whether an earlier attempt may have had its effect.
    pub(super) is_repeated: bool,
}

impl Envelope {
    /// The header for a request with this method and path.
    pub(super) fn seal(&self, key: &NodeKey, method: &Method, uri: &Uri) -> HeaderValue {
        let text = self.text();
        let tag = hmac::sign(&key.0, signed(&text, method, uri).as_bytes());
        HeaderValue::from_str(&format!("{text} {}", hex(tag.as_ref()))).expect("it is visible ASCII")
    }

    /// Reads the header of a request with this method and path; `None` unless a node of this cluster made it for them.
    pub(super) fn open(value: &HeaderValue, key: &NodeKey, method: &Method, uri: &Uri) -> Option<Self> {
        let (text, tag) = value.to_str().ok()?.rsplit_once(' ')?;
        hmac::verify(&key.0, signed(text, method, uri).as_bytes(), &unhex(tag)?).ok()?;
        let mut words = text.split(' ');
        let mut word = || words.next();
        let side = Side::named(word()?)?;
        let address: SocketAddr = word()?.parse().ok()?;
        let [is_behind_proxy, is_admin, is_repeated] = [word()? == "1", word()? == "1", word()? == "1"];
        Some(Self { side, client: Client { is_behind_proxy, ..Client::new(address) }, is_admin, is_repeated })
    }

    fn text(&self) -> String {
        let Self { side, client, is_admin, is_repeated } = self;
        let flag = |is_set: bool| u8::from(is_set);
        format!(
            "{} {} {} {} {}",
            side.name(),
            client.address,
            flag(client.is_behind_proxy),
            flag(*is_admin),
            flag(*is_repeated)
        )
    }
}

fn signed(text: &str, method: &Method, uri: &Uri) -> String {
    format!("{text}\n{method}\n{}", uri.path_and_query().map_or("/", |path| path.as_str()))
}

#[cfg(test)]
mod tests;
