//! The rehearsal of a deploy: recent calls that only read run again on the live release and on the proposed one, and
//! their answers are compared.
//!
//! Invariant: both run on one snapshot, with the same time and randomness. Nothing of a rehearsal remains or leaves the
//! host, and its results contain no argument and no answer.

mod neighbours;
mod repeat;
mod report;

pub use neighbours::NotRehearsed;
pub use repeat::{Rehearsal, Side};
pub use report::{DifferentAnswers, RehearsalReport, RehearsedFunction};
