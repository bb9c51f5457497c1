//! Counts of tasks and threads that fail. Failures are rare, so each count looks up its counter.

use metrics::counter;

/// Records that the task or thread `name` panicked.
pub(crate) fn count_panic(name: &str) {
    counter!("switchyard_task_panics_total", "task" => name.to_owned()).increment(1);
}

/// Records that the task or thread `name` failed and is restarted.
pub(crate) fn count_restart(name: &str) {
    counter!("switchyard_task_restarts_total", "task" => name.to_owned()).increment(1);
}
