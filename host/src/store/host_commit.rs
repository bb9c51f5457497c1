//! A commit of the host to several stores: one record, so that all of it exists or none.

use std::sync::Arc;

use super::commit::part::{Part, Prepared};
use super::error::CommitError;
use super::handle::Store;
use super::transaction::Transaction;
use crate::names::{CallId, CommitSeq};

/// Transactions of several stores of one host, and stores to drop, committed as one.
#[derive(Debug, Default)]
pub struct HostCommit {
    transactions: Vec<(Transaction, Option<u64>)>,
    dropped: Vec<Store>,
}

impl HostCommit {
    /// Whether it has no transaction and drops no store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.dropped.is_empty()
    }

    /// Adds a transaction, and the new version of its store's data, if that changes. Each transaction must be of
    /// another store.
    pub fn add(&mut self, transaction: Transaction, data_version: Option<u64>) {
        self.transactions.push((transaction, data_version));
    }

    /// Drops a store that no service uses. Its file exists until [`super::Stores::drop_store`] deletes it.
    pub fn drop_store(&mut self, store: Store) {
        self.dropped.push(store);
    }

    /// Commits all of it, in the one order of the host, as [`Transaction::commit`] does.
    ///
    /// # Errors
    ///
    /// [`CommitError`]; none of the effects remains.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it resolves, nothing is committed.
    pub async fn commit(self, call: CallId) -> Result<CommitSeq, CommitError> {
        let (mut parts, mut saw, mut any) = (Vec::new(), CommitSeq::default(), None);
        for (mut transaction, data_version) in self.transactions {
            saw = saw.max(transaction.saw());
            let store = transaction.take_store()?;
            parts.push(transaction.into_part(&store, data_version)?);
            any = Some(store);
        }
        parts.extend(self.dropped.iter().map(|store| Part::dropping(Arc::clone(store.shared_state()))));
        match any.as_ref().or(self.dropped.first()) {
            Some(store) if parts.iter().any(Part::changes_anything) => {
                store.pipeline().commit(Prepared::new(call, parts)).await
            }
            _ => Ok(saw),
        }
    }
}
