//! The store of a service that speaks HTTP itself: one transaction for each request, which ends when its response begins.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::components::web;
use super::mounts::said;
use super::process::Process;
use super::{Rig, Setup};

const VERSIONS: [&str; 2] = ["0.2", "0.3"];

/// A host with the mounted service `web` of this version of WASI, with `keys` in its manifest.
pub(super) async fn rig(version: &str, keys: &str) -> Rig {
    Setup::new(keys).mounted(&web(version, "1"), "").start().await
}

impl Rig {
    /// What the mounted service answers after `script`.
    pub(super) async fn web_act(&self, script: &str) -> String {
        said(&self.public.get(&format!("/web/act?{script}")).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_keeps_what_a_request_writes() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        assert_eq!(rig.web_act("get=a;set=a:1;get=a;add=n;open=other").await, "none,set,1,1,error: Error::NoSuchStore");
        assert_eq!(rig.web_act("get=a;service-get=a;service-set=b:2;get=b;add=n").await, "1,1,set,2,2");
        // The operator sees it as any other store.
        let entry = rig.operator.get("/services/web/entry?key=a").await.expect(200);
        assert_eq!((&entry["text"], &rig.service("web").await["storeBytes"]), (&json!("1"), &json!(6)), "{version}");
        rig.operator.send("PUT", "/services/web/entry?key=a", "by hand").await.expect(200);
        let rig = rig.restart().await;
        assert_eq!(rig.web_act("get=a;get=b").await, "by hand,2", "{version}");
        // Another release has the same data.
        rig.deploy("web", "", web(version, "2")).await.expect(201);
        assert_eq!(rig.web_act("get=b").await, "2", "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_before_its_response_writes_nothing() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        assert_eq!(rig.public.get("/web/act-then-panic?set=a:1").await.status, 500);
        assert_eq!(rig.web_act("get=a").await, "none", "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_response_has_begun_a_component_reads_and_does_not_write() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        rig.web_act("set=a:1").await;
        let late = said(&rig.public.get("/web/act-late?get=a;set=a:2;get=a").await);
        let error =
            "error: the response has begun, and with it the transaction of its request has ended: write before it";
        assert_eq!(late, format!("begun 1,{error},1"), "{version}");
        assert_eq!(rig.web_act("get=a").await, "1", "{version}");
    }
}

/// A request whose component has run its first script, and waits for the body.
struct Around(TcpStream);

impl Around {
    async fn begin(rig: &Rig, scripts: &str, length: usize) -> Self {
        let mut stream = TcpStream::connect(rig.host.gateway_address()).await.unwrap();
        let head = format!("POST /web/around?{scripts} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n");
        let head = format!("{head}expect: 100-continue\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // The host asks for the body when the component does.
        let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut go_on).await.unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&go_on));
        Self(stream)
    }

    /// Sends the body, and gives the answer.
    async fn end(mut self, length: usize) -> String {
        self.0.write_all(&vec![b'x'; length]).await.unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_read_what_another_one_changed_runs_again_with_the_same_body() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        let around = Around::begin(&rig, "get=n|add=n", 1000).await;
        assert_eq!(rig.web_act("add=n").await, "1");
        let answer = around.end(1000).await;
        assert!(answer.contains("1|1000|2"), "{version}: {answer}");
        assert_eq!(rig.service("web").await["figures"]["conflicts"], 1, "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_run_again_because_its_body_is_large_is_refused_after_a_conflict() {
    let length = switchyard::limits::REPLAYED_BODY_BYTES_MAX + 1;
    for version in VERSIONS {
        let rig = rig(version, "").await;
        let around = Around::begin(&rig, "get=n|add=n", length).await;
        assert_eq!(rig.web_act("add=n").await, "1");
        let answer = around.end(length).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1\r\n"), "{version}: {answer}");
        // Without a conflict it is like any other.
        let around = Around::begin(&rig, "get=n|add=n", length).await;
        let answer = around.end(length).await;
        assert!(answer.contains(&format!("1|{length}|2")), "{version}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_update_of_a_mounted_service_is_lost_among_many() {
    for version in VERSIONS {
        let rig = rig(version, "").await;
        let add = async |_: usize| said(&rig.public.get("/web/act?add=n").await).parse::<u32>().unwrap();
        let mut sums = futures::future::join_all((0..40).map(add)).await;
        sums.sort_unstable();
        assert_eq!(sums, (1..=40).collect::<Vec<_>>(), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_stores_no_more_than_its_quota() {
    for version in VERSIONS {
        let rig = rig(version, "limits.store_bytes_max = 1_000").await;
        let refused = rig.public.get("/web/act?fill=a:2000").await;
        assert_eq!(refused.status, 503, "{version}: {refused:?}");
        assert_eq!(rig.web_act("get=a;fill=a:500").await, "none,set", "{version}");
    }
}

/// An answer leaves the host only when its commit is durable.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_mounted_service_answered_is_there_after_a_kill() {
    for version in VERSIONS {
        let setup = Setup::new("").mounted(&web(version, "1"), "");
        setup.write_manifest();
        let mut host = Process::start(setup.folder.path()).await;
        let mut answered = 0;
        for round in 0..5 {
            let (public, mut last) = (host.public.clone(), answered);
            let adds = async {
                while let Ok(answer) = public.try_send("GET", "/web/act?add=n", "").await {
                    last = answer.body.as_u64().unwrap();
                }
            };
            let kill = async {
                tokio::time::sleep(std::time::Duration::from_millis(50 + 30 * round)).await;
                host.kill().await;
            };
            tokio::join!(adds, kill);
            host = Process::start(setup.folder.path()).await;
            answered = host.public.get("/web/act?get=n").await.body.as_u64().unwrap_or_default();
            assert!(answered >= last, "{version}: {last} was answered, and {answered} is there");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_of_a_removed_mounted_service_is_kept_until_it_is_dropped() {
    let rig = Setup::pair("").mounted(&web("0.2", "1"), "").start().await;
    rig.web_act("set=a:1").await;
    let manifest = std::fs::read_to_string(rig.setup.path("switchyard.toml")).unwrap();
    let without = json!({"manifest": manifest.split("[services.web]").next().unwrap()});
    rig.operator.post_json("/apply", &without).await.expect(200);
    let services: Value = rig.operator.get("/services").await.expect(200);
    assert_eq!(services["items"].as_array().unwrap().len(), 2);
    rig.operator.post_json("/apply", &json!({"manifest": manifest})).await.expect(200);
    assert_eq!(rig.web_act("get=a").await, "1");
}
