//! Compiled components: by digest from the cache, or compiled.

use std::path::Path;
use std::sync::Arc;

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
    /// A guest that runs where nothing ticks would never give its thread back.
    pub(super) ticker: Arc<Ticker>,
}

impl Code {
    /// The digest of the component that this was compiled from.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
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
    ticker: Arc<Ticker>,
}

impl Compiler {
    /// # Errors
    ///
    /// When the folder of compiled code cannot be made.
    pub(super) fn new(kind: Kind, engine: Engine, compiled: &Path, ticker: &Arc<Ticker>) -> std::io::Result<Self> {
        let cache = Cache::open(compiled, &engine)?;
        Ok(Self { kind, engine, cache, ticker: Arc::clone(ticker) })
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
        let digest = Digest::of(bytes);
        let component = match self.cache.get(&self.engine, digest) {
            Some(component) => component,
            None => self.compile_new(digest, bytes)?,
        };
        Ok(Code { digest, kind: self.kind, component, ticker: Arc::clone(&self.ticker) })
    }

    fn compile_new(&self, digest: Digest, bytes: &[u8]) -> Result<Component, CompileError> {
        let started = clock::now();
        let component =
            Component::from_binary(&self.engine, bytes).map_err(|source| CompileError::Invalid { source })?;
        tracing::info!(%digest, bytes = bytes.len(), ms = started.elapsed().as_millis(), "compiled");
        let kept = component.serialize().map_err(std::io::Error::other).and_then(|code| self.cache.put(digest, &code));
        if let Err(error) = kept {
            tracing::warn!(%digest, %error, "compiled code is not kept: the next start compiles again");
        }
        Ok(component)
    }
}
