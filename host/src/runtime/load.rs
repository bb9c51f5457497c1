//! Loads precompiled code: the only `unsafe` of the host that is not generated.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// A file of compiled code whose bytes were compared with what the host wrote.
#[derive(Debug)]
pub(super) struct Verified<'a>(&'a Path);

impl<'a> Verified<'a> {
    /// The file at `path`, if its digest is `expected`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) fn file(path: &'a Path, expected: crate::names::Digest) -> std::io::Result<Option<Self>> {
        let matches = crate::names::Digest::of(&std::fs::read(path)?) == expected;
        Ok(matches.then_some(Self(path)))
    }

    /// Maps the code into memory.
    ///
    /// # Errors
    ///
    /// When the engine is not one that can run it.
    #[expect(unsafe_code, reason = "wasmtime cannot check machine code; what stands in for that is said below")]
    pub(super) fn load(self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: the file holds what `Component::serialize` gave. The host wrote it under a temporary name and renamed
        // it, into a folder that only its own user may enter; nobody writes to it after that, because a new entry is a
        // new file, and none takes this name while somebody loads; and its digest was compared with the recorded one,
        // so it was not damaged on the disk.
        unsafe { Component::deserialize_file(engine, self.0) }
    }
}
