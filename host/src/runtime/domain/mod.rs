//! Components with a contract: linked to it, and run one function at a time in a fresh instance.

mod arguments;
mod imports;
mod link;
mod migration;
mod operator_text;
mod program;
mod signature;
mod smoke;
mod state;
mod state_interface;
mod views;

pub(super) use link::link;
pub use migration::{DataDescription, DescribeError, MigrateError, Migrated};
pub use program::Program;
pub use smoke::{SmokeReport, SmokedFunction};
pub use state_interface::{StateChange, StateEntity, StateError, StatePage, StateRun};
