//! The armed points: one of the process, set by its environment, and in tests those of one thread.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::action::Action;
use super::names::{NAMES, POINT_VARIABLE, variable};

/// The point that the environment arms.
struct OfProcess {
    name: &'static str,
    times_left: AtomicU64,
    action: Action,
}

static OF_PROCESS: LazyLock<Option<OfProcess>> = LazyLock::new(|| {
    let text = variable(POINT_VARIABLE)?;
    let (name, times, action) = parse(&text).expect("a fail point is `name:times` or `name:times:panic`");
    Some(OfProcess { name, times_left: AtomicU64::new(times), action })
});

/// Parses `name:times` and `name:times:panic`.
pub(super) fn parse(text: &str) -> Option<(&'static str, u64, Action)> {
    let (name, times) = text.split_once(':')?;
    let (times, action) = match times.split_once(':') {
        None => (times, Action::Abort),
        Some((times, "panic")) => (times, Action::Panic),
        Some(_) => return None,
    };
    Some((NAMES.into_iter().find(|known| *known == name)?, times.parse().ok()?, action))
}

pub(crate) fn fail_point(name: &'static str) {
    fail_point_after(name, || {});
}

pub(crate) fn fail_point_after(name: &'static str, last: impl FnOnce()) {
    debug_assert!(NAMES.contains(&name), "{name} is not in the list of fail points");
    let mut last = Some(last);
    let mut act = |action: Action| {
        if let Some(last) = last.take() {
            last();
        }
        action.act(name);
    };
    if let Some(point) = &*OF_PROCESS
        && point.name == name
        && point.times_left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        act(point.action);
    }
    if let Some(action) = of_thread::reach(name) {
        act(action);
    }
}

pub use of_thread::{Armed, arm};

mod of_thread {
    use std::cell::RefCell;

    use super::super::action::Action;
    use super::super::names::NAMES;

    struct Point {
        name: &'static str,
        times_left: u64,
        action: Action,
    }

    thread_local! {
        static POINTS: RefCell<Vec<Point>> = const { RefCell::new(Vec::new()) };
    }

    /// Keeps a point of this thread armed until it is dropped.
    #[derive(Debug)]
    pub struct Armed(&'static str);

    /// Arms the point `name` in this thread: `action` happens when the thread reaches it for the `times`-th time. For
    /// tests whose tasks share one thread; other tests in the same process are not affected.
    #[must_use]
    pub fn arm(name: &'static str, times: u64, action: Action) -> Armed {
        assert!(NAMES.contains(&name), "{name} is not in the list of fail points");
        POINTS.with_borrow_mut(|points| points.push(Point { name, times_left: times, action }));
        Armed(name)
    }

    impl Drop for Armed {
        fn drop(&mut self) {
            POINTS.with_borrow_mut(|points| points.retain(|point| point.name != self.0));
        }
    }

    /// The action for this thread at the point `name`, if it is due.
    pub(super) fn reach(name: &str) -> Option<Action> {
        POINTS.with_borrow_mut(|points| {
            let point = points.iter_mut().find(|point| point.name == name && point.times_left > 0)?;
            point.times_left -= 1;
            (point.times_left == 0).then_some(point.action)
        })
    }
}
