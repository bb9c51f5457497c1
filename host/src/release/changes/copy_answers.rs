//! The comparison before anything uses the copy of a handover: recent calls that only read run on the live data in the live
//! release, and on the copy in the new one. An export may leave something out, and no other check of the copy sees that.
//!
//! Answers may differ between two implementations. But a call that finds something on the live data, and fails or finds
//! nothing on the copy, ends the handover.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::super::judging::isolated::request_id;
use super::super::mirror::{LostAnswers, MirrorError, MirrorHandle};
use super::super::records::state::Running;
use super::super::releases::Releases;
use crate::call::{Rehearsal, RehearsalReport, RehearsedFunction, RoutingTable, Side};
use crate::names::ServiceName;

impl Releases {
    /// Repeats recent calls of `name` on its data and on the copy. Returns whether it could: commits may come faster than the
    /// mirror copies them.
    ///
    /// # Errors
    ///
    /// [`MirrorError::AnswersLost`], or an error of the mirror.
    pub(super) async fn compare_answers(&self, name: &ServiceName, handle: &MirrorHandle) -> Result<bool, MirrorError> {
        let state = self.state();
        let Some(running) = state.services.get(name) else { return Ok(true) };
        let Some((live, new)) = running.live.program.contract().zip(handle.release.program.contract()) else {
            return Ok(true);
        };
        let table = match RoutingTable::new(state.services.values().map(Running::live_backend), &[]) {
            Ok(table) => Arc::new(table),
            Err(error) => {
                tracing::warn!(service = %name, %error, "recent calls are not repeated on the copy of a handover");
                return Ok(true);
            }
        };
        let Some((data, copy)) = handle.consistent_snapshots().await? else { return Ok(false) };
        let rehearsal = Rehearsal {
            service: &running.service,
            live: Side::new(live, data),
            proposed: Side::new(new, copy),
            table,
            request: request_id(),
        };
        let repeated: BoxFuture<'_, RehearsalReport> = Box::pin(rehearsal.run());
        check(&repeated.await).map(|()| true)
    }
}

/// Checks that no call has lost its answer on the copy.
fn check(report: &RehearsalReport) -> Result<(), MirrorError> {
    let lost = |function: &RehearsedFunction| LostAnswers {
        function: function.function.clone(),
        lost: function.failed + function.found_nothing,
        of: function.failed + function.compared,
    };
    let calls: Vec<_> = report.functions.iter().map(lost).filter(|function| function.lost > 0).collect();
    if calls.is_empty() { Ok(()) } else { Err(MirrorError::AnswersLost { calls }) }
}
