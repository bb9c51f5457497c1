//! What the mapping promises: its forms, that nothing is lost, and that no JSON does harm.

pub(super) mod arbitrary;
mod forms;
mod hostile;
mod openapi;
mod properties;
mod schema;
