//! The memory of an instance: how much all of its memories may have together.

use wasmtime::ResourceLimiter;

use crate::limits::TABLE_ELEMENTS_MAX;

/// Counts what the memories of one instance have, and remembers when it said no: to a guest, out of memory looks like
/// any other trap.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: usize,
    bytes_max: usize,
    refused: bool,
}

impl Memory {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: 0, bytes_max, refused: false }
    }

    /// Whether the guest wanted more than it may have.
    pub(super) fn refused(&self) -> bool {
        self.refused
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

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

#[cfg(test)]
mod tests;
