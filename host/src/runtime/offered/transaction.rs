//! The transaction of a run, as the interfaces of the store borrow it for one call of the guest.
//!
//! A call of a contract owns its transaction until it ends. A request of a mounted component shares it with the task
//! that commits it when the response begins. After that, every call of the guest reads the data of its own moment.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::names::{CommitSeq, Generation};
use crate::runtime::instance::{Failure, Gate};
use crate::store::{Store, Transaction};

/// The transaction of one call of the guest.
pub(in crate::runtime) enum TransactionRef<'a> {
    Own(&'a mut Transaction),
    Shared(TransactionGuard<'a>),
}

impl TransactionRef<'_> {
    /// Whether the transaction of the run has ended, so that writes are refused.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self, Self::Shared(lent) if lent.0.has_ended)
    }

    /// The transaction, for a write.
    ///
    /// # Errors
    ///
    /// [`Failure::OnlyReads`], which ends the run.
    pub(super) fn writable(&mut self) -> Result<&mut Transaction, Failure> {
        match self {
            Self::Shared(lent) if lent.0.may_only_read() => Err(Failure::OnlyReads),
            transaction => Ok(transaction),
        }
    }
}

impl Deref for TransactionRef<'_> {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        match self {
            Self::Own(transaction) => transaction,
            Self::Shared(lent) => &lent.0.transaction,
        }
    }
}

impl DerefMut for TransactionRef<'_> {
    fn deref_mut(&mut self) -> &mut Transaction {
        match self {
            Self::Own(transaction) => transaction,
            Self::Shared(lent) => &mut lent.0.transaction,
        }
    }
}

/// The transaction of a request, which ends before its guest does. Clones are the same.
#[derive(Debug, Clone)]
pub(in crate::runtime) struct SharedTransaction(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// When it has ended: an empty one, or that of the current call of the guest.
    transaction: Transaction,
    has_ended: bool,
    /// Whether a write before that ends the run.
    only_reads: bool,
    /// `None` for a rehearsal.
    store: Option<Store>,
    generation: Generation,
    /// The highest commit that the guest has read and that may not be durable yet.
    reached: CommitSeq,
}

impl State {
    /// A write after the transaction has ended is refused on every node, so it needs no other one.
    fn may_only_read(&self) -> bool {
        self.only_reads && !self.has_ended
    }
}

impl SharedTransaction {
    /// `generation` is the one that `transaction` is on. With `only_reads`, a write ends the run.
    pub(in crate::runtime) fn new(transaction: Transaction, generation: Generation, only_reads: bool) -> Self {
        let store = transaction.store().cloned();
        let state =
            State { transaction, has_ended: false, only_reads, store, generation, reached: CommitSeq::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the transaction out, to be committed. From now on the guest only reads, each time what is current then.
    pub(in crate::runtime) fn take(&self) -> Transaction {
        let mut state = self.lock();
        state.has_ended = true;
        state.reached = state.reached.max(state.transaction.saw());
        std::mem::replace(&mut state.transaction, nothing())
    }

    /// For one call of the guest.
    pub(in crate::runtime) fn guard(&self) -> TransactionRef<'_> {
        let mut state = self.lock();
        if state.has_ended
            && let Some(store) = &state.store
        {
            state.transaction = store.begin_read().in_generation(state.generation);
        }
        TransactionRef::Shared(TransactionGuard(state))
    }

    /// The highest commit that the guest has read and that may not be durable yet.
    pub(in crate::runtime) fn reached(&self) -> CommitSeq {
        let state = self.lock();
        state.reached.max(state.transaction.saw())
    }

    /// Whether the guest may do nothing but read now.
    pub(in crate::runtime) fn may_only_read(&self) -> bool {
        self.lock().may_only_read()
    }

    /// What data that leaves the host now has to wait for; `None` for a rehearsal.
    pub(in crate::runtime) fn gate(&self) -> Option<Gate> {
        let store = self.lock().store.clone()?;
        Some(Gate { store, number: self.reached() })
    }
}

/// A [`SharedTransaction`] for one call of the guest.
pub(in crate::runtime) struct TransactionGuard<'a>(MutexGuard<'a, State>);

impl Drop for TransactionGuard<'_> {
    fn drop(&mut self) {
        if self.0.has_ended {
            // A snapshot that a long response held would keep the store from reusing its room.
            let read = std::mem::replace(&mut self.0.transaction, nothing());
            self.0.reached = self.0.reached.max(read.saw());
        }
    }
}

/// A transaction that reads nothing and may not write.
fn nothing() -> Transaction {
    Transaction::scratch().only_reading()
}
