//! Named points in the code at which a test makes the host abort or panic, and the guarantees that a test can break.
//!
//! Without the feature `fail-points`, and outside of this crate's own tests, none of it is compiled in: a host that
//! finds one of its variables in the environment does not start.

#[cfg(any(test, feature = "fail-points"))]
mod action;
#[cfg(any(test, feature = "fail-points"))]
mod armed;
#[cfg(feature = "fail-points")]
mod broken;
mod names;
mod sabotage;

#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "fail-points"))]
pub use action::Action;
#[cfg(any(test, feature = "fail-points"))]
pub use armed::{Armed, arm};
#[cfg(any(test, feature = "fail-points"))]
pub(crate) use armed::{fail_point, fail_point_after};
#[cfg(feature = "fail-points")]
pub(crate) use broken::{WINDOW, broken};
pub(crate) use names::VARIABLES;
pub use names::{ARE_COMPILED_IN, NAMES, POINT_VARIABLE, SABOTAGE_VARIABLE, of_calls};
pub use sabotage::Sabotage;

/// Whether this guarantee is broken in this process.
#[cfg(feature = "fail-points")]
pub(crate) fn is_broken(sabotage: Sabotage) -> bool {
    broken() == Some(sabotage)
}

/// Whether this guarantee is broken in this process: never.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub(crate) fn is_broken(_sabotage: Sabotage) -> bool {
    false
}

/// Does the action of the point, if it is armed and due.
#[cfg(not(any(test, feature = "fail-points")))]
#[inline(always)]
pub(crate) fn fail_point(_name: &'static str) {}

/// Like [`fail_point`]; `last` runs right before.
#[cfg(not(any(test, feature = "fail-points")))]
#[inline(always)]
pub(crate) fn fail_point_after(_name: &'static str, _last: impl FnOnce()) {}
