//! Makes calls durable: kept answers for requests with a key, memos of nested calls, and intents of root calls. The
//! host repeats a call with an intent until it has ended.
//!
//! Invariant: a row is committed with its effects, or before the first of them.

mod after_run;
pub(super) mod claims;
mod client_shares;
mod durable_calls;
mod in_flight;
pub(super) mod intent;
mod kept_answers;
pub(super) mod open_intents;
pub(super) mod recovery;
pub(super) mod request_key;
pub(super) mod retention;
pub(super) mod root_persistence;
mod sealer;

pub(super) use after_run::AfterRun;
pub(super) use durable_calls::DurableCalls;
pub(in crate::call) use durable_calls::closing_intent;
pub(super) use kept_answers::Lookup;
