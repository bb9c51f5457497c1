//! Problem documents (RFC 9457): their schema, and an example.

use hyper::StatusCode;
use serde_json::{Value as Json, json};

use super::headers::{self, EXAMPLE_REQUEST_ID};

/// The name of the problem document's schema.
pub(super) const SCHEMA: &str = "Problem";

/// A response of `status` with problem documents, described by `content`.
pub(super) fn response(status: StatusCode, description: &str, content: Json) -> Json {
    let mut headers = headers::common();
    let host_error = match status {
        StatusCode::UNAUTHORIZED => Some("WWW-Authenticate"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After"),
        _ => None,
    };
    if let Some(name) = host_error {
        headers[name] = headers::reference_to(name);
    }
    json!({ "description": description, "headers": headers, "content": { "application/problem+json": content } })
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
