//! The runtime: compiled components, linked to their contracts, each run in an instance of its own.
//!
//! Invariant: what a guest does is bounded in time, memory, output and what it hands the host, and ends with its run.
//! The only place that configures wasmtime.

mod answer;
mod bindings;
mod cache;
mod code;
mod engine;
mod epoch;
mod failure;
mod frame;
mod http;
mod imports;
mod link;
mod load;
mod log;
mod memory;
mod migration;
mod offered;
mod outgoing;
mod program;
mod report;
mod seclusion;
mod signature;
mod smoke;
mod state;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use code::{Code, CompileError, Origin};
pub use failure::{Failure, OutboundError};
pub use frame::{Finished, Frame, Outbound, OutboundFuture};
pub use http::{BodyError, HttpBody, HttpFrame, HttpProgram, Slot};
pub use link::{LinkError, LinkSettings};
pub use migration::{DataVersion, DescribeError, MigrateError, Migrated};
pub use program::Program;
pub use seclusion::{Secluded, Seclusion};
pub use smoke::{SmokeFailure, SmokeReport};

pub(crate) use answer::bytes as json_bytes;

use self::code::Compiler;
use self::engine::Kind;
use self::epoch::Ticker;
use crate::config::RuntimeSettings;
use crate::contract::World;
use crate::tasks::Tasks;

/// Compiles and links components, and owns what their instances run in. Clones are the same runtime.
#[derive(Debug, Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    domain: Compiler,
    http: Compiler,
}

/// What of the slots for domain components is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotsInUse {
    pub instances: u64,
    pub memories: usize,
    pub stacks: usize,
    /// What the memories of free slots keep for the next instances, in bytes.
    pub free_memory_bytes_resident: usize,
}

/// Why the runtime does not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("the runtime cannot reserve the slots for instances_max = {instances_max}")]
    Engine { instances_max: u32, source: wasmtime::Error },
    #[error("the folder of compiled code {folder} cannot be used")]
    Cache { folder: std::path::PathBuf, source: std::io::Error },
    #[error("the system gives no thread for the epoch")]
    Thread { source: std::io::Error },
}

impl Runtime {
    /// Starts a runtime that keeps compiled code in the folder `compiled`.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`].
    pub fn new(settings: &RuntimeSettings, compiled: &Path) -> Result<Self, RuntimeError> {
        let instances_max = settings.instances_max;
        let reserve = |source| RuntimeError::Engine { instances_max, source };
        let folder = |source| RuntimeError::Cache { folder: compiled.into(), source };
        let domain = engine::engine(Kind::Domain, settings).map_err(reserve)?;
        let http = engine::engine(Kind::Http, settings).map_err(reserve)?;
        let ticker = Ticker::start(Duration::from_millis(settings.epoch_ms), &[&domain, &http])
            .map_err(|source| RuntimeError::Thread { source })?;
        let ticker = Arc::new(ticker);
        let domain = Compiler::new(Kind::Domain, domain, compiled, &ticker).map_err(folder)?;
        let http = Compiler::new(Kind::Http, http, compiled, &ticker).map_err(folder)?;
        cache::sweep(compiled, &[domain.host(), http.host()]).map_err(folder)?;
        Ok(Self { inner: Arc::new(Inner { domain, http }) })
    }

    /// What of the slots for domain components is in use now.
    #[must_use]
    pub fn slots_in_use(&self) -> SlotsInUse {
        let Some(pool) = self.inner.domain.engine().pooling_allocator_metrics() else { return SlotsInUse::default() };
        SlotsInUse {
            instances: pool.component_instances(),
            memories: pool.memories(),
            stacks: pool.stacks(),
            free_memory_bytes_resident: pool.unused_memory_bytes_resident(),
        }
    }

    /// The code of a component that serves a contract: from the cache, or compiled, which takes some 100 ms on all
    /// cores. It blocks its thread. Several may be compiled at once; one that is being compiled already is waited for.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn compile(&self, component: &[u8]) -> Result<Arc<Code>, CompileError> {
        self.inner.domain.compile(component).map(Arc::new)
    }

    /// As [`Runtime::compile`], for a raw `wasi:http` component, whichever its version.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn compile_http(&self, component: &[u8]) -> Result<Arc<Code>, CompileError> {
        self.inner.http.compile(component).map(Arc::new)
    }

    /// Links `code` to the contract `world`: what it imports is there, and what the contract exports is found in it with
    /// the contract's types.
    ///
    /// # Errors
    ///
    /// [`LinkError`].
    pub fn link(
        &self,
        code: &Arc<Code>,
        world: &Arc<World>,
        settings: LinkSettings,
    ) -> Result<Arc<Program>, LinkError> {
        link::link(code, world, settings).map(Arc::new)
    }

    /// Links the code of a raw `wasi:http` component. Its guests run in `tasks`: they may go on when their response has
    /// begun.
    ///
    /// # Errors
    ///
    /// [`LinkError`].
    pub fn link_http(
        &self,
        code: &Arc<Code>,
        settings: LinkSettings,
        tasks: &Tasks,
    ) -> Result<Arc<HttpProgram>, LinkError> {
        http::link(code, settings, tasks).map(Arc::new)
    }
}
