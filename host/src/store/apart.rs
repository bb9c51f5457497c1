//! A double of a transaction's commit: where a test asks for it, rows leave the commit of the effects that they are
//! about. The transaction commits them on their own a while later.

use super::system::{RowWrite, TableId};
use crate::fail_point::{self, Sabotage};

/// Takes the rows out of `rows` that [`fail_point::broken`] sets apart.
pub(super) fn take(rows: &mut Vec<RowWrite>) -> Vec<RowWrite> {
    let tables: &[TableId] = match fail_point::broken() {
        Some(Sabotage::MemoApart) => &[TableId::Answers, TableId::AnswerExpiries],
        Some(Sabotage::PositionApart) => &[TableId::Cursors],
        Some(Sabotage::AnswerBeforeSync) | None => &[],
    };
    rows.extract_if(.., |write| tables.iter().any(|table| write.is_of(*table))).collect()
}
