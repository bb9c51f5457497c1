//! Common parts of answers: encodings, validators, ids, rates, pages of other origins, mounted services.

use std::io::Read as _;

use super::rig::{Rig, raw_mount};
use crate::config::GatewaySettings;

#[tokio::test]
async fn head_is_get_without_the_body() {
    let rig = Rig::start(|_| {}).await;
    for (path, status) in [("/notes/n-1", 200), ("/notes/5000", 200), ("/notes/missing", 404), ("/openapi.json", 200)] {
        let accept = "Accept-Encoding: gzip\r\n";
        let get = rig.ask(&format!("GET {path}"), accept, b"").await;
        let head = rig.ask(&format!("HEAD {path}"), accept, b"").await;
        assert_eq!((get.status, head.status), (status, status), "{path}");
        assert!(!get.body.is_empty() && head.body.is_empty(), "{path}");
        let without_date = |headers: &[(String, String)]| {
            let mut headers = headers.to_vec();
            headers.retain(|(name, _)| name != "date");
            headers.sort();
            headers
        };
        assert_eq!(without_date(&get.headers), without_date(&head.headers), "{path}");
    }
}

#[tokio::test]
async fn a_large_answer_is_compressed_where_the_client_likes_it() {
    let rig = Rig::start(|_| {}).await;
    let plain = rig.ask("GET /notes/100000", "", b"").await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
    let gzip = rig.ask("GET /notes/100000", "Accept-Encoding: gzip, br\r\n", b"").await;
    assert_eq!((gzip.header("content-encoding"), gzip.header("vary")), (Some("gzip"), Some("accept-encoding")));
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&*gzip.body).read_to_end(&mut body).expect("gzip");
    assert_eq!(body, plain.body);
    let small = rig.ask("GET /notes/10", "Accept-Encoding: gzip\r\n", b"").await;
    assert_eq!((small.header("content-encoding"), small.header("vary")), (None, None));
}

#[tokio::test]
async fn an_answer_that_the_client_has_is_not_sent_again() {
    let rig = Rig::start(|_| {}).await;
    for (path, accept) in [("/notes/n-1", ""), ("/notes/100000", ""), ("/notes/100000", "Accept-Encoding: gzip\r\n")] {
        let first = rig.ask(&format!("GET {path}"), accept, b"").await;
        assert_eq!((first.status, first.header("cache-control")), (200, Some("no-cache")), "{path}");
        let etag = first.header("etag").expect("a validator").to_owned();
        assert_eq!(etag.ends_with("-gzip\""), first.header("content-encoding") == Some("gzip"), "{path}: {etag}");
        let again = rig.ask(&format!("GET {path}"), &format!("{accept}If-None-Match: \"x\", {etag}\r\n"), b"").await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        for name in ["etag", "vary", "cache-control"] {
            assert_eq!(again.header(name), first.header(name), "{path}: {name}");
        }
        let other = rig.ask("GET /notes/n-2", &format!("If-None-Match: {etag}\r\n"), b"").await;
        assert_eq!((other.status, other.body.is_empty()), (200, false), "{path}");
    }
    let missing = rig.ask("GET /notes/missing", "If-None-Match: *\r\n", b"").await;
    assert_eq!((missing.status, missing.header("etag")), (404, None));
}

