//! Request rates: a token bucket for each client.
//!
//! Invariant: the table is bounded. A client with a full bucket needs no entry, so it is dropped first; if there is
//! none, new clients share one bucket.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::clock;
use crate::gateway::connections::client::ClientKey;
use crate::limits::RATED_CLIENTS_MAX;

const SHARDS: usize = 16;

/// The minimum time between two searches for clients to drop.
const SWEEP_NANOS_MIN: u64 = 1_000_000_000;

/// The rates of all clients.
#[derive(Debug)]
pub(in crate::gateway) struct Rates {
    began: Instant,
    bucket: Bucket,
    shards: [Mutex<Shard>; SHARDS],
    clients_per_shard_max: usize,
}

/// A bucket's size and rate, in nanoseconds: the cost of each request, and the maximum debt.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    cost: u64,
    owed_max: u64,
}

#[derive(Debug, Default)]
struct Shard {
    /// Until when each client has used up its tokens, in nanoseconds since the table was created.
    spent_until: HashMap<ClientKey, u64>,
    newcomers: u64,
    swept: u64,
}

impl Bucket {
    fn take(self, spent_until: &mut u64, now: u64) -> Result<(), u64> {
        let next = (*spent_until).max(now).saturating_add(self.cost);
        match (next - now).checked_sub(self.owed_max) {
            None | Some(0) => {
                *spent_until = next;
                Ok(())
            }
            Some(too_much) => Err(too_much),
        }
    }
}

impl Rates {
    /// At most `burst` requests of one client at once, and `per_second` on average.
    pub(in crate::gateway) fn new(per_second: u32, burst: u32) -> Self {
        Self::costing(1_000_000_000 / u64::from(per_second.max(1)), burst)
    }

    /// At most `calls` of one client per minute, which may all come at once.
    pub(in crate::gateway) fn per_minute(calls: u32) -> Self {
        Self::costing(60_000_000_000 / u64::from(calls.max(1)), calls)
    }

    fn costing(cost: u64, burst: u32) -> Self {
        Self {
            began: clock::now(),
            bucket: Bucket { cost, owed_max: cost * u64::from(burst.max(1)) },
            shards: Default::default(),
            clients_per_shard_max: RATED_CLIENTS_MAX / SHARDS,
        }
    }

    /// Counts a request of `client`.
    ///
    /// # Errors
    ///
    /// The number of seconds, at least 1, before the client may send the next request. A refused request costs nothing.
    pub(in crate::gateway) fn take(&self, client: ClientKey) -> Result<(), u64> {
        let now = u64::try_from(clock::now().duration_since(self.began).as_nanos()).unwrap_or(u64::MAX);
        self.take_at(client, now).map_err(|nanos| nanos.div_ceil(1_000_000_000).max(1))
    }

    fn take_at(&self, client: ClientKey, now: u64) -> Result<(), u64> {
        let Some(shard) = self.shards.get(client.shard(SHARDS)) else { return Ok(()) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spent_until) = shard.spent_until.get_mut(&client) {
            return self.bucket.take(spent_until, now);
        }
        // Not for every new client, because checking all entries takes time.
        if shard.spent_until.len() >= self.clients_per_shard_max && now >= shard.swept.saturating_add(SWEEP_NANOS_MIN) {
            shard.spent_until.retain(|_, spent_until| *spent_until > now);
            shard.swept = now;
        }
        if shard.spent_until.len() >= self.clients_per_shard_max {
            return self.bucket.take(&mut shard.newcomers, now);
        }
        self.bucket.take(shard.spent_until.entry(client).or_insert(now), now)
    }
}
