//! The two sides of a mirror: anything that exports and imports entities.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use wasmtime::component::Val;

use crate::contract::Type;
use crate::limits::STATE_CALL_MS_MAX;
use crate::release::judging::isolated::isolated_run;
use crate::runtime::{Program, StateChange, StateEntity, StatePage, StateRun};
use crate::store::Transaction;
use crate::value::{Difference, first_difference};

/// An implementation of the state interface of a contract.
pub(in crate::release) trait StateSide: Send + Sync {
    fn export<'a>(&'a self, transaction: Transaction, page: &'a StatePage)
    -> BoxFuture<'a, StateRun<Vec<StateEntity>>>;

    fn import<'a>(&'a self, transaction: Transaction, changes: Vec<StateChange>) -> BoxFuture<'a, StateRun<()>>;

    /// The first place where two entities differ, and what each has there.
    fn difference(&self, original: &Val, copy: &Val) -> Difference;
}

/// The component of a release.
#[derive(Debug)]
pub(in crate::release) struct ProgramSide(pub(in crate::release) Arc<Program>);

impl StateSide for ProgramSide {
    fn export<'a>(
        &'a self,
        transaction: Transaction,
        page: &'a StatePage,
    ) -> BoxFuture<'a, StateRun<Vec<StateEntity>>> {
        Box::pin(self.0.export_state(page, isolated_run(transaction, Duration::from_millis(STATE_CALL_MS_MAX))))
    }

    fn import<'a>(&'a self, transaction: Transaction, changes: Vec<StateChange>) -> BoxFuture<'a, StateRun<()>> {
        Box::pin(self.0.import_state(changes, isolated_run(transaction, Duration::from_millis(STATE_CALL_MS_MAX))))
    }

    fn difference(&self, original: &Val, copy: &Val) -> Difference {
        let entity = self.0.state_interface().map(|state| Type::Variant(Arc::clone(&state.entity)));
        first_difference(entity.as_ref(), Some(original), Some(copy))
    }
}
