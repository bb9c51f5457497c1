//! The parts of an answer: its body, its headers, and the problem document of an error.

pub(super) mod body;
pub(super) mod compress;
pub(super) mod conditions;
pub(super) mod cors;
pub(super) mod entity_tag;
pub(super) mod error_shape;
pub(super) mod fault;
pub(super) mod file;
pub(super) mod page_headers;
pub(super) mod problem;
pub(super) mod refusal;
pub(super) mod status;
