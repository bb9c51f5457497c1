//! The runtime: compiled components, linked to their contracts, each run in an instance of its own.
//!
//! Invariant: what a guest does is bounded in time, memory, output and what it hands the host, and ends with its run.
//! The only place that configures wasmtime.

mod compile;
mod domain;
mod http;
mod instance;
mod offered;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use compile::{COMPILED_FOLDER, ChildError, Code, CompileError, FolderError, Origin, private_folder, run_compiler};
pub use domain::{DataVersion, DescribeError, MigrateError, Migrated, Program, SmokeFailure, SmokeReport};
pub use http::{BodyError, HttpBody, HttpFrame, HttpProgram, Slot};
pub(crate) use instance::json_bytes;
pub use instance::{
    Failure, Finished, Frame, IsolatedFrame, IsolationError, LinkError, LinkSettings, Outbound, OutboundError,
    OutboundFuture,
};

use self::compile::{Cache, CacheSlot, Compiler, Kind, Ticker, engine};
use crate::config::RuntimeSettings;
use crate::contract::World;
use crate::names::{Digest, HostSecret};
use crate::tasks::{Outages, Tasks};

/// Compiles and links components, and owns what their instances run in. Clones are the same runtime.
#[derive(Debug, Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    domain: Compiler,
    http: Compiler,
    compiled_bytes_max: u64,
    cache: Arc<CacheSlot>,
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
    #[error("the folder of compiled code cannot be used")]
    Folder(#[from] FolderError),
    #[error("the system gives no thread for the epoch")]
    Thread { source: std::io::Error },
}

impl Runtime {
    /// Starts a runtime that compiles everything anew, until [`Runtime::open_cache`]. `outages` has its thread while that is
    /// down.
    ///
    /// # Errors
    ///
    /// [`RuntimeError`].
    pub fn new(settings: &RuntimeSettings, outages: &Outages) -> Result<Self, RuntimeError> {
        let instances_max = settings.instances_max;
        let reserve = |source| RuntimeError::Engine { instances_max, source };
        let domain = engine(Kind::Domain, settings).map_err(reserve)?;
        let http = engine(Kind::Http, settings).map_err(reserve)?;
        let ticker = Ticker::start(Duration::from_millis(settings.epoch_ms), &[&domain, &http], outages)
            .map_err(|source| RuntimeError::Thread { source })?;
        let (ticker, cache) = (Arc::new(ticker), Arc::new(CacheSlot::new()));
        let domain = Compiler::new(Kind::Domain, domain, &cache, &ticker);
        let http = Compiler::new(Kind::Http, http, &cache, &ticker);
        Ok(Self { inner: Arc::new(Inner { domain, http, compiled_bytes_max: settings.compiled_bytes_max, cache }) })
    }

    /// From now on uses compiled code of the folder `compiled`, which it makes if it is not there, and stores it there. The
    /// code is authenticated by a key that follows from `secret`. A second cache is not opened.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Folder`], also when others than the host's user may write to the folder.
    pub fn open_cache(&self, compiled: &Path, secret: &HostSecret) -> Result<(), RuntimeError> {
        let Inner { domain, http, compiled_bytes_max, cache } = &*self.inner;
        if cache.get().is_some() {
            return Ok(());
        }
        let opened = Cache::open(compiled, *compiled_bytes_max, secret, &[domain.host(), http.host()])?;
        let _first = cache.get_or_init(|| opened);
        Ok(())
    }

    /// Notes which components releases name: when the compiled code takes too much room, that of others goes first.
    pub fn set_named(&self, is_named: impl Fn(&Digest) -> bool) {
        if let Some(cache) = self.inner.cache.get() {
            cache.set_named(is_named);
        }
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
        domain::link(code, world, settings).map(Arc::new)
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
