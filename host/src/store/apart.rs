//! A double of a transaction's commit: where a test asks for it, it takes rows out of the commit of the
//! effects that they are about, and commits them on their own a while later.

use super::error::CommitError;
use super::system::{RowWrite, TableId};
use super::transaction::{CommitDetails, Transaction};
use crate::fail_point::{self, Sabotage};
use crate::names::CommitSeq;

/// Commits as [`Transaction::commit_whole`] does, in two parts where [`fail_point::broken`] says so.
pub(super) async fn commit(mut whole: Transaction, details: CommitDetails) -> Result<CommitSeq, CommitError> {
    let apart: Vec<_> = whole.rows.extract_if(.., |write| is_apart(write)).collect();
    let Some(store) = whole.store().cloned().filter(|_| !apart.is_empty()) else {
        return whole.commit_whole(details).await;
    };
    let number = whole.commit_whole(details.clone()).await?;
    store.wait_durable(number).await?;
    tokio::time::sleep(fail_point::WINDOW).await;
    let mut rest = store.begin();
    rest.rows = apart;
    rest.commit_whole(CommitDetails { data_version: None, ..details }).await
}

/// Whether the double commits the row of `write` on its own.
fn is_apart(write: &RowWrite) -> bool {
    let tables: &[TableId] = match fail_point::broken() {
        Some(Sabotage::MemoApart) => &[TableId::Answers, TableId::AnswerExpiries],
        Some(Sabotage::PositionApart) => &[TableId::Cursors],
        Some(Sabotage::AnswerBeforeSync) | None => return false,
    };
    tables.iter().any(|table| write.is_of(*table))
}