#[tokio::test]
async fn the_api_document_is_sent_again_only_when_it_changed() {
    let rig = Rig::start(|_| {}).await;
    let first = rig.ask("GET /openapi.json", "", b"").await;
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/json")));
    let etag = first.header("etag").expect("a validator").to_owned();
    let again = rig.ask("GET /openapi.json", &format!("If-None-Match: {etag}\r\n"), b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    for name in ["etag", "vary", "cache-control"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
        assert!(again.header(name).is_some(), "{name}");
    }
    let head = rig.ask("HEAD /openapi.json", &format!("If-None-Match: {etag}\r\n"), b"").await;
    assert_eq!((head.status, head.header("content-length")), (304, None));
    assert_eq!(rig.ask("DELETE /openapi.json", "", b"").await.header("allow"), Some("GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn a_request_without_a_fit_id_gets_one() {
    let rig = Rig::start(|_| {}).await;
    for header in ["X-Request-Id: \r\n", "X-Request-Id: two words\r\n", "X-Request-Id: a\r\nX-Request-Id: b\r\n"] {
        let answered = rig.ask("GET /nowhere", header, b"").await;
        let id = answered.header("x-request-id").expect("an id").to_owned();
        assert_eq!(id.len(), 32, "{header:?}");
        assert!(answered.text().contains(&format!("\"instance\":\"{id}\"")), "{header:?}");
    }
    let document: serde_json::Value =
        serde_json::from_slice(&rig.ask("GET /openapi.json", "", b"").await.body).expect("JSON");
    let schema = &document["components"]["parameters"]["RequestId"]["schema"];
    assert_eq!(*schema, serde_json::json!({"type": "string"}), "what is not enforced is not demanded");
}

#[tokio::test]
async fn a_client_over_its_rate_is_told_when_to_come_again() {
    let rig = Rig::start(|settings| {
        settings.requests_per_second_per_client = Some(1);
        settings.request_burst_per_client = Some(2);
    })
    .await;
    let mut statuses = Vec::new();
    for path in ["/notes/a", "/nowhere", "/notes/a", "/openapi.json"] {
        let answered = rig.ask(&format!("GET {path}"), "", b"").await;
        if answered.status == 429 {
            assert_eq!(answered.header("retry-after"), Some("1"));
        }
        statuses.push(answered.status);
    }
    assert_eq!(statuses, [200, 404, 429, 429]);
}

#[tokio::test]
async fn a_client_over_the_rate_of_a_function_may_still_call_others() {
    let rig = Rig::start(|settings| {
        settings.calls_per_minute_per_client = [("notes.get-note".to_owned(), 2)].into();
    })
    .await;
    let mut statuses = Vec::new();
    for path in ["/notes/a", "/notes/b", "/notes/a", "/openapi.json"] {
        let answered = rig.ask(&format!("GET {path}"), "", b"").await;
        if answered.status == 429 {
            assert_eq!(answered.header("retry-after"), Some("30"));
        }
        statuses.push(answered.status);
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
}

#[tokio::test]
async fn a_client_may_seldom_call_what_the_contract_bounds() {
    let statuses = async |change: fn(&mut GatewaySettings)| {
        let rig = Rig::start(change).await;
        let mut statuses = Vec::new();
        for line in ["POST /notes/a/close", "POST /notes/b/close", "POST /notes/a/close", "GET /notes/a"] {
            statuses.push(rig.ask(line, "", b"").await.status);
        }
        statuses
    };
    let costly = |settings: &mut GatewaySettings| settings.costly_calls_per_minute_per_client = 2;
    assert_eq!(statuses(costly).await, [200, 200, 429, 200]);
    // A rate of its own counts instead.
    let own = |settings: &mut GatewaySettings| {
        settings.costly_calls_per_minute_per_client = 1;
        settings.calls_per_minute_per_client = [("notes.close-note".to_owned(), 3)].into();
    };
    assert_eq!(statuses(own).await, [200, 200, 200, 200]);
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_call_and_read() {
    let rig = Rig::start(|settings| settings.cors_origins = vec!["https://shop.example.com".into()]).await;
    let origin = "Origin: https://shop.example.com\r\n";
    let preflight = format!("{origin}Access-Control-Request-Method: DELETE\r\n");
    let leave = rig.ask("OPTIONS /notes/n-1", &preflight, b"").await;
    assert_eq!(leave.status, 204);
    assert_eq!(leave.header("access-control-allow-origin"), Some("https://shop.example.com"));
    assert_eq!(leave.header("access-control-allow-methods"), Some("GET, HEAD, DELETE, OPTIONS"));
    assert!(leave.header("access-control-allow-headers").is_some_and(|headers| headers.contains("authorization")));
    for path in ["/notes/n-1", "/notes/missing", "/nowhere"] {
        let answered = rig.ask(&format!("GET {path}"), origin, b"").await;
        assert_eq!(answered.header("access-control-allow-origin"), Some("https://shop.example.com"), "{path}");
        assert!(answered.header("access-control-expose-headers").is_some_and(|names| names.contains("x-request-id")));
    }
    let other = rig.ask("GET /notes/n-1", "Origin: https://evil.example.com\r\n", b"").await;
    assert_eq!((other.header("access-control-allow-origin"), other.header("vary")), (None, Some("origin")));
}

#[tokio::test]
async fn a_mounted_service_gets_what_is_under_its_prefix() {
    let mount = raw_mount();
    let rig = Rig::with(|_| {}, vec![mount], 1000).await;
    assert_eq!(rig.ask("POST /raw/a?b=c", "", b"hello").await.text(), "web /raw/a?b=c hello");
    assert_eq!(rig.ask("GET /raw", "Authorization: Bearer nobody\r\n", b"").await.text(), "web /raw ");
    let large = rig.ask("PUT /raw/", "", &[b' '; 1001]).await;
    assert!(large.status == 413 && large.text().contains("may have 1000 bytes at most"), "{}", large.text());
    assert_eq!(rig.ask("GET /rawer", "", b"").await.status, 404);
}

#[tokio::test]
async fn a_preflight_costs_nothing_unless_a_mounted_service_gets_it() {
    let mount = raw_mount();
    let limited = |settings: &mut crate::config::GatewaySettings| {
        settings.cors_origins = vec!["*".into()];
        settings.requests_per_second_per_client = Some(1);
        settings.request_burst_per_client = Some(2);
    };
    let rig = Rig::with(limited, vec![mount], 1000).await;
    let preflight = "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n";
    for _ in 0..5 {
        assert_eq!(rig.ask("OPTIONS /notes/a", preflight, b"").await.status, 204);
    }
    let mut statuses = Vec::new();
    for path in ["/notes/a", "/raw/a", "/raw/a"] {
        statuses
            .push(rig.ask(&format!("OPTIONS {path}"), if path == "/raw/a" { preflight } else { "" }, b"").await.status);
    }
    assert_eq!(statuses, [204, 200, 429]);
}

#[tokio::test]
async fn any_origin_is_told_to_caches_too() {
    let rig = Rig::start(|settings| settings.cors_origins = vec!["*".into()]).await;
    assert_eq!(rig.ask("GET /notes/a", "", b"").await.header("access-control-allow-origin"), Some("*"));
}
