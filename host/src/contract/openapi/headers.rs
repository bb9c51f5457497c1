//! The headers of responses.

use serde_json::{Value as Json, json};

pub(super) const EXAMPLE_REQUEST_ID: &str = "5d41402abc4b2a76b9719d911017c592";

pub(super) const EXAMPLE_ETAG: &str = "\"b94d27b9934d3e08a52e52d7da7dabfa\"";

/// The headers of every response.
pub(super) fn common() -> Json {
    json!({ "X-Request-Id": reference_to("X-Request-Id") })
}

/// The headers of an answer that a client can ask for again with a condition.
pub(super) fn validated() -> Json {
    let mut headers = common();
    for name in ["Cache-Control", "ETag"] {
        headers[name] = reference_to(name);
    }
    headers
}

/// The response to a client that has the answer already.
pub(super) fn not_modified() -> Json {
    json!({ "description": "The client has this answer already.", "headers": validated() })
}

/// A reference to one of [`definitions`].
pub(super) fn reference_to(header: &str) -> Json {
    json!({ "$ref": format!("#/components/headers/{header}") })
}

/// The definitions of the headers that responses have.
pub(super) fn definitions() -> Json {
    json!({
        "X-Request-Id": {
            "description": "The id of the request, as in the log.",
            "required": true,
            "schema": { "type": "string" },
            "example": EXAMPLE_REQUEST_ID,
        },
        "Cache-Control": {
            "description": "How long a cache may use the answer without asking: by default it asks each time.",
            "required": true,
            "schema": { "type": "string" },
            "example": "no-cache",
        },
        "ETag": {
            "description": "Identifies this answer, for `If-None-Match` (RFC 9110, section 8.8.3).",
            "required": true,
            "schema": { "type": "string" },
            "example": EXAMPLE_ETAG,
        },
        "Idempotent-Replay": {
            "description": "`true` if this repeats the answer to an earlier request with the same Idempotency-Key.",
            "required": false,
            "schema": { "type": "string", "enum": ["true"] },
            "example": "true",
        },
        "Retry-After": {
            "description": "Seconds to wait before a retry.",
            "schema": { "type": "integer", "minimum": 0 },
            "example": 1,
        },
        "WWW-Authenticate": {
            "description": "The required kind of credentials.",
            "schema": { "type": "string" },
            "example": "Bearer",
        },
    })
}
