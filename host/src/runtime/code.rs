//! Compiled components: by digest from the cache, or compiled.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::Cache;
use super::engine::Kind;
use super::epoch::Ticker;
use crate::clock;
use crate::names::Digest;

/// A compiled component, ready to be linked.
#[derive(Debug)]
pub struct Code {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
    pub(super) component: Component,
    origin: Origin,
    took: Duration,
    /// A guest that runs where nothing ticks would never give its thread back.
    pub(super) ticker: Arc<Ticker>,
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
pub(super) struct Compiler {
    kind: Kind,
    engine: Engine,
    cache: Cache,
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
    /// # Errors
    ///
    /// When the folder of compiled code cannot be made.
    pub(super) fn new(kind: Kind, engine: Engine, compiled: &Path, ticker: &Arc<Ticker>) -> std::io::Result<Self> {
        let cache = Cache::open(compiled, &engine)?;
        Ok(Self { kind, engine, cache, compiling: Compiling::default(), ticker: Arc::clone(ticker) })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What names this compiler's entries in the folder of compiled code.
    pub(super) fn host(&self) -> &str {
        self.cache.host()
    }

    /// # Errors
    ///
    /// [`CompileError`]. That the cache does not take new code is logged, and no error.
    pub(super) fn compile(&self, bytes: &[u8]) -> Result<Code, CompileError> {
        let began = clock::now();
        let digest = Digest::of(bytes);
        let turn = self.compiling.turn(digest);
        let (component, origin) = match self.cache.get(&self.engine, digest) {
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
        let kept = component.serialize().map_err(std::io::Error::other).and_then(|code| self.cache.put(digest, &code));
        if let Err(error) = kept {
            tracing::warn!(%digest, %error, "compiled code is not kept: the next start compiles again");
        }
        Ok(component)
    }
}
