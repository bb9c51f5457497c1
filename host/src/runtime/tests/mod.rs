//! Tests that need the inside of the host. All other behaviour of components is tested from outside, in
//! `host/tests/it`.

mod gate;
mod linking;

use crate::config::{LimitSettings, RuntimeSettings};

const LIMITS: LimitSettings = LimitSettings {
    memory_bytes_max: 8 << 20,
    deadline_ms: 5_000,
    body_bytes_max: 1 << 20,
    stream_ms_max: 60_000,
    handles_max: 1_024,
    calls_in_flight_max: 4,
    client_calls_percent_max: 100,
    function_calls_in_flight_max: std::collections::BTreeMap::new(),
    instances_reserved: 1,
    calls_waiting_max: 4,
    wait_ms_max: 1_000,
    store_bytes_max: 1 << 20,
    kept_bytes_max: 1 << 20,
    events_per_call_max: 10,
    answer_bytes_max: 10_000,
    log_bytes_per_second: 1_000,
    reuse: true,
    call_depth_max: 3,
    circuit_failures: 5,
    circuit_clients: 1,
    circuit_open_ms: 1_000,
};

const SETTINGS: RuntimeSettings = RuntimeSettings {
    instances_max: 2,
    core_instances_per_component_max: 16,
    memories_per_component_max: 3,
    memory_keep_resident_bytes: 2 << 20,
    epoch_ms: 1,
    compiled_bytes_max: 1 << 30,
    reuse_bytes_max: 64 << 20,
};
