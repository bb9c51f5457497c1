//! Health and readiness: whether the process answers, and whether the host can do its work.

use serde::Serialize;

use super::Admin;
use crate::store::Health as StoreHealth;

#[derive(Debug, Serialize)]
pub(super) struct Health {
    pub(super) status: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    pub(super) ready: bool,
    /// Everything that stands in the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) because: Vec<String>,
}

impl Admin {
    /// The host is ready while it takes commits, every service of its manifest has a live release, and it was not told
    /// to stop.
    pub(super) fn readiness(&self) -> Readiness {
        let mut because = Vec::new();
        if self.stop.is_set() {
            because.push("the host is stopping".to_owned());
        }
        if let StoreHealth::Stopped { why } = self.stores.health() {
            because.push(format!("no commit is taken: {why}"));
        }
        let routing = self.calls.routing();
        let missing = self.services.iter().filter(|name| routing.live().member(name).is_none());
        because.extend(missing.map(|name| format!("{name} has no live release")));
        Readiness { ready: because.is_empty(), because }
    }
}
