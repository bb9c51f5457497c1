//! The limits of one service, declared once for two uses: the defaults of all services, and the overrides of one
//! section.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// The limits of one service.
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct LimitSettings {
            $($(#[$doc])* pub $name: $type,)*
        }

        /// The limits that the section of one service sets.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct LimitOverrides {
            $(pub $name: Option<$type>,)*
        }

        impl LimitOverrides {
            /// Overrides that set every limit.
            #[must_use]
            pub fn all(limits: &LimitSettings) -> Self {
                Self { $($name: Some(limits.$name.to_owned()),)* }
            }

            pub(super) fn over(&self, defaults: &LimitSettings) -> LimitSettings {
                LimitSettings { $($name: self.$name.to_owned().unwrap_or_else(|| defaults.$name.to_owned()),)* }
            }
        }
    };
}

limits! {
    /// The sum over all memories of one instance.
    memory_bytes_max: usize,
    /// How long a call may take; a request to a mounted service, until its response begins.
    deadline_ms: u64,
    /// Bytes of the body of a request to a mounted service.
    body_bytes_max: usize,
    /// How long a request to a mounted service may take with its response.
    stream_ms_max: u64,
    /// Streams, pollables and other handles of one instance.
    handles_max: usize,
    calls_in_flight_max: usize,
    /// The part of these for requests of one client to a mounted service.
    client_calls_percent_max: u32,
    /// The part of these for calls of one function, by its name in the contract.
    function_calls_in_flight_max: BTreeMap<String, usize>,
    /// Component instances that are always available to the service.
    instances_reserved: usize,
    calls_waiting_max: usize,
    /// How long a call may wait for admission.
    wait_ms_max: u64,
    store_bytes_max: u64,
    /// Bytes of the host's own records for the service: answers, intents, events.
    kept_bytes_max: u64,
    events_per_call_max: usize,
    answer_bytes_max: usize,
    log_bytes_per_second: u64,
    /// Whether the service's reading calls may get the answers of earlier ones.
    reuse: bool,
    /// Depth of nested calls; the root call counts as 1.
    call_depth_max: usize,
    /// The number of failures (traps and deadlines) that open a release's circuit if at least half of its calls fail,
    /// the minimum number of clients with such failures, and how long the circuit stays open.
    circuit_failures: u32,
    circuit_clients: u32,
    circuit_open_ms: u64,
}
