//! Health and readiness: whether the process answers, and whether the host can do its work.

use serde::Serialize;

use crate::admin::server::Admin;
use crate::store::Health as StoreHealth;

#[derive(Debug, Serialize)]
pub(in crate::admin) struct Health {
    pub(in crate::admin) status: &'static str,
}

#[derive(Debug, Serialize)]
pub(in crate::admin) struct Readiness {
    pub(in crate::admin) ready: bool,
    /// All reasons why the host is not ready.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::admin) because: Vec<String>,
}

impl Admin {
    /// The host is ready while commits succeed, all tasks and threads run, every service has a release with a closed
    /// circuit, and no stop has been requested. It serves only once every service has a live release.
    pub(in crate::admin) fn readiness(&self) -> Readiness {
        let mut because = Vec::new();
        if self.stop.is_set() {
            because.push("the host is stopping".to_owned());
        }
        if let StoreHealth::NoRoom { why } | StoreHealth::Stopped { why } = self.stores.health() {
            because.push(format!("no commit is taken: {why}"));
        }
        let routing = self.calls.routing();
        let unavailable = routing.unavailable_services();
        because.extend(
            unavailable.map(|service| format!("{service} answers nobody: the circuits of its releases are open")),
        );
        let outages = self.tasks.outages().now().into_iter().chain(self.stores.outages());
        because.extend(outages.map(|outage| outage.to_string()));
        Readiness { ready: because.is_empty(), because }
    }
}
