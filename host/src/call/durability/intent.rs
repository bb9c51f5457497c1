//! An intent: all data that the host needs to run a root call again. It is stored with the call's service from before
//! the first nested call that may write until the call has ended.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmtime::component::Val;

use super::request_key::RequestKey;
use crate::call::engine::root::{Root, RootDetails};
use crate::call::engine::seed::Seed;
use crate::contract::{Function, track};
use crate::names::{CallId, CommitSeq, Digest, Identity, RequestId, ServiceName};
use crate::store::system::RowWrite;
use crate::value::binary::{BinaryError, put_all, read_arguments};

/// One intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::call) struct Intent {
    pub(in crate::call) service: ServiceName,
    pub(in crate::call) interface: String,
    pub(in crate::call) function: String,
    pub(in crate::call) seed: Seed,
    /// The time that the call sees, which is the time when it began.
    pub(in crate::call) time_unix_micros: u64,
    pub(in crate::call) identity: Option<Identity>,
    pub(in crate::call) calling_service: Option<ServiceName>,
    request: String,
    /// The client's key: the answer is kept under it.
    pub(in crate::call) key: Option<RequestKey>,
    /// The releases that it began with.
    pub(in crate::call) releases: Vec<(ServiceName, Digest)>,
    /// Rows to commit with the call's writes.
    pub(in crate::call) rows: Vec<RowWrite>,
    /// Whether it continues on the live releases instead of its original ones.
    #[serde(default)]
    pub(in crate::call) on_live: bool,
    /// The last commit that its runs in this process made or read. After a start, all of these are durable.
    #[serde(skip)]
    pub(in crate::call) reached: CommitSeq,
    #[serde(skip)]
    arguments: Vec<u8>,
}

/// Why an entry is not an intent: it is damaged, or from a later version of switchyard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an intent cannot be read")]
pub struct UnreadableIntent;

impl Intent {
    /// The intent of `root`, whose answer is kept under `key` and whose end is committed with `rows`.
    pub(in crate::call) fn of(root: &Root, key: Option<&RequestKey>, rows: &[RowWrite]) -> Self {
        let RootDetails { service, function, arguments: values, .. } = &root.details;
        let mut arguments = Vec::new();
        put_all(values, &mut arguments);
        let backends = root.table.backends();
        let mut releases: Vec<_> =
            backends.map(|backend| (backend.service.name().clone(), backend.release.digest)).collect();
        releases.sort_unstable();
        Self {
            service: service.clone(),
            interface: function.interface.as_ref().into(),
            function: function.name.wit.as_ref().into(),
            seed: root.details.seed,
            time_unix_micros: root.details.time_unix_micros,
            identity: root.details.identity.clone(),
            calling_service: root.details.calling_service.clone(),
            request: root.details.request.as_str().into(),
            key: key.cloned(),
            releases,
            rows: rows.to_vec(),
            on_live: false,
            reached: root.reached(),
            arguments,
        }
    }

    pub(in crate::call) fn arguments_bytes(&self) -> usize {
        self.arguments.len()
    }

    pub(in crate::call) fn id(&self) -> CallId {
        CallId::of_seed(&self.seed)
    }

    /// The same intent, but on the live releases.
    pub(in crate::call) fn with_live_releases(&self) -> Self {
        Self { on_live: true, ..self.clone() }
    }

    /// Whether its call is of `function`, in any version of its interface.
    pub(in crate::call) fn is_of(&self, function: &Function) -> bool {
        *function.name.wit == *self.function && track(&function.interface) == track(&self.interface)
    }

    pub(in crate::call) fn request_text(&self) -> &str {
        &self.request
    }

    pub(in crate::call) fn request(&self) -> Result<RequestId, UnreadableIntent> {
        RequestId::parse(&self.request).map_err(|_| UnreadableIntent)
    }

    /// The arguments, for the current version of `function`.
    pub(in crate::call) fn arguments(&self, function: &Function) -> Result<Vec<Val>, BinaryError> {
        read_arguments(&function.parameters, &self.arguments)
    }

    /// A line of JSON, followed by the arguments.
    pub(in crate::call) fn encode(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(self).expect("names, numbers and texts have a JSON form");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.arguments);
        bytes.into()
    }

    pub(in crate::call) fn decode(bytes: &[u8]) -> Result<Self, UnreadableIntent> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(UnreadableIntent)?;
        let (json, arguments) = bytes.split_at(end);
        let intent: Self = serde_json::from_slice(json).map_err(|_| UnreadableIntent)?;
        Ok(Self { arguments: arguments.get(1..).unwrap_or_default().to_vec(), ..intent })
    }
}

#[cfg(test)]
mod tests;
