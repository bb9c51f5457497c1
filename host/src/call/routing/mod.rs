//! The release of a call: services, their loaded releases, candidates, mounts, and holds during migrations.

pub(super) mod admission;
pub(super) mod circuit;
mod client_slots;
pub(super) mod component;
pub(super) mod current;
pub(super) mod instances;
mod kind;
pub(super) mod mounts;
pub(super) mod recent_calls;
pub(super) mod release;
pub(super) mod selection;
pub(super) mod service;
pub(super) mod shadow;
pub(super) mod share;
pub(super) mod slot_queue;
pub(super) mod table;
pub(super) mod turns;

pub use component::LinkedComponent;
pub use current::Hold;
pub use mounts::Mount;
pub use release::{Backend, LoadedRelease};
pub use selection::{Candidate, Origin, Routing, Worlds};
pub use service::Service;
pub use shadow::Shadow;
pub use share::Share;
pub use table::{NotExported, RoutingTable};
