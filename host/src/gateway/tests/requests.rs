//! Requests and their answers as a table: every possible mistake in a request, and its error text.

use super::rig::{Answered, Rig, raw_mount};

const JSON: &str = "Content-Type: application/json\r\n";

struct Case {
    line: &'static str,
    headers: &'static str,
    body: &'static str,
    status: u16,
    /// For a problem its `detail`, and `errors` if it has any; else the body.
    says: &'static str,
    /// A header that must be present.
    header: Option<(&'static str, &'static str)>,
}

const fn case(line: &'static str, status: u16, says: &'static str) -> Case {
    Case { line, headers: "", body: "", status, says, header: None }
}

impl Case {
    const fn headers(self, headers: &'static str) -> Self {
        Self { headers, ..self }
    }

    const fn body(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn header(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    async fn check(&self, rig: &Rig) {
        let answered = rig.ask(self.line, self.headers, self.body.as_bytes()).await;
        let what = format!("{} {:?} {:?}", self.line, self.headers, self.body);
        assert_eq!(answered.status, self.status, "{what}: {}", answered.text());
        assert_eq!(answered.header("x-request-id"), Some("r-1"), "{what}");
        let mut says = answered.text().to_owned();
        if self.status >= 400 {
            assert_eq!(answered.header("content-type"), Some("application/problem+json"), "{what}");
            let problem: serde_json::Value = serde_json::from_slice(&answered.body).expect("JSON");
            assert_eq!(problem["status"], self.status, "{what}");
            assert_eq!(problem["instance"], "r-1", "{what}");
            assert!(problem["type"].is_string() && problem["title"].is_string(), "{what}");
            says = problem["detail"].as_str().expect("a detail").to_owned();
            if let Some(errors) = problem.get("errors") {
                says = format!("{says} {errors}");
            }
        }
        assert_eq!(says, self.says, "{what}");
        if let Some((name, value)) = self.header {
            assert_eq!(answered.header(name), Some(value), "{what}");
        }
    }
}

#[tokio::test]
async fn a_request_gets_what_it_asks_for_or_is_told_why_not() {
    let rig = Rig::start(|_| {}).await;
    for case in good().into_iter().chain(addresses()).chain(callers()).chain(bodies()).chain(failures()) {
        case.check(&rig).await;
    }
}

fn good() -> Vec<Case> {
    vec![
        case("GET /notes/n-1", 200, r#"{"id":"n-1","text":"[String(\"n-1\"), Option(None)]"}"#)
            .header("content-type", "application/json"),
        case(
            "GET /notes/a%2Fb?verbose=true",
            200,
            r#"{"id":"a/b","text":"[String(\"a/b\"), Option(Some(Bool(true)))]"}"#,
        ),
        case(
            "GET /notes?limit=5&tag=two+words%21",
            200,
            r#"{"id":"","text":"[U8(5), Option(Some(String(\"two words!\")))]"}"#,
        ),
        case(
            "POST /notes",
            201,
            r#"{"id":"","text":"[Record([(\"text\", String(\"hi\")), (\"priority\", Option(None))])]"}"#,
        )
        .headers(JSON)
        .body(r#"{"text":"hi"}"#)
        .header("cache-control", "no-store"),
        case("POST /notes/n-1/close", 200, r#"{"id":"n-1","text":"[String(\"n-1\")]"}"#),
        case("POST /notes/n-1/close", 200, r#"{"id":"n-1","text":"[String(\"n-1\")]"}"#)
            .headers("Idempotency-Key: 8e03978e\r\nContent-Length: 0\r\n"),
        case("DELETE /notes/n-1", 204, "").headers("Authorization: Bearer staff\r\n"),
        case("GET http://other/notes/n-1", 200, r#"{"id":"n-1","text":"[String(\"n-1\"), Option(None)]"}"#),
        case("OPTIONS /notes/n-1", 204, "").header("allow", "GET, HEAD, DELETE, OPTIONS"),
        case("OPTIONS *", 204, "").header("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ]
}

fn addresses() -> Vec<Case> {
    const SHAPE: &str = "The request does not match the contract: `errors` lists the problems.";
    let parameter = |errors: &'static str| -> &'static str { format!("{SHAPE} {errors}").leak() };
    vec![
        case("GET /", 404, "This address does not exist."),
        case("GET /notes/", 404, "This address does not exist."),
        case("GET /notes/n-1/close/", 404, "This address does not exist."),
        case("POST /internal", 404, "This address does not exist."),
        case("PUT /notes/n-1", 405, "This address does not support this method: see the Allow header.")
            .header("allow", "GET, HEAD, DELETE, OPTIONS"),
        case("BREW /notes", 405, "This address does not support this method: see the Allow header.")
            .header("allow", "GET, HEAD, POST, OPTIONS"),
        case(
            "GET /notes/n-1?verbos=true",
            400,
            parameter(r#"[{"parameter":"verbos","detail":"unknown query parameter"}]"#),
        ),
        case(
            "GET /notes/n-1?verbose=true&verbose=true",
            400,
            parameter(r#"[{"parameter":"verbose","detail":"given more than once"}]"#),
        ),
        case("GET /notes/n-1?%zz=1", 400, parameter(r#"[{"parameter":"%zz","detail":"unknown query parameter"}]"#)),
        case("GET /notes", 400, parameter(r#"[{"parameter":"limit","detail":"missing"}]"#)),
        case(
            "GET /notes?tag=%ff&limit=%",
            400,
            parameter(
                r#"[{"parameter":"tag","detail":"not UTF-8"},{"parameter":"limit","detail":"a percent sign without two hexadecimal digits after it"}]"#,
            ),
        ),
        case(
            "GET /notes/%zz",
            400,
            parameter(r#"[{"parameter":"id","detail":"a percent sign without two hexadecimal digits after it"}]"#),
        ),
        case("GET /notes/n-1", 406, "The answer is only available as application/json.")
            .headers("Accept: text/html\r\n"),
        case("DELETE /notes/n-1", 204, "").headers("Accept: text/html\r\nAuthorization: Bearer staff\r\n"),
    ]
}

fn callers() -> Vec<Case> {
    vec![
        case("DELETE /notes/n-1", 401, "Sign in first.").header("www-authenticate", "Bearer"),
        case("DELETE /notes/n-1", 403, "The caller lacks the role for this operation.")
            .headers("Authorization: Bearer customer\r\n")
            .header("www-authenticate", "Bearer error=\"insufficient_scope\""),
        case("DELETE /notes/n-1", 401, "The token is unknown, has expired, or was signed out.")
            .headers("Authorization: Bearer nobody\r\n")
            .header("www-authenticate", "Bearer error=\"invalid_token\""),
        case("GET /notes/n-1", 401, "The token is unknown, has expired, or was signed out.")
            .headers("Authorization: Bearer nobody\r\n"),
        case(
            "GET /notes/n-1",
            401,
            "The request must have exactly one Authorization header: `Bearer`, a space and the token.",
        )
        .headers("Authorization: Basic dXNlcjpwYXNz\r\n")
        .header("www-authenticate", "Bearer error=\"invalid_token\""),
        case(
            "GET /notes/n-1",
            401,
            "The request must have exactly one Authorization header: `Bearer`, a space and the token.",
        )
        .headers("Authorization: customer\r\n"),
        case(
            "GET /notes/n-1",
            401,
            "The request must have exactly one Authorization header: `Bearer`, a space and the token.",
        )
        .headers("Authorization: Bearer customer\r\nAuthorization: Bearer customer\r\n"),
        case("POST /notes", 401, "The token is unknown, has expired, or was signed out.")
            .headers("Authorization: Bearer nobody\r\n")
            .body("not even JSON"),
    ]
}

fn bodies() -> Vec<Case> {
    const SHAPE: &str = "The request does not match the contract: `errors` lists the problems.";
    const KEY: &str = r#"The request does not match the contract: `errors` lists the problems. [{"parameter":"Idempotency-Key","detail":"expected 1 to 255 visible ASCII characters, once"}]"#;
    let field = |errors: &'static str| -> &'static str { format!("{SHAPE} {errors}").leak() };
    let post = |status, says| case("POST /notes", status, says);
    vec![
        post(400, "A JSON body is needed."),
        post(400, "A JSON body is needed.").headers(JSON),
        post(400, field(r#"[{"field":"/text","detail":"missing, expected a string"}]"#)).headers(JSON).body("{}"),
        post(400, field(r#"[{"field":"/size","detail":"unknown member"}]"#))
            .headers(JSON)
            .body(r#"{"text":"a","size":1}"#),
        post(415, "The body must be application/json, in UTF-8.").body(r#"{"text":"hi"}"#),
        post(415, "The body must be application/json, in UTF-8.").headers("Content-Type: text/plain\r\n").body("hi"),
        post(415, "The body must not be compressed.")
            .headers("Content-Type: application/json\r\nContent-Encoding: gzip\r\n")
            .body("hi")
            .header("accept-encoding", "identity"),
        post(413, "The body may have 1000 bytes at most.").headers(JSON).body(" ".repeat(1001).leak()),
        post(400, KEY).headers("Content-Type: application/json\r\nIdempotency-Key: a b\r\n").body(r#"{"text":"hi"}"#),
        post(400, KEY)
            .headers("Content-Type: application/json\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n")
            .body(r#"{"text":"hi"}"#),
        case("POST /notes/n-1/close", 400, "This operation takes no body.").headers(JSON).body("{}"),
        case("GET /notes/n-1", 400, "This operation takes no body.").body("x"),
    ]
}

fn failures() -> Vec<Case> {
    vec![
        case("GET /notes/missing", 404, "There is no such note."),
        case("GET /notes/trap", 500, "The service failed; nothing was changed."),
        case("GET /notes/late", 504, "The service took too long; nothing was changed."),
        case("GET /notes/full", 503, "The service is not available now; nothing was changed. Try again later.")
            .header("retry-after", "7"),
        case("POST /notes/missing/close", 404, "There is no such note."),
    ]
}

#[tokio::test]
async fn a_percent_encoded_letter_is_that_letter_in_every_route() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("app.js"), "1").expect("a file");
    let mount = raw_mount();
    let rig = Rig::with(|settings| settings.assets = Some(folder.path().into()), vec![mount], 1000).await;
    for (plain, encoded) in [
        ("/notes/n-1", "/%6Eotes/n%2D1"),
        ("/openapi.json", "/openapi%2ejson"),
        ("/raw", "/r%61w"),
        ("/app.js", "/%61pp%2Ejs"),
        ("/nowhere", "/no%77here"),
    ] {
        let (plain, encoded) =
            (rig.ask(&format!("GET {plain}"), "", b"").await, rig.ask(&format!("GET {encoded}"), "", b"").await);
        assert_eq!(plain.status, encoded.status, "{plain:?} {encoded:?}");
        let kind = |answered: &Answered| answered.header("content-type").map(str::to_owned);
        assert_eq!(kind(&plain), kind(&encoded), "{plain:?} {encoded:?}");
    }
    assert_eq!(rig.ask("POST /notes/n-1/cl%6Fse", "", b"").await.status, 200);
    assert_eq!(rig.ask("GET /notes%2Fn-1", "", b"").await.status, 404, "a reserved character is another one");
}

#[tokio::test]
async fn an_idempotency_key_is_of_the_operation_and_its_decoded_parameters() {
    let rig = Rig::start(|_| {}).await;
    let mut keys = Vec::new();
    for path in [
        "/notes/n_1/close",
        "/notes/n%5F1/close",
        "/notes/n%5f1/cl%6Fse",
        "/notes/n_2/close",
        "/notes/a!/close",
        "/notes/a%21/close",
        "/notes/a%2Fb/close",
        "/notes/a%2fb/close",
        "/notes/a%252Fb/close",
    ] {
        assert_eq!(rig.ask(&format!("POST {path}"), "Idempotency-Key: k\r\n", b"").await.status, 200, "{path}");
        keys.push(rig.callback.keys.lock().expect("no test panics with it").pop().flatten().expect("a key"));
    }
    let same: Vec<_> = keys.iter().map(|key| keys.iter().position(|first| first == key).expect("itself")).collect();
    assert_eq!(same, [0, 0, 0, 3, 4, 4, 6, 6, 8]);
}

#[tokio::test]
async fn a_guest_with_a_secret_in_the_path_may_come_back_from_another_address() {
    let rig = Rig::start(|settings| settings.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")]).await;
    for (id, same) in [
        ("crt_01arz3ndektsv4rrffq69g5fav", true),
        ("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", true),
        ("n_1", false),
        ("a-long-name-of-tea-2024-100-grams", false),
    ] {
        let mut keys = Vec::new();
        for client in ["203.0.113.7", "203.0.113.8"] {
            let headers = format!("Idempotency-Key: k\r\nX-Forwarded-For: {client}\r\n");
            assert_eq!(rig.ask(&format!("POST /notes/{id}/close"), &headers, b"").await.status, 200);
            keys.push(format!("{:?}", rig.callback.keys.lock().expect("no test panics with it").pop()));
        }
        // The answer still counts for the share of the client's address.
        let id_of = |key: &str| key.split("check").next().map(str::to_owned);
        assert_eq!(id_of(&keys[0]) == id_of(&keys[1]), same, "{id}");
    }
}

/// Whether `schema` allows the text `value`. A keyword that this does not know fails the test: add it here.
fn allows(schema: &serde_json::Value, value: &str) -> bool {
    let count = || value.chars().count() as u64;
    schema.as_object().expect("a schema").iter().all(|(keyword, bound)| match keyword.as_str() {
        "type" => bound == "string",
        "minLength" => bound.as_u64().is_some_and(|min| count() >= min),
        "maxLength" => bound.as_u64().is_some_and(|max| count() <= max),
        "pattern" if bound == "^[!-~]+$" => value.bytes().all(|byte| byte.is_ascii_graphic()),
        _ => panic!("{keyword}: {bound}"),
    })
}

/// A client that sends what the document forbids must be refused, or the document must not forbid it.
#[tokio::test]
async fn the_openapi_document_demands_of_headers_what_the_host_enforces_and_nothing_else() {
    let rig = Rig::start(|_| {}).await;
    let document = rig.ask("GET /openapi.json", "", b"").await;
    let document: serde_json::Value = serde_json::from_slice(&document.body).expect("JSON");
    let parameters = document.pointer("/components/parameters").and_then(serde_json::Value::as_object);
    let (long, mut seen) = ("x".repeat(300), Vec::new());
    for parameter in parameters.expect("headers").values() {
        let member = |name: &str| parameter.get(name).expect("a member");
        let name = member("name").as_str().expect("a name");
        assert_eq!((member("in"), member("required")), (&"header".into(), &false.into()), "{name}");
        for value in ["order-7", "two words", "caf\u{e9}", &long] {
            let headers = format!("{JSON}{name}: {value}\r\n");
            let answered = rig.ask("POST /notes", &headers, br#"{"text":"a"}"#).await;
            let allowed = allows(member("schema"), value);
            let expected = if allowed { 201 } else { 400 };
            assert_eq!(answered.status, expected, "{name}: {value}: {}", answered.text());
            seen.push((name, allowed));
        }
    }
    assert!(seen.contains(&("X-Request-Id", true)) && seen.contains(&("Idempotency-Key", false)), "{seen:?}");
}
