//! Problem documents (RFC 9457): their schema, their headers, and an example.

use hyper::StatusCode;
use serde_json::{Value as Json, json};

/// The name of the problem document's schema.
pub(super) const SCHEMA: &str = "Problem";

pub(super) const EXAMPLE_REQUEST_ID: &str = "5d41402abc4b2a76b9719d911017c592";

/// A response of `status` with problem documents, described by `content`.
pub(super) fn response(status: StatusCode, description: &str, content: Json) -> Json {
    let mut headers = common_headers();
    let host_error = match status {
        StatusCode::UNAUTHORIZED => Some("WWW-Authenticate"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After"),
        _ => None,
    };
    if let Some(name) = host_error {
        headers[name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
    json!({ "description": description, "headers": headers, "content": { "application/problem+json": content } })
}

/// The headers of every response.
pub(super) fn common_headers() -> Json {
    json!({ "X-Request-Id": reference_to("X-Request-Id") })
}

/// A reference to one of [`headers`].
pub(super) fn reference_to(header: &str) -> Json {
    json!({ "$ref": format!("#/components/headers/{header}") })
}

/// The definitions of the headers that responses have.
pub(super) fn headers() -> Json {
    json!({
        "X-Request-Id": {
            "description": "The id of the request, as in the log.",
            "required": true,
            "schema": { "type": "string" },
            "example": EXAMPLE_REQUEST_ID,
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

/// The schema of a problem document. Contracts add members of their own.
pub(super) fn schema() -> Json {
    let text = |docs: &str| json!({ "type": "string", "description": docs });
    json!({
        "type": "object",
        "description": "The error (RFC 9457). It may have further members.",
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "The kind of the problem." },
            "title": text("The kind of problem in words."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status." },
            "detail": text("The details of this error."),
            "instance": text("The id of the request."),
            "errors": {
                "type": "array",
                "description": "All mistakes in the request.",
                "items": {
                    "type": "object",
                    "properties": {
                        "field": text("A JSON pointer (RFC 6901) into the body."),
                        "parameter": text("The name of a path parameter, query parameter or header."),
                        "detail": text("The mistake."),
                    },
                    "required": ["detail"],
                },
            },
        },
        "required": ["type", "title", "status", "detail", "instance"],
    })
}

/// An example of a problem document.
pub(super) fn example(kind: &str, title: &str, status: StatusCode, detail: &str) -> Json {
    json!({ "type": kind, "title": title, "status": status.as_u16(), "detail": detail, "instance": EXAMPLE_REQUEST_ID })
}
