//! The OpenAPI document agrees with the codecs: encoded values match the schemas, and examples decode.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::arbitrary::{any_type, any_value};
use super::schema::{resolve, violation};
use crate::contract::{Contracts, Field, Function, Interface, Method, Name, Reach, Route, Type, World, openapi};
use crate::names::ServiceName;
use crate::value::Codec;

const NOTES: &str = r#"
package test:notes@1.0.0;

interface kinds {
    /// How much it matters.
    enum weight { light, heavy }
    record tag { name: string, weight: weight }
    record fault { field: option<string>, detail: string }
    record faults { detail: string, errors: list<fault> }
    record wait { detail: string, retry-after-seconds: u32 }
    variant problem {
        /// `400`
        malformed(faults),
        /// No such note, or
        /// none of the caller's.
        ///
        /// `404`
        not-found(string),
        /// `409`
        taken,
        /// `409`
        locked(wait),
        /// `429`
        slow(wait),
    }
}

interface notes {
    use kinds.{tag, problem};
    record identity { id: string, role: string }
    record page { items: list<note>, next-cursor: option<string> }
    record note {
        id: string,
        /// Such as a title, such as `Milk`.
        title: option<string>,
        tags: list<tag>,
        size: u64,
    }
    record new-note { title: option<string>, tags: list<tag> }

    /// Lists notes, newest first. Nothing else.
    ///
    /// `GET /notes?cursor&limit&weight`
    list-notes: func(cursor: option<string>, limit: option<u32>, weight: bool) -> result<page, problem>;
    /// `POST /notes -> 201` for `writer` or `staff`
    add-note: func(note: new-note) -> result<note, problem>;
    /// `GET /notes/{id}`
    get: func(id: string) -> result<note, problem>;
    /// `PUT /notes/{note-id}/tags/{name}` for `writer`
    put-tag: func(note-id: string, name: string, tag: option<tag>) -> result<note, problem>;
    /// `DELETE /notes/{id}/tags/{name}` for `writer`
    remove-tag: func(id: string, name: string) -> result<_, problem>;
    /// `authenticate`
    authenticate: func(token: string) -> option<identity>;
    internal: func(id: string);
}

world notes-service { export notes; }
"#;

const TASKS: &str = r#"
package test:tasks@1.0.0;

interface tasks {
    use test:notes/kinds@1.0.0.{tag};
    record note { text: string }
    record task { notes: list<note>, tags: list<tag> }
    record problem { what: string }
    /// `GET /tasks/{id}`
    get: func(id: string) -> task;
    /// `GET /problems`
    problems: func() -> list<problem>;
}

/// What is to be done.
world tasks-service { export tasks; }
"#;

fn services() -> Vec<(ServiceName, Arc<World>)> {
    let wit = tempfile::tempdir().unwrap();
    for (name, text) in [("notes", NOTES), ("tasks", TASKS)] {
        std::fs::create_dir(wit.path().join(name)).unwrap();
        std::fs::write(wit.path().join(name).join("package.wit"), text).unwrap();
    }
    let contracts = Contracts::read(wit.path()).unwrap();
    let service = |name: &str| {
        let world = contracts.world(&format!("test:{name}/{name}-service")).unwrap();
        (ServiceName::parse(name).unwrap(), world)
    };
    vec![service("notes"), service("tasks")]
}

fn document() -> Json {
    openapi(&services(), "Notes", "1")
}

fn routes(services: &[(ServiceName, Arc<World>)]) -> Vec<(Arc<Function>, Route)> {
    let functions = services.iter().flat_map(|(_, world)| &world.exports).flat_map(|interface| &interface.functions);
    let route = |function: &Arc<Function>| match &function.reach {
        Reach::Http(route) => Some((Arc::clone(function), route.clone())),
        _ => None,
    };
    functions.filter_map(route).collect()
}

/// Every object of `json`, from the outside in.
fn objects<'j>(json: &'j Json, all: &mut Vec<&'j serde_json::Map<String, Json>>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| objects(item, all)),
        Json::Object(members) => {
            all.push(members);
            members.values().for_each(|value| objects(value, all));
        }
        _ => {}
    }
}

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(document().to_string(), document().to_string());
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut all = Vec::new();
    objects(&document, &mut all);
    let references: Vec<_> = all.iter().filter_map(|object| object.get("$ref")).collect();
    assert!(references.len() > 50, "{}", references.len());
    references.iter().for_each(|reference| _ = resolve(&document, reference));
}

