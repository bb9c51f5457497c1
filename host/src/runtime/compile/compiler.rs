//! Compiles components, each once: what was compiled before comes from the cache.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::{Cache, CacheSlot, host_of};
use super::child::{self, ChildError};
use super::engine::Kind;
use super::epoch::Ticker;
use crate::clock;
use crate::names::Digest;

/// A compiled component, ready to be linked.
#[derive(Debug)]
pub struct Code {
    digest: Digest,
    pub(in crate::runtime) kind: Kind,
    pub(in crate::runtime) component: Component,
    origin: Origin,
    took: Duration,
    /// A guest that runs where nothing ticks would never give its thread back.
    pub(in crate::runtime) ticker: Arc<Ticker>,
}

impl Code {
    /// The digest of the component that this was compiled from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// How long it took to have it, and not only to compile it: the component's digest, and another's compilation of the
    /// same component, are in it.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}

/// Where compiled code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled for this.
    Compiler,
    /// It was compiled before, by this host or one before it.
    Cache,
}

/// Why a component cannot be compiled for this host.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It is no component, uses what the host does not have, or needs more slots than one instance gets.
    #[error("this is no WebAssembly component that the host can run")]
    Invalid { source: wasmtime::Error },
    #[error("this is no WebAssembly component that the host can compile")]
    Child(#[from] ChildError),
    #[error("the compiled code is not in the data directory, where the host would load it from")]
    NotStored,
}

/// Compiles components of one kind.
#[derive(Debug)]
pub(in crate::runtime) struct Compiler {
    kind: Kind,
    engine: Engine,
    cache: Arc<CacheSlot>,
    compiling: Compiling,
    ticker: Arc<Ticker>,
}

/// Which components are being compiled. Whoever wants one of them waits, and then finds it in the cache: the work is done
/// once, and no entry of the cache is replaced while somebody loads it.
#[derive(Debug, Default)]
struct Compiling {
    digests: Mutex<HashSet<Digest>>,
    ended: Condvar,
}

/// The right to compile one component.
struct Turn<'a> {
    compiling: &'a Compiling,
    digest: Digest,
}

impl Compiling {
    /// Blocks until nobody else compiles the component `digest`.
    fn turn(&self, digest: Digest) -> Turn<'_> {
        let digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ended.wait_while(digests, |digests| digests.contains(&digest));
        waited.unwrap_or_else(PoisonError::into_inner).insert(digest);
        Turn { compiling: self, digest }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.compiling.digests.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.digest);
        self.compiling.ended.notify_all();
    }
}

impl Compiler {
    pub(in crate::runtime) fn new(kind: Kind, engine: Engine, cache: &Arc<CacheSlot>, ticker: &Arc<Ticker>) -> Self {
        let (cache, ticker) = (Arc::clone(cache), Arc::clone(ticker));
        Self { kind, engine, cache, compiling: Compiling::default(), ticker }
    }

    pub(in crate::runtime) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What its files in the folder of compiled code are named by.
    pub(in crate::runtime) fn host(&self) -> u64 {
        host_of(&self.engine)
    }

    /// # Errors
    ///
    /// [`CompileError`]. That the cache does not take new code is logged, and no error.
    pub(in crate::runtime) fn compile(&self, bytes: &[u8]) -> Result<Code, CompileError> {
        let began = clock::now();
        let digest = Digest::of(bytes);
        let turn = self.compiling.turn(digest);
        let (component, origin) = match self.cache.get().and_then(|cache| cache.get(&self.engine, digest)) {
            Some(component) => (component, Origin::Cache),
            None => (self.compile_new(digest, bytes)?, Origin::Compiler),
        };
        drop(turn);
        let took = clock::elapsed(began);
        Ok(Code { digest, kind: self.kind, component, origin, took, ticker: Arc::clone(&self.ticker) })
    }

    fn compile_new(&self, digest: Digest, bytes: &[u8]) -> Result<Component, CompileError> {
        let started = clock::now();
        let component = match self.cache.get() {
            Some(cache) if child::has_compiler() => {
                self.store(cache, digest, &child::compile(self.kind, bytes)?);
                // Code of another process is loaded as all code is that was stored: authenticated.
                cache.get(&self.engine, digest).ok_or(CompileError::NotStored)?
            }
            cache => self.compile_here(cache, digest, bytes)?,
        };
        tracing::info!(%digest, bytes = bytes.len(), ms = clock::elapsed(started).as_millis(), "compiled");
        Ok(component)
    }

    fn compile_here(&self, cache: Option<&Cache>, digest: Digest, bytes: &[u8]) -> Result<Component, CompileError> {
        let component = Component::from_binary(&self.engine, bytes);
        let component = component.map_err(|source| CompileError::Invalid { source })?;
        match (cache, component.serialize()) {
            (Some(cache), Ok(code)) => self.store(cache, digest, &code),
            (Some(_), Err(error)) => tracing::warn!(%digest, %error, "compiled code is not stored"),
            (None, _) => {}
        }
        Ok(component)
    }

    fn store(&self, cache: &Cache, digest: Digest, code: &[u8]) {
        if let Err(error) = cache.put(&self.engine, digest, code) {
            tracing::warn!(%digest, %error, "compiled code is not stored: the next start compiles again");
        }
    }
}
