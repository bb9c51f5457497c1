//! Turns WIT files into contracts, or reports every mistake with its correction.

pub(super) mod at_once;
pub(super) mod clash;
pub(super) mod functions;
pub(super) mod line;
pub(super) mod line_error;
pub(super) mod mistake;
pub(super) mod source;
pub(super) mod state;
pub(super) mod types;
pub(super) mod worlds;
