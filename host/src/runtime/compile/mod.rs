//! From a component to code: the engines, their compilers, and the stored code.

mod bounds;
mod cache;
mod child;
mod compiler;
mod engine;
mod entries;
mod folder;
mod load;
#[cfg(test)]
mod tests;

pub use bounds::OverLimit;
pub use cache::COMPILED_FOLDER;
pub(super) use cache::{Cache, CacheSlot};
pub use child::{ChildError, run_compiler};
pub use compiler::{Code, CompileError, Origin};
pub(super) use compiler::{Compiler, Loaded};
pub(super) use engine::{Kind, engine};
pub use folder::{FolderError, private_folder};
