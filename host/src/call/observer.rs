//! Who is told of the contracts of a routing before calls begin on it, to make of them what it needs while calls go on.

use std::fmt;
use std::sync::OnceLock;

use super::{Calls, Routing, Worlds};

/// Whoever is told.
type Prepare = Box<dyn Fn(&Worlds) + Send + Sync>;

#[derive(Default)]
pub(super) struct RoutingObserver(OnceLock<Prepare>);

impl fmt::Debug for RoutingObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingObserver").finish_non_exhaustive()
    }
}

impl Calls {
    /// Has `prepare` know the contracts of every routing that calls are going to begin on. The first one that asks is
    /// told, and no other.
    pub fn set_routing_observer(&self, prepare: impl Fn(&Worlds) + Send + Sync + 'static) {
        // A second one derives what it needs when it needs it.
        let _first = self.inner.observer.0.set(Box::new(prepare));
    }

    /// Announces `routing`, on which calls are going to begin; returns when all is prepared for it.
    pub fn prepare(&self, routing: &Routing) {
        if let Some(prepare) = self.inner.observer.0.get() {
            prepare(routing.worlds());
        }
    }
}
