//! What a node says of a request that it sends to another one: who made it, and that a node of this cluster says so.
//!
//! Invariant: only who has the host's secret can make one. It holds for one method, path and node, for the body of a message
//! between nodes, and for [`AGE_MAX`].

use std::net::SocketAddr;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Uri};
use ring::hmac;

use crate::clock;
use crate::gateway::Client;
use crate::names::{Digest, HostSecret, hex, unhex};

/// The header with the envelope.
pub(super) const FORWARDED: HeaderName = HeaderName::from_static("switchyard-forwarded");

/// How old an envelope may be, and by how much the clocks of two nodes may differ. Half a minute is more than machines differ
/// that set their clocks at all.
pub(super) const AGE_MAX: Duration = Duration::from_secs(30);

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
    /// A node itself says something, with this body.
    Node(Digest),
}

impl Side {
    fn text(self) -> String {
        match self {
            Self::Public => "public".into(),
            Self::Operator => "operator".into(),
            Self::Node(body) => body.to_string(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "public" => Some(Self::Public),
            "operator" => Some(Self::Operator),
            digest => Digest::parse(digest).ok().map(Self::Node),
        }
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

/// The request that an envelope is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed<'a> {
    /// The address of the node that gets it.
    pub(super) to: &'a str,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
}

/// Tells an envelope from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tag(u128);

/// Why an envelope is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// No node of this cluster made it for this request.
    Foreign,
    /// It was made so long ago, or later than now: the clocks of the two nodes differ by more than [`AGE_MAX`]. Or it was made
    /// before this process began, which does not know what the one before it has taken.
    Age(Duration),
}

impl Envelope {
    /// The header for this request.
    pub(super) fn seal(&self, key: &NodeKey, request: Sealed<'_>) -> HeaderValue {
        // Without randomness two of one microsecond are alike, and the second one is refused.
        self.seal_at(key, request, clock::unix_micros(), getrandom::u64().unwrap_or_default())
    }

    fn seal_at(&self, key: &NodeKey, request: Sealed<'_>, unix_micros: u64, nonce: u64) -> HeaderValue {
        let Self { side, client, is_admin, is_repeated } = self;
        let flag = |is_set: bool| u8::from(is_set);
        let text = format!(
            "{} {} {} {} {} {unix_micros} {nonce:x}",
            side.text(),
            client.address,
            flag(client.is_behind_proxy),
            flag(*is_admin),
            flag(*is_repeated)
        );
        let tag = hmac::sign(&key.0, request.signed(&text).as_bytes());
        HeaderValue::from_str(&format!("{text} {}", hex(tag.as_ref()))).expect("it is visible ASCII")
    }

    /// Reads the header of a request. No earlier one than `since`, in microseconds since the Unix epoch, is taken.
    ///
    /// # Errors
    ///
    /// [`Refused`].
    pub(super) fn open(
        value: &HeaderValue,
        key: &NodeKey,
        request: Sealed<'_>,
        since: u64,
    ) -> Result<(Self, Tag), Refused> {
        let (envelope, unix_micros, tag) = Self::read(value, key, request).ok_or(Refused::Foreign)?;
        match Duration::from_micros(clock::unix_micros().abs_diff(unix_micros)) {
            age if age > AGE_MAX || unix_micros < since => Err(Refused::Age(age)),
            _ => Ok((envelope, tag)),
        }
    }

    fn read(value: &HeaderValue, key: &NodeKey, request: Sealed<'_>) -> Option<(Self, u64, Tag)> {
        let (text, tag) = value.to_str().ok()?.rsplit_once(' ')?;
        let tag = unhex(tag)?;
        hmac::verify(&key.0, request.signed(text).as_bytes(), &tag).ok()?;
        let mut words = text.split(' ');
        let mut word = || words.next();
        let side = Side::parse(word()?)?;
        let address: SocketAddr = word()?.parse().ok()?;
        let [is_behind_proxy, is_admin, is_repeated] = [word()? == "1", word()? == "1", word()? == "1"];
        let unix_micros = word()?.parse().ok()?;
        let client = Client { is_behind_proxy, ..Client::new(address) };
        let tag = Tag(u128::from_le_bytes(*tag.first_chunk()?));
        Some((Self { side, client, is_admin, is_repeated }, unix_micros, tag))
    }
}

impl Sealed<'_> {
    fn signed(&self, text: &str) -> String {
        let Self { to, method, uri } = self;
        format!("{text}\n{to}\n{method}\n{}", uri.path_and_query().map_or("/", |path| path.as_str()))
    }
}

#[cfg(test)]
pub(super) fn tag_of_test(number: u128) -> Tag {
    Tag(number)
}

#[cfg(test)]
mod tests;
