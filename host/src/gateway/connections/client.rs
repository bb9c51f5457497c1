//! The client of a connection, and the number of connections that each client and all together may have.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

/// The remote end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub address: SocketAddr,
    pub key: ClientKey,
    /// Whether a trusted proxy wrote the headers of the request.
    pub is_behind_proxy: bool,
}

/// The unit that counts as one client: an IPv4 address, or an IPv6 /64 network, which is the usual share of one
/// subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientKey([u8; 16]);

impl Client {
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let key = match address.ip().to_canonical() {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip) & !u128::from(u64::MAX),
        };
        Self { address, key: ClientKey(key.to_be_bytes()), is_behind_proxy: false }
    }
}

impl ClientKey {
    pub(in crate::gateway) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The index of one of `shards` parts over which clients are spread.
    pub(in crate::gateway) fn shard(self, shards: usize) -> usize {
        // Neighbouring addresses go to different parts, whether they differ in the first or the second half of the key.
        let key = u128::from_be_bytes(self.0);
        let folded = key ^ (key >> 64);
        usize::try_from(folded % shards as u128).unwrap_or(0)
    }
}

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum ConnectionLimit {
    /// The maximum number of connections is open.
    Full,
    /// This client has its maximum number of connections open.
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

/// How many connections may be open.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct ConnectionLimits {
    pub(in crate::gateway) in_all_max: usize,
    pub(in crate::gateway) per_client_max: usize,
    /// Maximum of these that may be unauthenticated; `None`: connections are not distinguished.
    pub(in crate::gateway) unauthenticated_max: Option<usize>,
}

/// All open connections.
#[derive(Debug)]
pub(in crate::gateway) struct Connections {
    open: Mutex<Open>,
    limits: ConnectionLimits,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    by_client: HashMap<ClientKey, usize>,
    /// Unauthenticated connections, the oldest first.
    unauthenticated: BTreeMap<u64, Arc<ConnectionTrust>>,
    trusted: usize,
    arrived: u64,
}

/// The slot of one open connection, freed when it drops.
#[derive(Debug)]
pub(in crate::gateway) struct ConnectionPermit {
    connections: Arc<Connections>,
    key: Option<ClientKey>,
    trust: Option<Arc<ConnectionTrust>>,
}

/// Whether a connection has authenticated itself. An unauthenticated one is evicted when a new connection needs its
/// slot.
#[derive(Debug)]
pub struct ConnectionTrust {
    number: u64,
    state: AtomicU8,
    changed: Notify,
    connections: Weak<Connections>,
}

const UNAUTHENTICATED: u8 = 0;
const TRUSTED: u8 = 1;
const EVICTED: u8 = 2;

impl ConnectionTrust {
    /// Moves the connection to one of the slots for authenticated connections, if one is free.
    pub fn authenticate(&self) {
        let Some(connections) = self.connections.upgrade() else { return };
        let limits = connections.limits;
        let mut open = connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = limits.in_all_max.saturating_sub(limits.unauthenticated_max.unwrap_or(0));
        if open.trusted < kept && open.unauthenticated.remove(&self.number).is_some() {
            open.trusted += 1;
            self.state.store(TRUSTED, Ordering::Relaxed);
        }
    }

    /// Resolves when the connection must close: it was evicted, or is still unauthenticated after `time_max`.
    pub(in crate::gateway) async fn ends(&self, time_max: Duration) {
        let evicted = async {
            while self.state.load(Ordering::Relaxed) != EVICTED {
                self.changed.notified().await;
            }
        };
        if tokio::time::timeout(time_max, evicted).await.is_err() && self.state.load(Ordering::Relaxed) == TRUSTED {
            std::future::pending().await
        }
    }
}

impl Connections {
    pub(in crate::gateway) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), limits })
    }

    /// Takes a slot for a connection of the client `key`; without a key, it counts for no client.
    pub(in crate::gateway) fn take(
        self: &Arc<Self>,
        key: Option<ClientKey>,
    ) -> Result<ConnectionPermit, ConnectionLimit> {
        let limits = self.limits;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if limits.unauthenticated_max.is_none() && open.in_all >= limits.in_all_max {
            return Err(ConnectionLimit::Full);
        }
        let of_client = key.and_then(|key| open.by_client.get(&key));
        if of_client.is_some_and(|count| *count >= limits.per_client_max) {
            return Err(ConnectionLimit::Client);
        }
        let trust = limits.unauthenticated_max.map(|unauthenticated_max| {
            while open.unauthenticated.len() >= unauthenticated_max.max(1)
                && let Some((_, oldest)) = open.unauthenticated.pop_first()
            {
                oldest.state.store(EVICTED, Ordering::Relaxed);
                oldest.changed.notify_one();
            }
            open.arrived += 1;
            let (state, changed, connections) = (AtomicU8::new(UNAUTHENTICATED), Notify::new(), Arc::downgrade(self));
            let trust = Arc::new(ConnectionTrust { number: open.arrived, state, changed, connections });
            open.unauthenticated.insert(trust.number, Arc::clone(&trust));
            trust
        });
        open.in_all += 1;
        if let Some(key) = key {
            *open.by_client.entry(key).or_default() += 1;
        }
        Ok(ConnectionPermit { connections: Arc::clone(self), key, trust })
    }
}

impl ConnectionPermit {
    /// `None` if connections are not distinguished.
    pub(in crate::gateway) fn trust(&self) -> Option<Arc<ConnectionTrust>> {
        self.trust.clone()
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.in_all -= 1;
        if let Some(trust) = &self.trust {
            match trust.state.load(Ordering::Relaxed) {
                TRUSTED => open.trusted -= 1,
                _ => drop(open.unauthenticated.remove(&trust.number)),
            }
        }
        let Some(key) = self.key else { return };
        if let Some(count) = open.by_client.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                open.by_client.remove(&key);
            }
        }
    }
}
