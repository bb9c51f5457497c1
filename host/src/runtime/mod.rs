//! The runtime: compiled components, linked to their contracts, each run in a fresh instance.
//!
//! Invariant: a guest is bounded in time, memory, output and in the values it passes to the host, and ends with its
//! run. No other part configures wasmtime.

mod compile;
mod domain;
mod epoch;
mod http;
mod instance;
mod offered;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use compile::{
    COMPILED_FOLDER, ChildError, Code, CompileError, FolderError, Origin, OverLimit, private_folder, run_compiler,
};
pub use domain::{
    DataDescription, DescribeError, MigrateError, Migrated, Program, SmokeReport, SmokedFunction, StateChange,
    StateEntity, StateError, StatePage, StateRun,
};
pub use http::{
    BegunResponse, BodyError, HttpBody, HttpFrame, HttpProgram, HttpSmoke, RequestBodyError, ResponseObserver, Slot,
};
pub(crate) use instance::json_bytes;
pub use instance::{
    Failure, Finished, Frame, IsolatedFrame, IsolationError, LinkError, LinkSettings, Outbound, OutboundError,
    OutboundFuture, Uses,
};

use self::compile::{Cache, CacheSlot, Compiler, Kind, engine};
use self::epoch::Ticker;
use self::offered::HashSeed;
use crate::config::RuntimeSettings;
use crate::contract::World;
use crate::names::{Digest, HostSecret};
use crate::tasks::{CancellationToken, Outages, Tasks};

/// Compiles and links components, and owns the resources of their instances. Clones are the same runtime.
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
    /// Set when there is a secret to derive it from.
    hash_seed: OnceLock<HashSeed>,
}

impl Inner {
    fn hash_seed(&self) -> HashSeed {
        *self.hash_seed.get_or_init(HashSeed::default)
    }
}

/// The use of the slots for domain components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotsInUse {
    pub instances: u64,
    pub memories: usize,
    pub stacks: usize,
    /// The memory that free slots keep resident for later instances, in bytes.
    pub free_memory_bytes_resident: usize,
}

/// Why the runtime does not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("cannot reserve memory for instances_max = {instances_max}: lower it")]
    Engine { instances_max: u32, source: wasmtime::Error },
    #[error("the folder of compiled code cannot be used")]
    Folder(#[from] FolderError),
    #[error("cannot start the epoch thread")]
    Thread { source: std::io::Error },
}

impl Runtime {
    /// Starts a runtime without a cache, which [`Runtime::open_cache`] adds. `outages` lists its thread while it is
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
        let compiled_bytes_max = settings.compiled_bytes_max;
        let inner = Inner { domain, http, compiled_bytes_max, cache, hash_seed: OnceLock::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// From now on uses and stores compiled code in the folder `compiled`, which is created if it is missing. The code
    /// is authenticated with a key derived from `secret`, and so is the seed of hash tables. Only the first cache is
    /// opened.
    ///
    /// # Errors
    ///
    /// [`RuntimeError::Folder`], also when users other than the host's may write to the folder.
    pub fn open_cache(&self, compiled: &Path, secret: &HostSecret) -> Result<(), RuntimeError> {
        let Inner { domain, http, compiled_bytes_max, cache, .. } = &*self.inner;
        if cache.get().is_some() {
            return Ok(());
        }
        let derived = secret.derive("hash tables");
        let half = |at| derived.iter().skip(at).take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        let _first = self.inner.hash_seed.set((half(0), half(8)));
        let opened = Cache::open(compiled, *compiled_bytes_max, secret, &[domain.host(), http.host()])?;
        let _first = cache.get_or_init(|| opened);
        Ok(())
    }

    /// Records which components the releases name: when the compiled code takes too much room, the code of other
    /// components is deleted first.
    pub fn set_named(&self, is_named: impl Fn(&Digest) -> bool) {
        if let Some(cache) = self.inner.cache.get() {
            cache.set_named(is_named);
        }
    }

    /// The current use of the slots for domain components.
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

    /// The code of a component with a contract: from the cache, or compiled, which takes some 100 ms on all cores.
    /// Blocks its thread. Several components may be compiled at once; two requests for the same component compile it
    /// once.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn compile(&self, component: &[u8]) -> Result<Arc<Code>, CompileError> {
        self.compile_cancellable(component, &CancellationToken::never())
    }

    /// As [`Runtime::compile`], until `cancellation`: then the compiler is ended.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn compile_cancellable(
        &self,
        component: &[u8],
        cancellation: &CancellationToken,
    ) -> Result<Arc<Code>, CompileError> {
        self.inner.domain.compile(component, cancellation).map(Arc::new)
    }

    /// Like [`Runtime::compile`], for a raw `wasi:http` component of either version.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn compile_http(&self, component: &[u8]) -> Result<Arc<Code>, CompileError> {
        self.compile_http_cancellable(component, &CancellationToken::never())
    }

    /// As [`Runtime::compile_cancellable`], for a raw `wasi:http` component.
    ///
    /// # Errors
    ///
    /// [`CompileError`].
    pub fn compile_http_cancellable(
        &self,
        component: &[u8],
        cancellation: &CancellationToken,
    ) -> Result<Arc<Code>, CompileError> {
        self.inner.http.compile(component, cancellation).map(Arc::new)
    }

    /// Links `code` to the contract `world`: checks that the host offers its imports, and that it exports the
    /// contract's functions with the right types.
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
        domain::link(code, world, settings, self.inner.hash_seed()).map(Arc::new)
    }

    /// Links the code of a raw `wasi:http` component. Its guests run in `tasks`, because they may continue after their
    /// response has begun.
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
