//! The OpenAPI document of the operator API. A test compares it with the routes, and with the members of real answers.

mod operations;
mod schemas;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value as Json, json};

use operations::{OPERATIONS, Operation, PARAMETERS};
use schemas::{SCHEMAS, reference, schema};

use crate::observe::VERSION;

/// The document.
pub(super) fn openapi() -> Json {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_ascii_lowercase(), described(operation));
        }
    }
    let schemas: Map<_, _> = SCHEMAS.iter().map(|(name, members)| ((*name).to_owned(), schema(members))).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Switchyard: the operator API",
            "version": VERSION,
            "description": "Everything that the command line can do. Names are in camelCase, times are RFC 3339 in UTC, \
                and digests are `sha256:` and 64 hex digits. Later versions may add members to answers.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn described(operation: &Operation) -> Json {
    let Operation { path, summary, role, query, body, status, answer, .. } = operation;
    let in_path = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let in_path =
        in_path.map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    let in_query = query.iter().map(|name| {
        let known = PARAMETERS.iter().find(|(known, _)| known == name);
        let text = known.map_or("", |(_, text)| text);
        json!({"name": name, "in": "query", "description": text, "schema": {"type": "string"}})
    });
    let success = match answer.split_once(' ') {
        _ if *status == 204 => json!({"description": "done"}),
        Some((media, schema)) => {
            json!({"description": "done", "content": {(media): {"schema": reference(schema)}}})
        }
        None => json!({"description": "done", "content": {"application/json": {"schema": reference(answer)}}}),
    };
    let problem = json!({
        "description": "refused; the state is unchanged",
        "content": {"application/problem+json": {"schema": reference("Problem")}},
    });
    let mut described = json!({
        "summary": summary,
        "description": format!("Role: {role}."),
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": {(status.to_string()): success, "default": problem},
    });
    if let Some(members) = described.as_object_mut() {
        if let Some((media, schema)) = body.split_once(' ') {
            let content = json!({"required": true, "content": {(media): {"schema": reference(schema)}}});
            members.insert("requestBody".into(), content);
        }
        let open = *role == "none";
        members.insert("security".into(), if open { json!([]) } else { json!([{"token": []}]) });
    }
    described
}
