//! Loads precompiled code: the only handwritten `unsafe` of the host.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use ring::hmac;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::folder::open_private;

/// Bytes per read while a file is checked.
const PIECE_BYTES: usize = 1 << 16;

/// Proves which host compiled some code.
#[derive(Debug)]
pub(super) struct Authenticator(hmac::Key);

impl Authenticator {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The tag of `code` with the subject `subject`. It cannot be computed without the key.
    pub(super) fn tag(&self, subject: &str, code: &[u8]) -> [u8; 32] {
        let mut context = self.begin(subject);
        context.update(code);
        bytes(context)
    }

    fn begin(&self, subject: &str) -> hmac::Context {
        let mut context = hmac::Context::with_key(&self.0);
        // A NUL ends the subject, which contains none.
        context.update(subject.as_bytes());
        context.update(&[0]);
        context
    }
}

fn bytes(context: hmac::Context) -> [u8; 32] {
    context.sign().as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes")
}

/// An open file of compiled code that this host wrote.
#[derive(Debug)]
pub(super) struct Verified(File);

impl Verified {
    /// The file at `path`; `None` unless only the user of the host can write to it and `tag` matches its bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or read.
    pub(super) fn open(
        path: &Path,
        authenticator: &Authenticator,
        subject: &str,
        tag: &[u8; 32],
    ) -> io::Result<Option<Self>> {
        let Some(mut file) = open_private(path)? else { return Ok(None) };
        let (mut context, mut piece) = (authenticator.begin(subject), vec![0; PIECE_BYTES]);
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            context.update(piece.get(..read).unwrap_or_default());
        }
        // Anybody who can try tags here can already write files as the host's user, so the time of this comparison
        // reveals nothing.
        Ok((bytes(context) == *tag).then_some(Self(file)))
    }

    /// Maps the code into memory.
    ///
    /// # Errors
    ///
    /// When the engine cannot run it.
    #[expect(unsafe_code, reason = "wasmtime cannot check machine code; what stands in for that is said below")]
    pub(super) fn load(self, engine: &Engine) -> wasmtime::Result<Component> {
        // Uses the open file and not its name, which may belong to another file by now, or to none.
        let path = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        // SAFETY: the file contains the result of `Component::serialize`. Its bytes were authenticated with a key that
        // only this host has. The file belongs to the host's user and nobody else may write to it or to its folder; the
        // host writes a file once, under a temporary name, and never again.
        unsafe { Component::deserialize_file(engine, path) }
    }
}
