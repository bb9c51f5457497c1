//! The engines, which configure wasmtime: one for domain components, one for raw `wasi:http` components.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::config::RuntimeSettings;
use crate::limits::{GUEST_STACK_BYTES_MAX, TABLE_ELEMENTS_MAX};

/// The components that an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Kind {
    /// Components with a contract: synchronous functions, one at a time in an instance.
    Domain,
    /// Components that serve `wasi:http`, whose functions may be asynchronous.
    Http,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Http => "http",
        }
    }
}

/// # Errors
///
/// When the host cannot reserve the address space that the settings require.
pub(in crate::runtime) fn engine(kind: Kind, settings: &RuntimeSettings) -> wasmtime::Result<Engine> {
    let mut config = config(kind);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings)));
    Engine::new(&config)
}

/// An engine that only compiles, for an engine of the same kind. It reserves nothing.
///
/// # Errors
///
/// When the machine lacks a feature that wasmtime needs.
pub(super) fn compiling_engine(kind: Kind) -> wasmtime::Result<Engine> {
    Engine::new(&config(kind))
}

fn config(kind: Kind) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(kind == Kind::Http)
        .wasm_component_model_async(kind == Kind::Http)
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK_BYTES_MAX)
        // Names and offsets show where a guest trapped. Reading DWARF for lines would cost megabytes per component.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

/// Slots for all instances at once. An unused slot costs address space. Its used memory stays resident up to a bound,
/// so that the next instance in it starts quickly.
fn pool(settings: &RuntimeSettings) -> PoolingAllocationConfig {
    let instances = settings.instances_max;
    let memories = instances.saturating_mul(settings.memories_per_component_max);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(settings.core_instances_per_component_max))
        .max_core_instances_per_component(settings.core_instances_per_component_max)
        .total_memories(memories)
        .max_memories_per_component(settings.memories_per_component_max)
        .total_tables(memories)
        .max_tables_per_component(settings.memories_per_component_max)
        .table_elements(TABLE_ELEMENTS_MAX)
        .total_stacks(instances)
        .linear_memory_keep_resident(settings.memory_keep_resident_bytes)
        .table_keep_resident(settings.memory_keep_resident_bytes)
        .pagemap_scan(Enabled::Auto);
    pool
}
