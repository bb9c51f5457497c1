//! Mirrors: while the data of a service moves to another implementation, the second generation of its store follows the
//! first one, entity by entity, through the state interface of the contract.
//!
//! Invariant: an entity's digest is stored in the commit that imports the entity. So after a crash, the digests describe
//! what the other generation holds, and a mirror continues where it was.

mod check;
mod copy;
mod digest;
mod error;
mod handle;
mod page_group;
mod pages;
mod registry;
mod side;
mod trial;
mod verify;

#[cfg(test)]
mod tests;

pub(in crate::release) use check::{check_end, page};
pub(in crate::release) use copy::{Frozen, Mirror};
pub(in crate::release) use error::LostAnswers;
pub use error::MirrorError;
pub(in crate::release) use handle::MirrorHandle;
pub use handle::{MirrorPhase, MirrorStatus};
pub(in crate::release) use registry::Mirrors;
pub(in crate::release) use side::{ProgramSide, StateSide};
pub(in crate::release) use trial::{Trial, trial};
