//! One operation: its request, its responses, and who may call it.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::description::{described, first_sentence};
use super::errors::{self, OperationTraits, Responses};
use super::headers;
use super::schema::{Schemas, is_required};
use crate::contract::types::{Field, Function, Method, Route};
use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::names::ServiceName;

const REQUEST_ID: &str = "RequestId";
const IDEMPOTENCY_KEY: &str = "IdempotencyKey";
const IF_NONE_MATCH: &str = "IfNoneMatch";

/// A function with a route, and its names in the document.
pub(super) struct Operation<'a> {
    pub(super) service: &'a ServiceName,
    pub(super) function: &'a Function,
    pub(super) route: &'a Route,
    pub(super) id: String,
    /// The path of the route; all functions of one path share the names of its parameters.
    pub(super) path: String,
}

impl Operation<'_> {
    pub(super) fn document(&self, schemas: &Schemas, responses: &mut Responses, authenticates: bool) -> Json {
        let mut document = json!({ "operationId": self.id, "tags": [self.service] });
        if !self.function.docs.is_empty() {
            document["summary"] = first_sentence(&self.function.docs).into();
            document["description"] = (*self.function.docs).into();
        }
        if authenticates {
            document["security"] = self.security();
        }
        document["parameters"] = self.parameters(schemas);
        if let Some(body) = self.body() {
            let content = json!({ "schema": schemas.present(&body.ty), "example": schemas.examples().field(body) });
            let body = json!({ "required": is_required(body), "content": { "application/json": content } });
            document["requestBody"] = body;
        }
        document["responses"] = self.responses(schemas, responses, authenticates);
        document
    }

    /// Each requirement is an alternative: one role, or no authentication.
    fn security(&self) -> Json {
        match self.function.roles.as_slice() {
            [] => json!([{}, { "bearer": [] }]),
            roles => roles.iter().map(|role| json!({ "bearer": [role] })).collect(),
        }
    }

    fn body(&self) -> Option<&Field> {
        self.route.body_parameter.and_then(|place| self.function.parameters.get(place))
    }

    fn parameters(&self, schemas: &Schemas) -> Json {
        let shared = self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let in_path = self.placed(&self.route.path_parameters).zip(shared);
        let path = in_path.map(|(field, name)| parameter(field, name, "path", true, schemas));
        let in_query = self.placed(&self.route.query_parameters);
        let query = in_query.map(|field| parameter(field, &field.name.json, "query", is_required(field), schemas));
        let named: &[_] = match self.writes() {
            true => &[IDEMPOTENCY_KEY, REQUEST_ID],
            false if self.has_etag() => &[IF_NONE_MATCH, REQUEST_ID],
            false => &[REQUEST_ID],
        };
        let headers = named.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
        path.chain(query).chain(headers).collect()
    }

    fn placed(&self, places: &[usize]) -> impl Iterator<Item = &Field> {
        places.iter().filter_map(|place| self.function.parameters.get(*place))
    }

    fn writes(&self) -> bool {
        self.route.method != Method::Get
    }

    fn has_etag(&self) -> bool {
        !self.writes() && self.function.ok.is_some()
    }

    fn responses(&self, schemas: &Schemas, responses: &mut Responses, authenticates: bool) -> Json {
        let mut all = BTreeMap::from([(self.route.success.to_string(), self.success(schemas))]);
        if self.has_etag() {
            let reference = responses.refer_to(StatusCode::NOT_MODIFIED, &headers::not_modified());
            all.insert(StatusCode::NOT_MODIFIED.as_str().to_owned(), reference);
        }
        let operation = OperationTraits {
            has_body: self.body().is_some(),
            has_answer: self.function.ok.is_some(),
            authenticates,
            has_roles: !self.function.roles.is_empty(),
        };
        let errors = errors::of_operation(self.function, operation, schemas, responses);
        all.extend(errors.into_iter().map(|(status, response)| (status.to_string(), response)));
        json!(all)
    }

    fn success(&self, schemas: &Schemas) -> Json {
        let status = StatusCode::from_u16(self.route.success).ok();
        let description = status.and_then(|status| status.canonical_reason()).unwrap_or("Success");
        let mut response = json!({ "description": description, "headers": headers::common() });
        if self.writes() {
            response["headers"]["Idempotent-Replay"] = headers::reference_to("Idempotent-Replay");
        }
        if self.has_etag() {
            response["headers"] = headers::validated();
        }
        if let Some(ok) = &self.function.ok {
            let content = json!({ "schema": schemas.schema(ok), "example": schemas.examples().of(ok) });
            response["content"] = json!({ "application/json": content });
        }
        response
    }
}

fn parameter(field: &Field, name: &str, place: &str, required: bool, schemas: &Schemas) -> Json {
    let mut parameter = described(json!({ "name": name, "in": place, "required": required }), &field.docs);
    parameter["schema"] = schemas.present(&field.ty);
    parameter["example"] = schemas.examples().field(field);
    parameter
}

/// Headers that a request may have.
pub(super) fn common_parameters() -> Json {
    let visible =
        |bytes_max: usize| json!({ "type": "string", "minLength": 1, "maxLength": bytes_max, "pattern": "^[!-~]+$" });
    let mut parameters = Map::new();
    parameters.insert(
        IDEMPOTENCY_KEY.into(),
        json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "Identifies this request, so that a retry has no second effect.",
            "schema": visible(IDEMPOTENCY_KEY_BYTES_MAX),
            "example": "order-7f3c-attempt-1",
        }),
    );
    parameters.insert(
        IF_NONE_MATCH.into(),
        json!({
            "name": "If-None-Match",
            "in": "header",
            "required": false,
            "description": "The `ETag` of an answer that the client has (RFC 9110, section 13.1.2). While the answer is \
                still the same, it gets a 304 without a body.",
            "schema": { "type": "string" },
            "example": headers::EXAMPLE_ETAG,
        }),
    );
    parameters.insert(
        REQUEST_ID.into(),
        json!({
            "name": "X-Request-Id",
            "in": "header",
            "required": false,
            "description": "The id of this request, in the answer and in the log: 1 to 128 visible ASCII \
                characters. The host generates one if it is missing or invalid.",
            "schema": { "type": "string" },
            "example": headers::EXAMPLE_REQUEST_ID,
        }),
    );
    parameters.into()
}
