//! The guarantee that is broken in this process.

use std::sync::LazyLock;
use std::time::Duration;

use super::names::{SABOTAGE_VARIABLE, variable};
use super::sabotage::Sabotage;

/// How long a broken guarantee leaves open the window in which a kill has consequences. It is long compared with the
/// rest of a call, so that most kills fall into one.
pub(crate) const WINDOW: Duration = Duration::from_millis(20);

static BROKEN: LazyLock<Option<Sabotage>> = LazyLock::new(|| {
    let named = |name: String| Sabotage::ALL.into_iter().find(|sabotage| sabotage.name() == name);
    variable(SABOTAGE_VARIABLE).map(|name| named(name).expect("a sabotage that exists"))
});

/// The guarantee that is broken in this process, if any.
pub(crate) fn broken() -> Option<Sabotage> {
    *BROKEN
}
