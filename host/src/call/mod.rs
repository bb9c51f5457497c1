//! Calls: each is one run of an exported function, however it was reached, and one transaction on its service's store.
//!
//! `reuse` has the answers that calls get again, `routing` chooses the release of a call; `engine` runs it; `durability` makes it repeatable; `api` is for the rest
//! of the host. Each uses only those before it.
//!
//! Invariant: an answer leaves [`Calls::call`] only when every commit that its call, or a call below it, made or read
//! is durable.

mod api;
mod durability;
mod engine;
mod reuse;
mod routing;

pub use api::{Calls, HostCall, HttpCaller, IntentError, IntentHold, Reply, RootCall};
pub use durability::open_intents::IntentView;
pub use durability::recovery::{FindError, PinnedReleases};
pub use durability::request_key::{RequestKey, RequestScope};
pub use engine::answer::{Answer, CallError};
pub use engine::rehearsal::{DifferentAnswers, NotRehearsed, Rehearsal, RehearsalReport, RehearsedFunction, Side};
pub use reuse::{AnswerBody, CachedAnswer, ReuseBounds};
pub use routing::{
    Backend, Candidate, Hold, LinkedComponent, LoadedRelease, Mount, NotExported, Origin, Routing, RoutingTable,
    Service, Shadow, Share, Worlds,
};
