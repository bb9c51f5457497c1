//! Compiles components, each once: later requests get the code from the cache.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::Component;

use super::bounds::{self, OverLimit};
use super::cache::{Cache, CacheSlot, host_of};
use super::child::{self, ChildError};
use super::engine::Kind;
use crate::clock;
use crate::names::Digest;
use crate::runtime::epoch::Ticker;
use crate::tasks::CancellationToken;

/// A compiled component, ready to be linked.
#[derive(Debug)]
pub struct Code {
    digest: Digest,
    pub(in crate::runtime) kind: Kind,
    pub(in crate::runtime) loaded: Arc<Loaded>,
    origin: Origin,
    took: Duration,
}

/// Code in the memory of this process. All services with the same component share it.
#[derive(Debug)]
pub(in crate::runtime) struct Loaded {
    pub(in crate::runtime) component: Component,
    /// Keeps the ticker alive: without ticks a running guest would never yield its thread.
    pub(in crate::runtime) ticker: Arc<Ticker>,
}

impl Code {
    /// The digest of the compiled component.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The time until the code was available. Besides compiling, it includes computing the digest, and waiting for
    /// another compilation of the same component.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }
}

/// The origin of compiled code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was compiled now.
    Compiler,
    /// It was compiled earlier, by this process or an earlier one.
    Cache,
}

/// Why a component cannot be compiled for this host.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It is not a component, uses features that the host does not have, or needs more slots than one instance gets.
    #[error("this is no WebAssembly component that the host can run")]
    Invalid { source: wasmtime::Error },
    #[error("this component has more than the host compiles")]
    OverLimit(#[from] OverLimit),
    #[error("this is no WebAssembly component that the host can compile")]
    Child(#[source] ChildError),
    /// Nobody waits for it any more.
    #[error("compiling it was ended: nobody waits for it")]
    Cancelled,
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
    /// The code that programs use.
    loaded: Mutex<HashMap<Digest, Weak<Loaded>>>,
    ticker: Arc<Ticker>,
}

/// The components that are being compiled. A second request for one of them waits, and then finds it in the cache. So
/// the work is done once, and no file of the cache is replaced while it is being loaded.
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
    /// Blocks while another thread compiles the component `digest`.
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

impl From<ChildError> for CompileError {
    fn from(error: ChildError) -> Self {
        match error {
            ChildError::Cancelled => Self::Cancelled,
            error => Self::Child(error),
        }
    }
}

impl Compiler {
    pub(in crate::runtime) fn new(kind: Kind, engine: Engine, cache: &Arc<CacheSlot>, ticker: &Arc<Ticker>) -> Self {
        let (cache, ticker) = (Arc::clone(cache), Arc::clone(ticker));
        Self { kind, engine, cache, compiling: Compiling::default(), loaded: Mutex::default(), ticker }
    }

    pub(in crate::runtime) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The part of its file names in the folder of compiled code.
    pub(in crate::runtime) fn host(&self) -> u64 {
        host_of(&self.engine)
    }

    /// # Errors
    ///
    /// [`CompileError`]. If new code cannot be stored in the cache, this is only logged.
    pub(in crate::runtime) fn compile(
        &self,
        bytes: &[u8],
        cancellation: &CancellationToken,
    ) -> Result<Code, CompileError> {
        let began = clock::now();
        let digest = Digest::of(bytes);
        let turn = self.compiling.turn(digest);
        let (loaded, origin) = match self.loaded(digest) {
            Some(loaded) => (loaded, Origin::Cache),
            None => {
                let (component, origin) = match self.cache.get().and_then(|cache| cache.get(&self.engine, digest)) {
                    Some(component) => (component, Origin::Cache),
                    None => (self.compile_new(digest, bytes, cancellation)?, Origin::Compiler),
                };
                (self.load(digest, component), origin)
            }
        };
        drop(turn);
        Ok(Code { digest, kind: self.kind, loaded, origin, took: clock::elapsed(began) })
    }

    /// The code of the component `digest`, if a program uses it.
    fn loaded(&self, digest: Digest) -> Option<Arc<Loaded>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).get(&digest)?.upgrade()
    }

    fn load(&self, digest: Digest, component: Component) -> Arc<Loaded> {
        let loaded = Arc::new(Loaded { component, ticker: Arc::clone(&self.ticker) });
        let mut all = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, loaded| loaded.strong_count() > 0);
        all.insert(digest, Arc::downgrade(&loaded));
        loaded
    }

    fn compile_new(
        &self,
        digest: Digest,
        bytes: &[u8],
        cancellation: &CancellationToken,
    ) -> Result<Component, CompileError> {
        let started = clock::now();
        bounds::check(bytes)?;
        let component = match self.cache.get() {
            Some(cache) if child::has_compiler() => {
                self.store(cache, digest, &child::compile(self.kind, bytes, cancellation)?);
                // Code from another process is loaded like all stored code: after its tag was checked.
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
