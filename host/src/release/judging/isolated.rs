//! Isolated runs of a component: a smoke call, or a migration. They have no caller and reach no other service.

use std::time::{Duration, Instant};

use crate::clock;
use crate::names::{Digest, RequestId};
use crate::runtime::IsolatedFrame;
use crate::store::Transaction;

/// The inputs of an isolated run that takes at most `wait`.
pub(in crate::release) fn isolated_run(transaction: Transaction, wait: Duration) -> IsolatedFrame {
    let mut seed = [0; 32];
    // If the system provides no randomness, the run takes it from the time: nobody sees the results.
    if getrandom::fill(&mut seed).is_err() {
        seed = *Digest::of(&clock::unix_micros().to_be_bytes()).bytes();
    }
    let request = request_id();
    IsolatedFrame { transaction, seed, time_unix_micros: clock::unix_micros(), deadline: clock::now() + wait, request }
}

/// The id of an isolated run.
pub(in crate::release) fn request_id() -> RequestId {
    RequestId::from_bits(u128::from(clock::unix_micros()))
}

pub(in crate::release) fn millis(since: Instant) -> u64 {
    u64::try_from(clock::elapsed(since).as_millis()).unwrap_or(u64::MAX)
}
