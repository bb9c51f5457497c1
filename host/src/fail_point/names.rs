//! The names of the points, and the variables that arm them.

/// All points, in the order in which a call, a commit, an index, a segment, a mirror and a release pass theirs; the last
/// one belongs to a background task.
pub const NAMES: [&str; 33] = [
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
    "mirror.before-start",
    "mirror.before-page",
    "mirror.after-page",
    "mirror.before-verify",
    "mirror.before-clear",
    "mirror.after-clear",
    "release.after-hold",
    "release.before-commit",
    "release.before-swap",
    "component.mid-put",
    "metrics.before-upkeep",
];

/// The points that a call or a delivery passes.
pub fn of_calls() -> impl Iterator<Item = &'static str> {
    let parts = ["intent.", "memo.", "answer.", "delivery."];
    NAMES.into_iter().filter(move |name| parts.iter().any(|part| name.starts_with(part)))
}

/// Whether the points are compiled into the program.
pub const ARE_COMPILED_IN: bool = cfg!(feature = "fail-points");

/// Arms one point: with `journal.before-sync:3` the process aborts when it reaches this point for the third time, and
/// with `intent.after-open:3:panic` the thread panics there.
pub const POINT_VARIABLE: &str = "SWITCHYARD_FAIL_POINT";

/// Breaks a guarantee: the value is the name of a [`super::Sabotage`].
pub const SABOTAGE_VARIABLE: &str = "SWITCHYARD_SABOTAGE";

/// The variables that the configuration leaves to this module.
pub(crate) const VARIABLES: &[&str] = if ARE_COMPILED_IN { &[POINT_VARIABLE, SABOTAGE_VARIABLE] } else { &[] };

#[cfg(any(test, feature = "fail-points"))]
#[expect(clippy::disallowed_methods, reason = "no setting of the product")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
