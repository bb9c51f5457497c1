//! The errors of an operation: from the contract's error cases, and from the gateway itself.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::description::first_sentence;
use super::error_members::{case_members, error_cases};
use super::problem;
use super::schema::{Schemas, is_required};
use crate::contract::types::{Case, Function};

/// The traits of an operation that decide which errors the gateway itself may return.
#[derive(Debug, Clone, Copy)]
pub(super) struct OperationTraits {
    pub(super) has_body: bool,
    pub(super) has_answer: bool,
    pub(super) authenticates: bool,
    pub(super) has_roles: bool,
}

/// An error that the gateway returns regardless of the contract.
struct HostError {
    status: StatusCode,
    detail: &'static str,
    applies: fn(OperationTraits) -> bool,
}

const HOST_ERRORS: &[HostError] = &[
    HostError {
        status: StatusCode::BAD_REQUEST,
        detail: "The request does not match the operation: `errors` lists the problems.",
        applies: |_| true,
    },
    HostError {
        status: StatusCode::UNAUTHORIZED,
        detail: "The bearer token is missing, or not valid.",
        applies: |operation| operation.authenticates,
    },
    HostError {
        status: StatusCode::FORBIDDEN,
        detail: "The caller lacks the role for this operation.",
        applies: |operation| operation.has_roles,
    },
    HostError {
        status: StatusCode::NOT_ACCEPTABLE,
        detail: "The answer is JSON, but the request does not accept it: send `Accept: application/json`.",
        applies: |operation| operation.has_answer,
    },
    HostError {
        status: StatusCode::REQUEST_TIMEOUT,
        detail: "The body did not arrive in time.",
        applies: |operation| operation.has_body,
    },
    HostError {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        detail: "The body is too large.",
        applies: |operation| operation.has_body,
    },
    HostError {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        detail: "The body must be application/json.",
        applies: |operation| operation.has_body,
    },
    HostError {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        detail: "The Idempotency-Key was used with another body: use a new key.",
        applies: |operation| operation.has_body,
    },
    HostError {
        status: StatusCode::TOO_MANY_REQUESTS,
        detail: "Too many requests; try again later.",
        applies: |_| true,
    },
    HostError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        detail: "The service failed; the call changed nothing.",
        applies: |_| true,
    },
    HostError {
        status: StatusCode::SERVICE_UNAVAILABLE,
        detail: "The service cannot answer now; try again later.",
        applies: |_| true,
    },
    HostError {
        status: StatusCode::GATEWAY_TIMEOUT,
        detail: "The call took too long. It changed nothing, or it continues: retry with the same Idempotency-Key \
            to get its answer.",
        applies: |_| true,
    },
];

/// The error responses of an operation, by status.
pub(super) fn of_operation(
    function: &Function,
    operation: OperationTraits,
    schemas: &Schemas,
    responses: &mut Responses,
) -> BTreeMap<u16, Json> {
    let mut sources: BTreeMap<u16, Sources<'_>> = BTreeMap::new();
    for host_error in HOST_ERRORS.iter().filter(|host_error| (host_error.applies)(operation)) {
        sources.entry(host_error.status.as_u16()).or_default().host_error = Some(host_error);
    }
    for (case, status) in error_cases(function).iter().filter_map(|case| Some((case, case.status?))) {
        sources.entry(status).or_default().cases.push(case);
    }
    let response = |(code, sources): (u16, Sources<'_>)| {
        let status = StatusCode::from_u16(code).ok()?;
        Some((code, responses.refer_to(status, &sources.response(status, schemas))))
    };
    sources.into_iter().filter_map(response).collect()
}

/// The responses that operations share, each once: errors, and that nothing has changed.
#[derive(Default)]
pub(super) struct Responses {
    named: Map<String, Json>,
}

