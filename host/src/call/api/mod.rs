//! The part of `call` that the rest of the host uses: root calls, the host's own calls, authentication, holds, and the operator's view of
//! open intents.

mod authenticate;
mod calls;
mod host_call;
mod intent_admin;
mod root_call;

#[cfg(test)]
pub(super) mod tests;

pub use calls::{Calls, HttpCaller};
pub use host_call::HostCall;
pub use intent_admin::{IntentError, IntentHold};
pub use root_call::{Reply, RootCall};
