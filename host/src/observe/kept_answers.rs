//! The answers that are kept for requests with a key: the room that they take, and what became of those without room.

use metrics::{counter, gauge};

use crate::names::ServiceName;

/// They take `bytes` of `bytes_max`.
pub(crate) fn take(service: &ServiceName, bytes: u64, bytes_max: u64) {
    // Exact up to 2^53, more than there can be.
    gauge!("switchyard_kept_answers_bytes", "service" => service.to_string()).set(bytes as f64);
    gauge!("switchyard_kept_answers_bytes_max", "service" => service.to_string()).set(bytes_max as f64);
}

/// So many of guests were deleted before their time.
pub(crate) fn evicted(service: &ServiceName, count: u64) {
    counter!("switchyard_kept_answers_evicted_total", "service" => service.to_string()).increment(count);
}

/// A request was refused, as there is no room for its answer: in the `client`'s share, or in all.
pub(crate) fn refused(service: &ServiceName, share: &'static str) {
    counter!("switchyard_kept_answers_refused_total", "service" => service.to_string(), "share" => share).increment(1);
}
