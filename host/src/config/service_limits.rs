//! The bounds of one service. They are declared once: as defaults for all services, and as what one section overrides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// The bounds of one service.
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct LimitSettings {
            $($(#[$doc])* pub $name: $type,)*
        }

        /// The bounds that the section of one service has.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct LimitOverrides {
            $(pub $name: Option<$type>,)*
        }

        impl LimitOverrides {
            /// Overrides that leave nothing to any defaults.
            pub(super) fn all(limits: &LimitSettings) -> Self {
                Self { $($name: Some(limits.$name.to_owned()),)* }
            }

            pub(super) fn over(&self, defaults: &LimitSettings) -> LimitSettings {
                LimitSettings { $($name: self.$name.to_owned().unwrap_or_else(|| defaults.$name.to_owned()),)* }
            }
        }
    };
}

limits! {
    /// Summed over the memories of one instance.
    memory_bytes_max: usize,
    deadline_ms: u64,
    calls_in_flight_max: usize,
    /// Of these, calls of one function at once, by its name in the contract.
    function_calls_in_flight_max: BTreeMap<String, usize>,
    /// Component instances that the service can rely on, whatever others do.
    instances_reserved: usize,
    calls_waiting_max: usize,
    /// How long a call may wait for its turn.
    wait_ms_max: u64,
    store_bytes_max: u64,
    /// Bytes that the host itself keeps beside the service's data: answers, intents, events.
    kept_bytes_max: u64,
    events_per_call_max: usize,
    answer_bytes_max: usize,
    log_bytes_per_second: u64,
    /// Depth of nested calls, the root call being 1.
    call_depth_max: usize,
    /// Failures (traps and deadlines) after which a release's circuit opens, if at least half of the calls fail; the
    /// clients that they are of at least; and how long it stays open.
    circuit_failures: u32,
    circuit_clients: u32,
    circuit_open_ms: u64,
}
