//! One mistake in a request, and where it is.

use std::sync::Arc;

use serde::Serialize;

/// One mistake in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The name of a path, query or header value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<Arc<str>>,
    pub detail: String,
}

impl Fault {
    pub(in crate::gateway) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self { field: None, parameter: Some(name.into()), detail: detail.into() }
    }

    pub(in crate::gateway) fn field(pointer: String, detail: impl Into<String>) -> Self {
        Self { field: Some(pointer), parameter: None, detail: detail.into() }
    }
}
