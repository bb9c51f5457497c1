//! Calls that the host makes by itself: to deliver an event, or because it is time.
//!
//! Invariant: calls of one cause have the same ids, time and randomness, so that one that is made again meets the memos
//! of the one before.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::derive::Seed;
use super::execute::Call;
use super::intent::Intent;
use super::root::Root;
use super::{Calls, Origin, Routing};
use crate::contract::Function;
use crate::fail_point::fail_point;
use crate::names::{RequestId, ServiceName};
use crate::store::system::RowWrite;

/// A call that the host makes by itself, because of an event or of time.
#[derive(Debug)]
pub struct HostCall {
    pub service: ServiceName,
    /// As the service's live release exports it.
    pub function: Arc<Function>,
    pub arguments: Vec<Val>,
    /// The service that the component sees as its caller.
    pub calling_service: Option<ServiceName>,
    /// What makes it distinct: `event inventory 42 0 cart`.
    pub cause: String,
    /// What it sees of the clock, in microseconds since the Unix epoch.
    pub time_unix_micros: u64,
    /// Entries of the platform's own in the store of the service, committed with what the call writes.
    pub entries: Vec<RowWrite>,
    /// Whether it is gone on with by itself when it fails after it began something elsewhere; else whoever makes it makes
    /// it again until it ends.
    pub intent: bool,
}

impl Calls {
    /// Runs `call` until its effects are in the order of the journal, though maybe not yet durable.
    ///
    /// # Errors
    ///
    /// [`CallError`]; nothing of the call remains in its service's store, and neither do its entries.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the call ends where it is, as after a crash of the host.
    pub async fn run_host_call(&self, call: HostCall, routing: &Routing) -> Result<Answer, CallError> {
        let begun = self.inner.begin(routing, None, Origin::HOST, &call.service).await;
        let table = begun.map_err(|error| match error {
            // It waited until its deadline, and did not begin.
            CallError::Deadline { service } => CallError::unavailable(&service, "its data is being migrated"),
            error => error,
        })?;
        let Some(backend) = table.backend(&call.service).cloned() else {
            return Err(CallError::unavailable(&call.service, "no such service"));
        };
        let seed = self.seed_of(&call.cause);
        let (request, _rest) = seed.split_first_chunk().expect("16 is less than 32");
        let request = RequestId::from_bits(u128::from_be_bytes(*request));
        let root = Arc::new(Root::of_host(table, call, seed, request));
        fail_point("delivery.before-commit");
        let ended = Call::root(&root, &backend).execute().await;
        fail_point("delivery.after-commit");
        match ended {
            Err(_)
                if root.intent_is_open()
                    && (root.effects() > 0 || self.inner.close(&root, &backend).await.is_err()) =>
            {
                let _nobody_waits = self.inner.intents.add(Intent::of(&root), None, None);
                Err(CallError::Begun { service: root.service.clone() })
            }
            ended => ended.map(|ended| ended.answer),
        }
    }

    /// The seed of the call with this cause: nobody can tell it from the cause alone.
    fn seed_of(&self, cause: &str) -> Seed {
        let mut hash = Sha256::new();
        hash.update(b"host call");
        hash.update(self.inner.secret.as_bytes());
        hash.update(cause.as_bytes());
        hash.finalize().into()
    }
}