#[test]
fn every_operation_has_an_id_of_its_own_and_declares_its_path_parameters() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let declared: Vec<_> =
                in_path.map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap())).collect();
            let used: Vec<_> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
            assert_eq!(declared, used, "{path}");
        }
    }
    assert_eq!(
        ids.into_iter().collect::<Vec<_>>(),
        ["addNote", "listNotes", "notesGet", "problems", "putTag", "removeTag", "tasksGet"]
    );
}

#[test]
fn examples_are_of_their_type() {
    let services = services();
    let document = document();
    let decodes = |ty: &Type, example: &Json| {
        let read = Codec::new(ty).decode(example.to_string().as_bytes());
        assert!(read.is_ok(), "{example}: {read:?}");
    };
    let mut all = Vec::new();
    objects(&document["paths"], &mut all);
    objects(&document["components"]["responses"], &mut all);
    for media in all.iter().filter(|object| object.contains_key("schema")) {
        let named = media.get("examples").and_then(Json::as_object);
        let named = named.into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in media.get("example").into_iter().chain(named) {
            assert_eq!(violation(&document, &media["schema"], example), None);
        }
    }
    for (function, route) in routes(&services) {
        let item =
            document["paths"].as_object().unwrap().iter().find(|(path, _)| shape(path) == route.shape()).unwrap().1;
        let operation = &item[route.method.as_str().to_lowercase()];
        if let Some(body) = route.body_parameter {
            decodes(&function.parameters[body].ty, &operation["requestBody"]["content"]["application/json"]["example"]);
        }
        if let Some(ok) = &function.ok {
            let response = &operation["responses"][route.success.to_string()];
            decodes(ok, &response["content"]["application/json"]["example"]);
        }
    }
}

