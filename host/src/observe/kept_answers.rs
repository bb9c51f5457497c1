//! Metrics of the stored answers to requests with a key: the space that they use, and answers that found no space.

use metrics::{counter, gauge};

use crate::names::ServiceName;

/// Sets the space that they use: `bytes` of `bytes_max`.
pub(crate) fn take(service: &ServiceName, bytes: u64, bytes_max: u64) {
    // Exact up to 2^53, which is more than can exist.
    gauge!("switchyard_kept_answers_bytes", "service" => service.to_string()).set(bytes as f64);
    gauge!("switchyard_kept_answers_bytes_max", "service" => service.to_string()).set(bytes_max as f64);
}

/// Records answers to guests that were deleted early.
pub(crate) fn evicted(service: &ServiceName, count: u64) {
    counter!("switchyard_kept_answers_evicted_total", "service" => service.to_string()).increment(count);
}

/// Records a request that was refused because there is no space for its answer: in the share of its client (`client`),
/// or in total.
pub(crate) fn refused(service: &ServiceName, share: &'static str) {
    counter!("switchyard_kept_answers_refused_total", "service" => service.to_string(), "share" => share).increment(1);
}
