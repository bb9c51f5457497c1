use super::*;
use crate::cli::client::fake_host::{FakeHost, closed};
use crate::cli::client::request::Request;

fn asked(status: u16, body: &str) -> Result<Answer, Failure> {
    let request = Request::post(&["a"]).body("text/plain", "{}".into());
    FakeHost::new().answer(status, body).run(|target| request.send(target)).0
}

#[test]
fn a_request_carries_the_token_and_its_body_and_gets_the_answer() {
    let request = Request::post(&["services", "a", "call", "b"]).body("application/json", "{}".into());
    let (answer, seen) = FakeHost::new().answer(200, "7").run(|target| request.send(target));
    assert_eq!(answer.and_then(|answer| answer.accepted(false)).expect("an answer").text(), "7");
    let [seen] = seen.as_slice() else { panic!("one request") };
    assert_eq!(seen.line, "POST /services/a/call/b");
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {}", "ab".repeat(32))));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.text(), "{}");
}

#[test]
fn what_went_wrong_has_a_kind_and_a_next_step() {
    let check = |status: u16, kind: Kind, said: &str| {
        let failure = asked(status, r#"{"detail": "no"}"#).and_then(|answer| answer.accepted(false));
        let failure = failure.expect_err("a refusal");
        assert_eq!(failure.kind, kind, "{status}");
        assert!(failure.to_string().starts_with(said), "{failure}");
    };
    check(409, Kind::Refused, "error: 409 Conflict: no");
    check(401, Kind::Unauthorized, "error: the host does not accept this token\nName the data directory");
    check(403, Kind::Unauthorized, "error: 403 Forbidden: no\nAsk for a token");

    let short = FakeHost::new().raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n7");
    let (cut, _) = short.run(|target| Request::get(&["services"]).send(target));
    assert!(cut.is_err_and(|failure| failure.kind == Kind::Unreachable));
    let failure = Request::get(&["services"]).send(&closed()).expect_err("nobody listens");
    assert_eq!(failure.kind, Kind::Unreachable);
    assert!(failure.to_string().contains("Start it with `switchyard up`"), "{failure}");
}

#[test]
fn a_refusal_has_what_the_host_said_as_its_result_when_that_is_wanted() {
    let result = |json| {
        let failure = asked(404, r#"{"title":"T"}"#).and_then(|answer| answer.accepted(json));
        failure.expect_err("a refusal").result
    };
    assert_eq!(result(true), r#"{"title":"T"}"#);
    assert_eq!(result(false), "");
}

#[test]
fn a_problem_document_is_told_with_its_faults() {
    let check = |body: &'static str, said: &str| {
        let answer = Answer { status: StatusCode::BAD_REQUEST, body: Bytes::from_static(body.as_bytes()) };
        assert_eq!(answer.failure(Kind::Refused).to_string(), said, "{body}");
    };
    check("", "error: 400 Bad Request");
    check("not json", "error: 400 Bad Request");
    check(r#"{"title": "Malformed"}"#, "error: 400 Malformed");
    check(
        r#"{"title": "Malformed", "detail": "no", "errors": [{"field": "/email", "detail": "is missing"}, 3]}"#,
        "error: 400 Malformed: no\n  /email: is missing\n  : ",
    );
}

#[test]
fn a_port_that_is_no_operators_side_is_named() {
    let host = FakeHost::new().raw("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}");
    let (answer, _) = host.run(|target| Request::get(&["services"]).send(target));
    let failure = answer.expect_err("the public API");
    assert_eq!(failure.kind, Kind::Unreachable);
    let text = failure.to_string();
    assert!(text.contains("is not the operator API of a host: it answers 404") && text.contains("--admin"), "{text}");
}
