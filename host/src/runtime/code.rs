//! Compiled components: by digest from the cache, or compiled.

use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::Cache;
use super::engine::Kind;
use crate::config::RuntimeSettings;
use crate::names::Digest;

/// A compiled component, ready to be linked.
#[derive(Debug)]
pub struct Code {
    pub(super) digest: Digest,
    pub(super) kind: Kind,
    pub(super) component: Component,
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
    #[error("this is no WebAssembly component that the host can run")]
    Invalid { source: wasmtime::Error },
    #[error("the component needs {needed} {what} in one instance; the host gives {setting} = {max}")]
    TooLarge { what: &'static str, needed: u32, setting: &'static str, max: u32 },
}

/// # Errors
///
/// [`CompileError`]. That the cache does not take new code is logged, and no error.
pub(super) fn compile(
    engine: &Engine,
    cache: &Cache,
    kind: Kind,
    component: &[u8],
    settings: &RuntimeSettings,
) -> Result<Code, CompileError> {
    let digest = Digest::of(component);
    let component = match cache.get(engine, digest) {
        Some(component) => component,
        None => {
            let started = crate::clock::now();
            let compiled =
                Component::from_binary(engine, component).map_err(|source| CompileError::Invalid { source })?;
            tracing::info!(%digest, bytes = component.len(), ms = started.elapsed().as_millis(), "compiled");
            let kept = compiled.serialize().map_err(std::io::Error::other).and_then(|code| cache.put(digest, &code));
            if let Err(error) = kept {
                tracing::warn!(%digest, %error, "compiled code is not kept: the next start compiles again");
            }
            compiled
        }
    };
    fits(&component, settings)?;
    Ok(Code { digest, kind, component })
}

/// Whether an instance of `component` fits into the slots of the pool.
fn fits(component: &Component, settings: &RuntimeSettings) -> Result<(), CompileError> {
    // Nothing is known of a component that instantiates modules it imports; linking refuses those.
    let Some(needs) = component.resources_required() else { return Ok(()) };
    let max = settings.memories_per_component_max;
    for (what, needed) in [("memories", needs.num_memories), ("tables", needs.num_tables)] {
        if needed > max {
            return Err(CompileError::TooLarge { what, needed, setting: "memories_per_component_max", max });
        }
    }
    Ok(())
}
