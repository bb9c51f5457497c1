//! The memory of an instance: a bound on all of its memories together.

use wasmtime::ResourceLimiter;
use wasmtime::component::Component;

use super::shortage::Shortage;
use crate::limits::TABLE_ELEMENTS_MAX;

/// Bytes of a page of a WebAssembly memory (core specification, "Memory Instances").
const WASM_PAGE_BYTES: u64 = 65_536;

/// Counts the memories of one instance, and records a refusal, because a guest's failure after it looks like any other
/// trap.
#[derive(Debug)]
pub(in crate::runtime) struct Memory {
    bytes: usize,
    bytes_max: usize,
    refused: bool,
    shortage: Shortage,
}

impl Memory {
    pub(in crate::runtime) fn new(bytes_max: usize) -> Self {
        Self { bytes: 0, bytes_max, refused: false, shortage: Shortage::default() }
    }

    /// Whether the guest requested more than its limit.
    pub(in crate::runtime) fn refused(&self) -> bool {
        self.refused
    }

    /// What the machine lacked when it did not give the guest memory.
    pub(in crate::runtime) fn shortage(&self) -> Option<&str> {
        self.shortage.get()
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        let allowed = bytes <= self.bytes_max;
        if allowed && maximum.is_none_or(|maximum| desired <= maximum) {
            self.bytes = bytes;
        }
        self.refused |= !allowed;
        Ok(allowed)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.shortage.note(&*error);
        Ok(())
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

/// The size of the largest memory that a new instance of `component` has.
pub(in crate::runtime) fn initial_memory_bytes(component: &Component) -> u64 {
    let required = component.resources_required();
    let pages = required.and_then(|required| required.max_initial_memory_size).unwrap_or(0);
    pages.saturating_mul(WASM_PAGE_BYTES)
}

#[cfg(test)]
mod tests;
