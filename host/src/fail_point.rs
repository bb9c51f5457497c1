//! Named instants at which the host can be made to die as of `kill -9`, and guarantees that it can be made to break.
//!
//! For the crash test alone: without the feature `fail-points` nothing of it is compiled in, and a host that finds one of
//! its variables in the environment does not start.

/// Every point that there is, in the order in which a call, a commit, an index, a segment and a release pass theirs.
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
    "ledger.before-commit",
    "release.before-swap",
    "component.mid-put",
];

/// Whether the points are compiled in.
pub const ARE_COMPILED_IN: bool = cfg!(feature = "fail-points");

/// Arms one point: `journal.before-sync:3` is where the process dies at the third time that it comes there.
pub const POINT_VARIABLE: &str = "SWITCHYARD_FAIL_POINT";

/// Breaks a guarantee on purpose: names a [`Sabotage`].
pub const SABOTAGE_VARIABLE: &str = "SWITCHYARD_SABOTAGE";

/// The variables that the configuration leaves to this module.
pub(crate) const VARIABLES: &[&str] = if ARE_COMPILED_IN { &[POINT_VARIABLE, SABOTAGE_VARIABLE] } else { &[] };

/// What can be broken, to see that the crash test finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The journal lets answers out before it has written what they say.
    AnswerBeforeSync,
    /// The answer to a request is kept in a commit of its own, after that of its effects.
    MemoApart,
    /// How far a service has taken events is kept in a commit of its own, after that of what an event brought about.
    PositionApart,
}

impl Sabotage {
    pub const ALL: [Self; 3] = [Self::AnswerBeforeSync, Self::MemoApart, Self::PositionApart];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AnswerBeforeSync => "answer-before-sync",
            Self::MemoApart => "memo-apart",
            Self::PositionApart => "position-apart",
        }
    }
}

/// The process dies here if this point is armed, and it is the time for it.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub(crate) fn fail_point(_name: &'static str) {}

/// As [`fail_point`]; `last` runs right before.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub(crate) fn fail_point_after(_name: &'static str, _last: impl FnOnce()) {}

/// Whether this is broken on purpose.
#[cfg(not(feature = "fail-points"))]
#[inline(always)]
pub(crate) fn is_sabotaged(_what: Sabotage) -> bool {
    false
}

#[cfg(feature = "fail-points")]
pub(crate) use armed::{fail_point, fail_point_after, is_sabotaged};

#[cfg(feature = "fail-points")]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{NAMES, POINT_VARIABLE, SABOTAGE_VARIABLE, Sabotage};

    struct Point {
        name: &'static str,
        times_left: AtomicU64,
    }

    static POINT: LazyLock<Option<Point>> = LazyLock::new(|| {
        variable(POINT_VARIABLE).map(|text| {
            let (name, times) = text.split_once(':').expect("a fail point is `name:times`");
            let name = NAMES.into_iter().find(|known| *known == name).expect("a fail point that there is");
            Point { name, times_left: AtomicU64::new(times.parse().expect("how many times, as a number")) }
        })
    });

    static SABOTAGE: LazyLock<Option<Sabotage>> = LazyLock::new(|| {
        let named = |name: String| Sabotage::ALL.into_iter().find(|sabotage| sabotage.name() == name);
        variable(SABOTAGE_VARIABLE).map(|name| named(name).expect("a sabotage that there is"))
    });

    #[expect(clippy::disallowed_methods, reason = "no setting of the product")]
    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    pub(crate) fn fail_point(name: &'static str) {
        fail_point_after(name, || {});
    }

    pub(crate) fn fail_point_after(name: &'static str, last: impl FnOnce()) {
        debug_assert!(NAMES.contains(&name), "{name} is not in the list of fail points");
        if let Some(point) = &*POINT
            && point.name == name
            && point.times_left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            last();
            // Nothing is dropped, flushed or told to anybody: on the disk it is as after SIGKILL.
            std::process::abort();
        }
    }

    pub(crate) fn is_sabotaged(what: Sabotage) -> bool {
        *SABOTAGE == Some(what)
    }
}
