//! An intent: what it takes to run a root call again, as it lies in its service's store from before the first call that
//! it makes to another service and that may write, until its end.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmtime::component::Val;

use super::derive::Seed;
use super::request_key::RequestKey;
use super::root::Root;
use crate::contract::{Function, track};
use crate::names::{CallId, Digest, Identity, RequestId, ServiceName};
use crate::store::system::RowWrite;
use crate::value::binary::{BinaryError, put_all, read_arguments};

/// One intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    pub(super) service: ServiceName,
    pub(super) interface: String,
    pub(super) function: String,
    pub(super) seed: Seed,
    /// What the call sees of the clock, and when it began.
    pub(super) time_unix_micros: u64,
    pub(super) identity: Option<Identity>,
    pub(super) calling_service: Option<ServiceName>,
    request: String,
    /// The client's key, under which the answer is kept.
    pub(super) key: Option<RequestKey>,
    /// The releases that it began with.
    pub(super) releases: Vec<(ServiceName, Digest)>,
    /// What is committed with what the call writes.
    pub(super) entries: Vec<RowWrite>,
    /// Whether it goes on with the live releases, whatever it began with.
    #[serde(default)]
    pub(super) on_live: bool,
    #[serde(skip)]
    arguments: Vec<u8>,
}

/// Why an entry is no intent: it is damaged, or of a later version of switchyard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an intent cannot be read")]
pub struct UnreadableIntent;

impl Intent {
    pub(super) fn of(root: &Root) -> Self {
        let mut arguments = Vec::new();
        put_all(&root.arguments, &mut arguments);
        let backends = root.table.backends();
        let mut releases: Vec<_> =
            backends.map(|backend| (backend.service.name().clone(), backend.release.digest)).collect();
        releases.sort_unstable();
        Self {
            service: root.service.clone(),
            interface: root.function.interface.as_ref().into(),
            function: root.function.name.wit.as_ref().into(),
            seed: root.seed,
            time_unix_micros: root.time_unix_micros,
            identity: root.identity.clone(),
            calling_service: root.calling_service.clone(),
            request: root.request.as_str().into(),
            key: root.key.clone(),
            releases,
            entries: root.entries.clone(),
            on_live: false,
            arguments,
        }
    }

    pub(super) fn id(&self) -> CallId {
        CallId::of_seed(&self.seed)
    }

    /// The same, to go on with the live releases.
    pub(super) fn put_on_live(&self) -> Self {
        Self { on_live: true, ..self.clone() }
    }

    /// Whether it is of a call of `function`, in whatever version of its interface.
    pub(super) fn is_of(&self, function: &Function) -> bool {
        *function.name.wit == *self.function && track(&function.interface) == track(&self.interface)
    }

    pub(super) fn request_text(&self) -> &str {
        &self.request
    }

    pub(super) fn request(&self) -> Result<RequestId, UnreadableIntent> {
        RequestId::parse(&self.request).map_err(|_| UnreadableIntent)
    }

    /// The arguments, for `function` as its service has it now.
    pub(super) fn arguments(&self, function: &Function) -> Result<Vec<Val>, BinaryError> {
        read_arguments(&function.parameters, &self.arguments)
    }

    /// A line of JSON, and behind it the arguments.
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(self).expect("names, numbers and texts have a JSON form");
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.arguments);
        bytes.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, UnreadableIntent> {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or(UnreadableIntent)?;
        let (json, arguments) = bytes.split_at(end);
        let intent: Self = serde_json::from_slice(json).map_err(|_| UnreadableIntent)?;
        Ok(Self { arguments: arguments.get(1..).unwrap_or_default().to_vec(), ..intent })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn intent(request: &str, arguments: Vec<u8>) -> Intent {
        Intent {
            service: ServiceName::parse("cart").unwrap(),
            interface: "shop:cart/cart@1.0.0".into(),
            function: "checkout".into(),
            seed: [7; 32],
            time_unix_micros: 1,
            identity: Some(Identity { id: "a\nb".into(), role: "customer".into(), session: None }),
            calling_service: None,
            request: request.into(),
            key: None,
            releases: vec![(ServiceName::parse("cart").unwrap(), Digest::of(b"cart"))],
            entries: vec![crate::store::system::INTENTS.put(&CallId([1; 16]), vec![1])],
            on_live: true,
            arguments,
        }
    }

    proptest! {
        #[test]
        fn an_intent_reads_as_it_was_written(request in "[!-~]{1,20}", arguments: Vec<u8>) {
            let intent = intent(&request, arguments);
            prop_assert_eq!(Intent::decode(&intent.encode()), Ok(intent));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _read = Intent::decode(&bytes);
        }
    }
}
