//! What the engine needs of the part that persists calls.

use std::fmt;
use std::time::Instant;

use futures::future::BoxFuture;

use super::answer::{Answer, CallError};
use super::root::Root;
use super::seed::Seed;
use crate::call::routing::Backend;
use crate::contract::Function;
use crate::store::system::RowWrite;

/// Persists one root call and the calls below it, so that a later run of it takes the same path.
pub(in crate::call) trait Persistence: fmt::Debug + Send + Sync {
    /// The answer that an earlier run got for the nested call with `seed`, from the store of one of `backends`.
    fn recall(
        &self,
        root: &Root,
        backends: &[&Backend],
        function: &Function,
        seed: &Seed,
    ) -> Result<Option<Answer>, CallError>;

    /// Called before a nested call that may write. It commits the root call's intent, and the answers that the caller
    /// has got and that no commit has yet, so that they come before the effect in the order of the journal.
    fn persist_before_effect<'a>(&'a self, before: BeforeEffect<'a>) -> BoxFuture<'a, Result<(), CallError>>;

    /// The row to commit in the store of `backend`: the answer of the nested call with `seed`.
    fn memo(&self, root: &Root, backend: &Backend, seed: &Seed, answer: &Answer) -> Result<RowWrite, CallError>;

    /// The rows to commit at the end of the root call, whether it keeps its writes or not.
    fn rows_at_end(&self, root: &Root, backend: &Backend, answer: &Answer) -> Result<Vec<RowWrite>, CallError>;

    /// The commit with these rows has its place in the journal: the root call never runs again.
    fn has_ended(&self);
}

/// A call that is about to make a nested call that may write.
#[derive(Debug)]
pub(in crate::call) struct BeforeEffect<'a> {
    pub(in crate::call) root: &'a Root,
    pub(in crate::call) caller: &'a Backend,
    pub(in crate::call) caller_seed: &'a Seed,
    pub(in crate::call) deadline: Instant,
    /// The answers that the caller has got and that no commit has.
    pub(in crate::call) answers: Vec<(Seed, Answer)>,
}
