//! Calls that the host makes by itself, because of an event or of time.
//!
//! Invariant: calls of one cause have one id, one time and the same randomness.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::execute::Call;
use super::root::Root;
use super::{Calls, Origin, RootCall, Routing};
use crate::contract::Function;
use crate::names::{Key, RequestId, ServiceName};

/// A call that the host makes by itself, because of an event or of time.
#[derive(Debug)]
pub struct HostCall {
    pub service: ServiceName,
    /// As the service's live release exports it.
    pub function: Arc<Function>,
    pub arguments: Vec<Val>,
    /// The emitter.
    pub calling_service: Option<ServiceName>,
    /// What makes it distinct: calls of one cause have the same ids and the same randomness, so that one made again meets
    /// the memos of the one before.
    pub cause: String,
    /// What it sees of the clock.
    pub time_unix_micros: u64,
    /// Entries of the platform's own in the store of the service, committed with what the call writes.
    pub entries: Vec<(Key, Option<Bytes>)>,
    /// Whether the host opens an intent before its first writing call to another service.
    pub intent: bool,
}

impl Calls {
    /// Makes `call` on what `routing` has live. It has its place in the journal when this returns, and may not be durable
    /// yet.
    ///
    /// # Errors
    ///
    /// [`CallError`]; nothing of the call remains in its service's store, and none of its entries.
    pub async fn make(&self, call: HostCall, routing: &Routing) -> Result<Answer, CallError> {
        let HostCall { service, function, arguments, calling_service, cause, time_unix_micros, entries, intent: _ } =
            call;
        let directory = self.inner.begin(routing, None, Origin::HOST, &service).await?;
        let Some(member) = directory.member(&service).cloned() else {
            return Err(CallError::unavailable(&service, "no such service"));
        };
        let seed: [u8; 32] = Sha256::digest(&cause).into();
        let (bits, _rest) = seed.split_first_chunk().expect("16 is less than 32");
        let request = RequestId::from_bits(u128::from_be_bytes(*bits));
        let root = RootCall { service, function, arguments: Vec::new(), identity: None, request };
        let function = Arc::clone(&root.function);
        let root = Arc::new(Root::new(directory, &root, seed, time_unix_micros));
        let call = Call::root(&root, &member, &function, arguments);
        Call { calling_service, entries, ..call }.execute().await
    }
}