fn shape(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[test]
fn what_a_contract_says_is_in_the_document() {
    let document = document();
    let check = |pointer: &str, expected: Json| assert_eq!(document.pointer(pointer), Some(&expected), "{pointer}");
    check("/openapi", json!("3.1.0"));
    check("/tags", json!([{ "name": "notes" }, { "name": "tasks", "description": "What is to be done." }]));
    check("/paths/~1notes/get/summary", json!("Lists notes, newest first"));
    check("/paths/~1notes/get/description", json!("Lists notes, newest first. Nothing else."));
    check("/paths/~1notes/get/security", json!([{}, { "bearer": [] }]));
    check("/paths/~1notes/post/security", json!([{ "bearer": ["writer"] }, { "bearer": ["staff"] }]));
    check("/paths/~1notes/get/parameters/1/schema/type", json!("integer"));
    check("/paths/~1notes/get/parameters/1/required", json!(false));
    check("/paths/~1notes/get/parameters/2/required", json!(true));
    check("/paths/~1notes/post/requestBody/required", json!(true));
    check("/paths/~1notes~1{noteId}~1tags~1{name}/put/requestBody/required", json!(false));
    check("/paths/~1notes~1{noteId}~1tags~1{name}/delete/parameters/0/name", json!("noteId"));
    check("/components/schemas/NewNote/required", json!(["tags"]));
    check("/components/schemas/NewNote/additionalProperties", json!(false));
    check("/components/schemas/Tag/properties/weight/$ref", json!("#/components/schemas/Weight"));
    check("/components/schemas/Weight/description", json!("How much it matters."));
    // Two services have a record of this name, and a problem document has it too.
    check("/components/schemas/NotesNote/properties/title/description", json!("Such as a title, such as `Milk`."));
    check("/components/schemas/TasksNote/required", json!(["text"]));
    check("/components/schemas/TasksProblem/required", json!(["what"]));
    check("/paths/~1notes~1{id}/get/responses/200/content/application~1json/example/title", json!("Milk"));
    // The field has no doc comment of its own, but another field of the same name does.
    check("/paths/~1notes/post/requestBody/content/application~1json/example/title", json!("Milk"));
}

#[test]
fn an_operation_has_the_errors_of_its_contract_and_of_the_gateway() {
    let document = document();
    let check = |path: &str, method: &str, statuses: &[&str]| {
        let responses = document["paths"][path][method]["responses"].as_object().unwrap();
        assert_eq!(responses.keys().collect::<Vec<_>>(), statuses, "{method} {path}");
    };
    check("/notes", "get", &["200", "304", "400", "401", "404", "406", "409", "429", "500", "503", "504"]);
    let body =
        ["201", "400", "401", "403", "404", "406", "408", "409", "413", "415", "422", "429", "500", "503", "504"];
    check("/notes", "post", &body);
    let no_answer = ["204", "400", "401", "403", "404", "409", "429", "500", "503", "504"];
    check("/notes/{noteId}/tags/{name}", "delete", &no_answer);
    check("/tasks/{id}", "get", &["200", "304", "400", "401", "406", "429", "500", "503", "504"]);

    let responses = &document["paths"]["/notes/{id}"]["get"]["responses"];
    let response = |status: &str| resolve(&document, &responses[status]["$ref"]);
    let schema = |status: &str| response(status)["content"]["application/problem+json"]["schema"].clone();
    assert_eq!(response("404")["description"], "`not-found`: No such note, or none of the caller's.");
    assert_eq!(schema("404"), json!({ "$ref": "#/components/schemas/Problem" }));
    // The gateway also returns this status, without the member; one of the two cases of 409 has none either.
    assert_eq!(schema("429")["allOf"][1]["required"], Json::Null);
    assert_eq!(schema("409")["allOf"][1]["required"], Json::Null);
    assert_eq!(schema("409")["allOf"][1]["properties"]["retryAfterSeconds"]["type"], "integer");
    assert_eq!(responses["500"], json!({ "$ref": "#/components/responses/InternalServerError" }));
}

#[test]
fn without_a_function_that_authenticates_nothing_asks_for_a_token() {
    let tasks = services().split_off(1);
    let document = openapi(&tasks, "Tasks", "1");
    assert_eq!(document.pointer("/components/securitySchemes"), None);
    assert_eq!(document.pointer("/paths/~1tasks~1{id}/get/security"), None);
    assert_eq!(document.pointer("/paths/~1tasks~1{id}/get/responses/401"), None);
}

/// A service with one function that takes and returns a value of `ty`.
fn echo(ty: &Type) -> Vec<(ServiceName, Arc<World>)> {
    let route = Route {
        method: Method::Post,
        path: "/echo".into(),
        path_parameters: vec![],
        query_parameters: vec![],
        body_parameter: Some(0),
        success: 200,
        max_age_s: None,
    };
    let function = Function {
        interface: "t:t/t".into(),
        name: Name::new("echo"),
        docs: "".into(),
        parameters: vec![Field::new(Name::new("value"), ty.clone())],
        ok: Some(ty.clone()),
        err: None,
        fallible: false,
        reach: Reach::Http(route),
        roles: vec![],
        calls_in_flight_max: None,
    };
    let interface = Interface { name: "t:t/t".into(), functions: vec![Arc::new(function)] };
    let world = World { name: "t:t/w".into(), docs: "".into(), exports: vec![interface], imports: vec![], state: None };
    vec![(ServiceName::parse("echo").unwrap(), Arc::new(world))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_fits_the_schema(
        (ty, value) in any_type().prop_flat_map(|ty| any_value(&ty).prop_map(move |value| (ty.clone(), value)))
    ) {
        let document = openapi(&echo(&ty), "Echo", "1");
        let schema = &document["paths"]["/echo"]["post"]["responses"]["200"]["content"]["application/json"]["schema"];
        let mut json = Vec::new();
        Codec::new(&ty).encode(&value, &mut json).unwrap();
        prop_assert_eq!(violation(&document, schema, &serde_json::from_slice(&json).unwrap()), None);
    }

    #[test]
    fn an_example_can_be_read_and_fits_the_schema(ty in any_type()) {
        let document = openapi(&echo(&ty), "Echo", "1");
        let body = &document["paths"]["/echo"]["post"]["requestBody"]["content"]["application/json"];
        prop_assert_eq!(violation(&document, &body["schema"], &body["example"]), None);
        let read = Codec::new(&ty).decode(body["example"].to_string().as_bytes());
        prop_assert!(read.is_ok(), "{:?}", read);
    }
}
