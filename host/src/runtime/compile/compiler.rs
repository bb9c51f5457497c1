//! Compiles components, each once: what was compiled before comes from the cache.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::{CacheSlot, host_of};
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
        let component =
            Component::from_binary(&self.engine, bytes).map_err(|source| CompileError::Invalid { source })?;
        tracing::info!(%digest, bytes = bytes.len(), ms = clock::elapsed(started).as_millis(), "compiled");
        if let Some(cache) = self.cache.get() {
            let code = component.serialize().map_err(std::io::Error::other);
            if let Err(error) = code.and_then(|code| cache.put(&self.engine, digest, &code)) {
                tracing::warn!(%digest, %error, "compiled code is not stored: the next start compiles again");
            }
        }
        Ok(component)
    }
}
