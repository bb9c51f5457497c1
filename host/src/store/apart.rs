//! A deliberately broken commit for tests: chosen rows leave the commit of the effects that they are about, and the
//! transaction commits them a while later on their own.

use super::system::{RowWrite, TableId};
use crate::fail_point::{self, Sabotage};

/// Takes the rows out of `rows` that [`fail_point::broken`] sets apart.
pub(super) fn take(rows: &mut Vec<RowWrite>) -> Vec<RowWrite> {
    let tables: &[TableId] = match fail_point::broken() {
        Some(Sabotage::MemoApart) => &[TableId::Answers, TableId::AnswerExpiries],
        Some(Sabotage::PositionApart) => &[TableId::Cursors],
        Some(_) | None => &[],
    };
    rows.extract_if(.., |write| tables.iter().any(|table| write.is_of(*table))).collect()
}
