//! Answers of reading calls that are given again while nothing has changed that they depend on.
//!
//! A call that only reads depends on its arguments, its release, what it and the calls below it read, and on what
//! [`crate::runtime::Uses`] lists. The host sees all of it. So it caches the answer with its read sets, and a later call
//! gets the same answer while a run would read the same.
//!
//! Invariant: a reused answer is the answer that a run would give that begins now.

mod answer_cache;
mod answer_key;
mod cached_answer;
mod dependency;
mod provenance;

pub(super) use answer_cache::AnswerCache;
pub use answer_cache::ReuseBounds;
pub(super) use answer_key::AnswerKey;
pub use cached_answer::{AnswerBody, CachedAnswer};
pub(super) use dependency::{BackendId, Dependency, SerialNumber};
pub(super) use provenance::Provenance;