impl Responses {
    /// A reference to `response`, which has `status`.
    pub(super) fn refer_to(&mut self, status: StatusCode, response: &Json) -> Json {
        let name = (1_usize..)
            .map(|count| numbered(&component(status), count))
            .find(|name| self.named.get(name).is_none_or(|other| other == response))
            .expect("there is no last number");
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        self.named.entry(name).or_insert_with(|| response.clone());
        reference
    }

    pub(super) fn document(mut self) -> Json {
        self.named.sort_keys();
        self.named.into()
    }
}

fn numbered(name: &str, count: usize) -> String {
    if count == 1 { name.to_owned() } else { format!("{name}{count}") }
}

/// The component name of a status: `NotFound` for 404.
fn component(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Error").replace([' ', '-', '\''], "")
}

/// The sources of an operation's errors with one status.
#[derive(Default)]
struct Sources<'a> {
    host_error: Option<&'a HostError>,
    cases: Vec<&'a Case>,
}

impl Sources<'_> {
    fn response(&self, status: StatusCode, schemas: &Schemas) -> Json {
        let mut description: Vec<_> = self.host_error.iter().map(|host_error| host_error.detail.to_owned()).collect();
        let mut examples: Map<_, _> = self
            .host_error
            .iter()
            .map(|host_error| ("gateway".into(), json!({ "value": host_error.example() })))
            .collect();
        for case in &self.cases {
            let docs = if case.docs.is_empty() { title(case) } else { case.docs.replace('\n', " ") };
            description.push(format!("`{}`: {docs}", case.name));
            examples.insert(case.name.to_string(), json!({ "value": case_example(status, case, schemas) }));
        }
        let content = json!({ "schema": self.schema(schemas), "examples": examples });
        problem::response(status, &description.join("\n\n"), content)
    }

    /// A problem document with the members that the cases add. A member is required if every source has it.
    fn schema(&self, schemas: &Schemas) -> Json {
        let mut properties: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
        for field in self.cases.iter().copied().flat_map(case_members) {
            let alternatives = properties.entry(&field.name.json).or_default();
            let schema = schemas.field(field);
            if !alternatives.contains(&schema) {
                alternatives.push(schema);
            }
        }
        let problem = json!({ "$ref": format!("#/components/schemas/{}", problem::SCHEMA) });
        if properties.is_empty() {
            return problem;
        }
        let required: Vec<_> = properties.keys().filter(|name| self.always_has(name)).copied().collect();
        let mut added = json!({ "type": "object" });
        if !required.is_empty() {
            added["required"] = json!(required);
        }
        let property = |(name, schemas): (&str, Vec<Json>)| match schemas.as_slice() {
            [only] => (name.to_owned(), only.clone()),
            several => (name.to_owned(), json!({ "anyOf": several })),
        };
        added["properties"] = properties.into_iter().map(property).collect::<Map<_, _>>().into();
        json!({ "allOf": [problem, added] })
    }

    /// Whether every source has the member; `errors` may always be missing.
    fn always_has(&self, member: &str) -> bool {
        let has = |case: &&Case| case_members(case).any(|field| *field.name.json == *member && is_required(field));
        self.host_error.is_none() && member != "errors" && self.cases.iter().all(has)
    }
}

impl HostError {
    fn example(&self) -> Json {
        problem::example("about:blank", self.status.canonical_reason().unwrap_or("Error"), self.status, self.detail)
    }
}

fn case_example(status: StatusCode, case: &Case, schemas: &Schemas) -> Json {
    let sentence = first_sentence(&case.docs);
    let detail = if sentence.is_empty() { title(case) } else { sentence };
    let kind = format!("urn:switchyard:problem:{}", case.name);
    let mut problem = problem::example(&kind, &title(case), status, &format!("{detail}."));
    for field in case_members(case) {
        problem[&*field.name.json] = schemas.examples().field(field);
    }
    problem
}

/// `not-found` as `Not found`.
fn title(case: &Case) -> String {
    let mut letters = case.name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| if letter == '-' { ' ' } else { letter })).collect()
}
