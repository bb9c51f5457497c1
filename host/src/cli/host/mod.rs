//! Commands about the host itself: start it, read its configuration, manage its tokens, call its services.

pub(super) mod call;
pub(super) mod completions;
pub(super) mod config;
pub(super) mod tokens;
pub(super) mod up;
pub(super) mod version;
