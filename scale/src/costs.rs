//! The measured costs that the model is made of. docs/scale.md says which row of which run each comes from.

/// CPU milliseconds of one checkout, one cart write and one reused read, at the host that runs them.
const CHECKOUT_CPU_MS: f64 = 1.628;
const CART_WRITE_CPU_MS: f64 = 0.189;
const READ_CPU_MS: f64 = 0.0187;

/// CPU milliseconds that a follower needs for the commits of a checkout and of a cart write. Not measured: the native program
/// of the bench needs as much for the same commits and its HTTP together.
const CHECKOUT_APPLY_MS: f64 = 0.101;
const CART_WRITE_APPLY_MS: f64 = 0.036;

/// Bytes that a checkout and a cart write add to the stream, each with an `Idempotency-Key`, and with all that follows it.
const CHECKOUT_BYTES: f64 = 6_400.0;
const CART_WRITE_BYTES: f64 = 800.0;

/// What belongs to one order. These are assumptions about customers: each order has so many writes to its cart, and so many
/// pages are read for it, by all who look and do not buy.
const CART_WRITES_PER_ORDER: f64 = 4.0;
const READS_PER_ORDER: f64 = 40.0;

/// The hosts of one shard: the leader, and two that follow.
pub(crate) const REPLICAS: usize = 3;

/// CPU milliseconds that an order costs at each host of its shard for reads: they are spread over all.
const READS_CPU_MS: f64 = READS_PER_ORDER * READ_CPU_MS / REPLICAS as f64;

/// CPU milliseconds of one order at the leader of its shard.
pub(crate) const LEADER_CPU_MS: f64 = CHECKOUT_CPU_MS + CART_WRITES_PER_ORDER * CART_WRITE_CPU_MS + READS_CPU_MS;

/// CPU milliseconds of one order at each follower of its shard.
pub(crate) const FOLLOWER_CPU_MS: f64 = CHECKOUT_APPLY_MS + CART_WRITES_PER_ORDER * CART_WRITE_APPLY_MS + READS_CPU_MS;

/// Bytes that one order adds to the stream of its shard.
pub(crate) const ORDER_BYTES: f64 = CHECKOUT_BYTES + CART_WRITES_PER_ORDER * CART_WRITE_BYTES;

/// Batches of 32 KB per second that a group of three NATS servers stored on two shared cores.
const BATCHES_PER_SECOND: f64 = 560.0;
const BATCH_BYTES: f64 = 32_000.0;

/// Orders per second of one group of NATS servers at its measured limit.
pub(crate) const GROUP_ORDERS_PER_SECOND: f64 = BATCHES_PER_SECOND * BATCH_BYTES / ORDER_BYTES;

/// A leader without commits sends so many heartbeats per second.
const HEARTBEATS_PER_SECOND: f64 = 2.0;

/// Shards of one group: their heartbeats take at most a quarter of its batches.
pub(crate) const GROUP_SHARDS_MAX: usize = 70;
const _: () = assert!(GROUP_SHARDS_MAX as f64 * HEARTBEATS_PER_SECOND <= BATCHES_PER_SECOND / 4.0);

/// Milliseconds until the stream acknowledges a batch, with four in flight.
pub(crate) const ACK_MS: f64 = 4_000.0 / BATCHES_PER_SECOND;

/// The costs as docs/scale.md has them.
#[cfg(test)]
pub(crate) fn documented() -> Vec<String> {
    let milliseconds = [CHECKOUT_CPU_MS, CART_WRITE_CPU_MS, READ_CPU_MS].map(|cost| format!("| {cost} ms CPU |"));
    let at_most = [CHECKOUT_APPLY_MS, CART_WRITE_APPLY_MS].map(|cost| format!("| at most {cost} ms CPU |"));
    let orders = format!("{LEADER_CPU_MS:.2} ms of CPU\nat the leader and {FOLLOWER_CPU_MS:.2} ms at each");
    milliseconds.into_iter().chain(at_most).chain([orders, format!("| {BATCHES_PER_SECOND} per second,")]).collect()
}

/// The row of docs/scale.md for so many orders per second.
#[cfg(test)]
pub(crate) fn arithmetic(label: &str, orders: f64) -> String {
    use crate::settings::{GROUP_ORDERS_MAX, PLANNED_CPU_PART};
    let followers = (REPLICAS - 1) as f64 * FOLLOWER_CPU_MS;
    let cores = orders * (LEADER_CPU_MS + followers) / 1_000.0 / PLANNED_CPU_PART;
    let (bytes, shards) = (orders * ORDER_BYTES, (orders / GROUP_ORDERS_MAX).ceil());
    let (megabytes, gigabytes) = (bytes / 1e6, bytes * 86_400.0 / 1e9);
    let megabytes = if megabytes < 1.0 { format!("{megabytes:.3}") } else { format!("{megabytes:.1}") };
    format!("| {label} | {cores:.1} | {:.0} | {megabytes} MB | {gigabytes:.0} GB | {shards} |", bytes / BATCH_BYTES)
}
