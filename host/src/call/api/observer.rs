//! An observer gets the contracts of a routing before calls begin on it, and prepares what it derives from them.

use std::fmt;
use std::sync::OnceLock;

use super::calls::Calls;
use crate::call::routing::{Routing, Worlds};

type Prepare = Box<dyn Fn(&Worlds) + Send + Sync>;

#[derive(Default)]
pub(in crate::call::api) struct RoutingObserver(OnceLock<Prepare>);

impl fmt::Debug for RoutingObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingObserver").finish_non_exhaustive()
    }
}

impl Calls {
    /// `prepare` gets the contracts of every routing before calls begin on it. There is one observer: the first.
    pub fn set_routing_observer(&self, prepare: impl Fn(&Worlds) + Send + Sync + 'static) {
        // A second one derives what it needs when it needs it.
        let _first = self.inner.observer.0.set(Box::new(prepare));
    }

    /// Lets the observer prepare for `routing`. Returns when it has.
    pub fn prepare(&self, routing: &Routing) {
        if let Some(prepare) = self.inner.observer.0.get() {
            prepare(routing.worlds());
        }
    }
}
