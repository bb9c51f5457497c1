//! Copies of a cluster's stores in its object store: with one, a node does not need the messages of the stream before it.
//!
//! A copy is a backup of all stores, in pieces, and the position in the stream at which it continues. The files of releases are
//! no part of it: the object store has those that the newest releases name.
//!
//! Invariant: the stream has all messages after the position of the copy before the newest one. A copy counts only when its
//! document is there, which is stored last, and all pieces that it names.

mod document;
mod error;
mod list;
mod load;
mod name;
mod settings;
mod store;
mod upload;

pub(super) use document::CopyDocument;
pub use error::{CopyError, LoadError};
pub(super) use list::{Listed, continues};
pub(super) use load::loadable;
pub(in crate::store) use load::{NeedsCopy, is_loading, load, written_again_after};
pub(super) use name::CopyName;
pub(crate) use settings::CopySettings;
pub(crate) use store::Copies;
pub(crate) use upload::Stored;
pub(super) use upload::Upload;
