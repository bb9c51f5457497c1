//! Who is at the other end of a connection, and how many connections each client and all of them may hold.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub address: SocketAddr,
    pub key: ClientKey,
}

/// What counts as one client: an IPv4 address, or a /64 network of IPv6, which is what one subscriber gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey([u8; 16]);

impl Client {
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let key = match address.ip().to_canonical() {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip) & !u128::from(u64::MAX),
        };
        Self { address, key: ClientKey(key.to_be_bytes()) }
    }
}

impl ClientKey {
    pub(in crate::gateway) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// One of `shards` parts that clients are spread over.
    pub(in crate::gateway) fn shard(self, shards: usize) -> usize {
        // Neighbouring addresses go to different parts, whichever half of the key they differ in.
        let key = u128::from_be_bytes(self.0);
        let folded = key ^ (key >> 64);
        usize::try_from(folded % shards as u128).unwrap_or(0)
    }
}

/// Why a connection was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum ConnectionLimit {
    /// As many connections are open as there may be.
    Full,
    /// This client has as many open as one may have.
    Client,
}

impl ConnectionLimit {
    pub(in crate::gateway) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Client => "client",
        }
    }
}

/// The connections that are open.
#[derive(Debug)]
pub(in crate::gateway) struct Connections {
    open: Mutex<Open>,
    in_all_max: usize,
    per_client_max: usize,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    by_client: HashMap<ClientKey, usize>,
}

/// The place of one open connection, free again when it drops.
#[derive(Debug)]
pub(in crate::gateway) struct ConnectionPermit {
    connections: Arc<Connections>,
    key: ClientKey,
}

impl Connections {
    pub(in crate::gateway) fn new(in_all_max: usize, per_client_max: usize) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), in_all_max, per_client_max })
    }

    pub(in crate::gateway) fn take(self: &Arc<Self>, key: ClientKey) -> Result<ConnectionPermit, ConnectionLimit> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.in_all >= self.in_all_max {
            return Err(ConnectionLimit::Full);
        }
        if open.by_client.get(&key).is_some_and(|count| *count >= self.per_client_max) {
            return Err(ConnectionLimit::Client);
        }
        open.in_all += 1;
        *open.by_client.entry(key).or_default() += 1;
        Ok(ConnectionPermit { connections: Arc::clone(self), key })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.in_all -= 1;
        if let Some(count) = open.by_client.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.by_client.remove(&self.key);
            }
        }
    }
}
