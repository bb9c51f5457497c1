//! The requests of a service that speaks HTTP itself: their size, caller and path, what the component may import, and the
//! scratch request of its verdict.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::components::web;
use super::mounted_store::rig;
use super::mounts::said;
use super::{Rig, Setup};

const VERSIONS: [&str; 2] = ["0.2", "0.3"];

/// Posts a body whose length nobody announces, and gives the whole answer.
async fn post_chunked(rig: &Rig, path: &str, length: usize) -> String {
    let mut stream = TcpStream::connect(rig.host.gateway_address()).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("{head}{length:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(length));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_announces_more_than_the_limit_of_its_service_is_refused_before_the_component_runs() {
    for version in VERSIONS {
        let rig = rig(version, "limits.body_bytes_max = 1_000").await;
        let refused = rig.public.post("/web/measure", vec![b'x'; 1001]).await;
        assert_eq!((refused.status, refused.detail()), (413, "The body may have 1000 bytes at most."), "{version}");
        assert_eq!(rig.service("web").await["figures"]["calls"], 0, "{version}");
        assert_eq!(said(&rig.public.post("/web/measure", vec![b'x'; 1000]).await), "1000", "{version}");
    }
    // The limit of all other services is another one.
    let rig = rig("0.2", "gateway.body_bytes_max = 10").await;
    assert_eq!(said(&rig.public.post("/web/measure", vec![b'x'; 2_000_000]).await), "2000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_grows_over_the_limit_is_an_error_in_the_component_and_a_413_without_its_answer() {
    for version in VERSIONS {
        let keys = "limits.body_bytes_max = 1_000\nlimits.circuit_failures = 2\nlimits.circuit_clients = 1";
        let rig = rig(version, keys).await;
        let told = post_chunked(&rig, "/web/measure", 1001).await;
        assert!(
            told.starts_with("HTTP/1.1 200") && told.contains("HttpRequestBodySize(Some(1000))"),
            "{version}: {told}"
        );
        for _ in 0..4 {
            let refused = post_chunked(&rig, "/web/measure-or-panic", 1001).await;
            assert!(refused.starts_with("HTTP/1.1 413"), "{version}: {refused}");
            assert!(refused.contains("application/problem+json"), "{version}: {refused}");
        }
        // What a client sends does not open the circuit.
        assert!(post_chunked(&rig, "/web/measure-or-panic", 1000).await.starts_with("HTTP/1.1 200"), "{version}");
        super::until("the last request", async || rig.service("web").await["figures"]["calls"] == 6).await;
        assert_eq!(rig.service("web").await["figures"]["refused"], 4, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_gets_the_caller_whom_the_host_has_authenticated() {
    for version in VERSIONS {
        let rig = Setup::pair("").mounted(&web(version, "1"), "").start().await;
        rig.write("back", "set session/t1 anna customer").await;
        let who = async |authorization: Option<&str>| {
            let client = rig.public.clone();
            let client = authorization.map_or(client.clone(), |value| client.with_header("authorization", value));
            client.get("/web/act?who").await
        };
        assert_eq!(said(&who(None).await), "nobody");
        assert_eq!(said(&who(Some("Bearer t1")).await), "anna customer");
        // As on the routes of contracts: who sends a token relies on it.
        assert_eq!(who(Some("Bearer t2")).await.status, 401, "{version}");
        assert_eq!(who(Some("Bearer t1 t2")).await.status, 401, "{version}");
        // Other credentials are a matter of the component.
        assert_eq!(said(&who(Some("Basic dDE6")).await), "nobody");
        rig.write("back", "delete session/t1").await;
        assert_eq!(who(Some("Bearer t1")).await.status, 401, "{version}");
    }
    // Without a contract that authenticates, so are tokens.
    let rig = rig("0.2", "").await;
    assert_eq!(said(&rig.public.with_token("own").get("/web/act?who").await), "nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_sees_paths_without_its_prefix_where_its_service_wants_so() {
    for version in VERSIONS {
        let whole = rig(version, "").await;
        let spoofs = whole.public.with_header("x-forwarded-prefix", "/evil");
        assert_eq!(said(&spoofs.get("/web/path?a=b").await), "/web/path?a=b ", "{version}");
        let rig = Setup::new("").mounted(&web(version, "1"), "strip_prefix = true\n").start().await;
        let spoofs = rig.public.with_header("x-forwarded-prefix", "/evil");
        assert_eq!(said(&spoofs.get("/web/path?a=b").await), "/path?a=b /web", "{version}");
        assert_eq!(said(&spoofs.get("/w%65b/path").await), "/path /web", "{version}");
        for root in ["/web", "/web/"] {
            assert_eq!(said(&rig.public.get(root).await), "ready", "{version}");
        }
        // An apply changes it without a restart.
        let manifest = std::fs::read_to_string(rig.setup.path("switchyard.toml")).unwrap();
        let order = serde_json::json!({"manifest": manifest.replace("strip_prefix = true", "")});
        rig.operator.post_json("/apply", &order).await.expect(200);
        assert_eq!(said(&rig.public.get("/web/path").await), "/web/path ", "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_reads_its_configuration_by_its_interface_too() {
    for version in VERSIONS {
        let environment = "environment = { GREETING = \"hello\", OTHER = \"1\" }\n";
        let rig = Setup::new("").mounted(&web(version, "1"), environment).start().await;
        assert_eq!(rig.web_act("config=GREETING;config=NONE;configs").await, "hello,none,2", "{version}");
        let id = rig.web_act("new-id=ord").await;
        assert!(id.starts_with("ord_") && id.len() == 30, "{version}: {id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_a_component_may_import_outbound_http_and_each_request_is_denied() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        let denied = said(&rig.public.post("/web/fetch", "127.0.0.1:9").await);
        assert!(denied.contains("HttpRequestDenied"), "{version}: {denied}");
        let deployed = rig.deploy("web", "", web(version, "2")).await.expect(201);
        let text = deployed["verdict"]["text"].as_str().unwrap();
        assert!(text.contains("each of its requests is denied"), "{version}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_handles_is_a_setting() {
    for version in VERSIONS {
        let rig = rig(version, "limits.handles_max = 50").await;
        assert_eq!(said(&rig.public.get("/web/handles?10").await), "10", "{version}");
        assert_eq!(rig.public.get("/web/handles?100").await.status, 500, "{version}");
        assert_eq!(rig.service("web").await["figures"]["errors"]["limit"], 1, "{version}");
        let rig = Setup::new("").mounted(&web(version, "1"), "limits = { handles_max = 20_000 }\n").start().await;
        assert_eq!(said(&rig.public.get("/web/handles?10000").await), "10000", "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_does_not_answer_a_scratch_request_is_refused_and_nothing_of_the_request_remains() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        let refused = rig.deploy("web", "", web(version, "broken")).await;
        assert_eq!(refused.status, 422, "{version}: {:#}", refused.body);
        assert!(refused.detail().contains("GET /web"), "{version}: {}", refused.detail());
        assert_eq!(said(&rig.public.get("/web/variant").await), "1", "{version}");

        let made = rig.deploy("web", "", web(version, "writes")).await.expect(201);
        let text = made["verdict"]["text"].as_str().unwrap();
        assert!(text.contains("a request of `GET /web` was answered with 200 OK"), "{version}: {text}");
        assert_eq!(rig.web_act("get=scratch").await, "none", "{version}");

        // A component that relies on another host cannot be tried.
        let made = rig.deploy("web", "?grant=127.0.0.1%3A9", web(version, "fetches")).await.expect(201);
        let text = made["verdict"]["text"].as_str().unwrap();
        assert!(text.contains("ended where it sends one to another host"), "{version}: {text}");
    }
}
