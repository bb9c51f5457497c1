//! Named points of the code at which a test makes the host abort or panic, and the guarantees that a test can break.
//!
//! Without the feature `fail-points`, and outside of this crate's own tests, nothing of it is compiled in: a host that
//! finds one of its variables in the environment does not start.

#[cfg(any(test, feature = "fail-points"))]
mod armed;
mod sabotage;

#[cfg(test)]
mod tests;

#[cfg(test)]
#[expect(unused_imports, reason = "for the tests of other parts")]
pub(crate) use armed::{Action, Armed, arm};
#[cfg(any(test, feature = "fail-points"))]
pub(crate) use armed::{fail_point, fail_point_after};
pub use sabotage::Sabotage;
#[cfg(feature = "fail-points")]
pub(crate) use sabotage::{WINDOW, broken};

/// Every point, in the order in which a call, a commit, an index, a segment and a release pass theirs.
pub const NAMES: [&str; 25] = [
    "intent.before-open",
    "intent.after-open",
    "memo.before-commit",
    "memo.after-commit",
    "intent.before-close",
    "intent.after-close",
    "answer.before-telling",
    "delivery.before-commit",
    "delivery.after-commit",
    "journal.before-append",
    "journal.after-append",
    "journal.before-write",
    "journal.mid-write",
    "journal.before-sync",
    "journal.after-sync",
    "journal.before-segment",
    "journal.mid-segment",
    "index.before-write",
    "index.after-write",
    "index.before-pass",
    "segment.before-removal",
    "segment.after-removal",
    "release.before-commit",
    "release.before-swap",
    "component.mid-put",
];

/// Whether the points are compiled into the program.
pub const ARE_COMPILED_IN: bool = cfg!(feature = "fail-points");

/// Arms one point: with `journal.before-sync:3` the process aborts when it reaches this point for the third time, and
/// with `intent.after-open:3:panic` the thread panics there.
pub const POINT_VARIABLE: &str = "SWITCHYARD_FAIL_POINT";

/// Breaks a guarantee: the value names a [`Sabotage`].
pub const SABOTAGE_VARIABLE: &str = "SWITCHYARD_SABOTAGE";

/// The variables that the configuration leaves to this module.
pub(crate) const VARIABLES: &[&str] = if ARE_COMPILED_IN { &[POINT_VARIABLE, SABOTAGE_VARIABLE] } else { &[] };

/// Does what the point is armed for, when its time has come.
#[cfg(not(any(test, feature = "fail-points")))]
#[inline(always)]
pub(crate) fn fail_point(_name: &'static str) {}

/// As [`fail_point`]; `last` runs right before.
#[cfg(not(any(test, feature = "fail-points")))]
#[inline(always)]
pub(crate) fn fail_point_after(_name: &'static str, _last: impl FnOnce()) {}

#[cfg(any(test, feature = "fail-points"))]
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
