//! From WIT files to contracts, with every mistake in them and what to write instead.

pub(super) mod clash;
pub(super) mod functions;
pub(super) mod line;
pub(super) mod line_error;
pub(super) mod mistake;
pub(super) mod source;
pub(super) mod types;
pub(super) mod worlds;
