//! A double of a transaction's commit: where a test asks for it, it takes entries of the host's own out of the commit of
//! the effects that they are about, and commits them on their own a while later.

use super::error::CommitError;
use super::transaction::{CommitDetails, Transaction};
use crate::fail_point::{self, Sabotage};
use crate::names::{CommitSeq, Key};

/// Commits as [`Transaction::commit_whole`] does, in two parts where [`fail_point::broken`] says so.
pub(super) async fn commit(mut whole: Transaction, details: CommitDetails) -> Result<CommitSeq, CommitError> {
    let apart: Vec<_> = whole.platform.extract_if(.., |(key, _)| is_apart(key)).collect();
    let Some(store) = whole.store().cloned().filter(|_| !apart.is_empty()) else {
        return whole.commit_whole(details).await;
    };
    let number = whole.commit_whole(details.clone()).await?;
    store.wait_durable(number).await?;
    tokio::time::sleep(fail_point::WINDOW).await;
    let mut rest = store.begin();
    rest.platform = apart;
    rest.commit_whole(CommitDetails { data_version: None, ..details }).await
}

/// Whether the double commits the entry `key` on its own: by the kind that its second character names.
fn is_apart(key: &Key) -> bool {
    let kinds: &[char] = match fail_point::broken() {
        Some(Sabotage::MemoApart) => &['k', 'x'],
        Some(Sabotage::PositionApart) => &['p'],
        Some(Sabotage::AnswerBeforeSync) | None => return false,
    };
    key.is_platform() && key.as_str().chars().nth(1).is_some_and(|kind| kinds.contains(&kind))
}
