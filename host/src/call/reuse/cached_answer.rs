//! One cached answer: its bytes, and what it depends on.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use bytes::Bytes;

use super::provenance::Provenance;

/// The approximate memory of an answer without its bytes and its read sets.
const ANSWER_BYTES: usize = 512;

/// The approximate memory of a read set without its keys.
const DEPENDENCY_BYTES: usize = 256;

/// An answer as a client gets it.
#[derive(Debug, Clone)]
pub struct AnswerBody {
    pub json: Bytes,
    /// Its entity tag, with the quotes.
    pub etag: Bytes,
}

/// An answer that later calls may get, and the body that clients got for it.
pub struct CachedAnswer {
    /// As the host encodes the answers that it stores.
    pub(in crate::call) answer: Box<[u8]>,
    pub(in crate::call) provenance: Provenance,
    /// The depth of the call that ran. At a greater depth, the calls below it could be too deep.
    pub(in crate::call) depth: usize,
    /// Until when it may be used; `None` if it does not depend on time.
    pub(in crate::call) until: Option<Instant>,
    body: OnceLock<AnswerBody>,
    /// The room that is counted for the body.
    body_bytes_max: usize,
}

impl CachedAnswer {
    /// The body may have up to `body_bytes_max` bytes.
    pub(in crate::call) fn new(
        answer: Vec<u8>,
        provenance: Provenance,
        depth: usize,
        until: Option<Instant>,
        body_bytes_max: usize,
    ) -> Self {
        Self { answer: answer.into(), provenance, depth, until, body: OnceLock::new(), body_bytes_max }
    }

    /// Its body, if a client has got it already.
    #[must_use]
    pub fn body(&self) -> Option<&AnswerBody> {
        self.body.get()
    }

    /// Caches its body, if there is room for it.
    pub fn set_body(&self, body: &AnswerBody) {
        if body.json.len() <= self.body_bytes_max {
            // The same answer always has the same body.
            let _first = self.body.set(body.clone());
        }
    }

    /// Whether calls at `depth` may get it: those below it were no deeper when it ran.
    pub(in crate::call) fn is_for_depth(&self, depth: usize) -> bool {
        self.provenance.height == 0 || depth <= self.depth
    }

    /// Its approximate memory. Read sets that it shares with other answers count for each.
    pub(in crate::call) fn bytes(&self) -> usize {
        let reads = self.provenance.dependencies.iter().map(|read| DEPENDENCY_BYTES + read.reads.bytes());
        ANSWER_BYTES + self.answer.len() + self.body_bytes_max + reads.sum::<usize>()
    }
}

impl fmt::Debug for CachedAnswer {
    /// Without the answer, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedAnswer").field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
