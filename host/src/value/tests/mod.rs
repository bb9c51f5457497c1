//! The promises of the mapping: its forms, no lost values, and no harm from any JSON.

pub(super) mod arbitrary;
mod forms;
mod hostile;
mod openapi;
mod properties;
mod schema;
