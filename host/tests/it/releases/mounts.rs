//! Services that speak HTTP themselves: swapped, judged, tried and gone back from as those with a contract are.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::components::{digest, says, web};
use super::{Answer, Rig, Setup, digests, until};
use crate::guest::component;

/// The guests may send requests to this host.
const REACHES: &str = "outbound_hosts = [\"127.0.0.1:9\"]\n";

impl Rig {
    /// A host with the services `front` and `back`, and with `web`, which says `1`.
    async fn with_web(keys: &str) -> Self {
        Setup::pair(keys).mounted(&web("0.2", "1"), REACHES).start().await
    }

    async fn web(&self) -> String {
        said(&self.public.get("/web/variant").await)
    }
}

/// What a guest answered that says its variant: one that is a number reads as JSON.
pub(super) fn said(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{:#}", answer.body);
    answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned)
}

/// Connections that ask all the time, each for a short answer and for one whose body goes on.
const CLIENTS: u8 = 8;

const CHANGES: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_while_a_mounted_service_is_swapped_under_load() {
    let rig = Rig::with_web("").await;
    let components = [("0.2", "1"), ("0.3", "2"), ("0.2", "3"), ("0.3", "4")].map(|(version, text)| web(version, text));
    let stop = AtomicBool::new(false);
    let client = async |number: u8| {
        let (public, mut met) = (rig.client_from([127, 0, 7, number]), Vec::new());
        while !stop.load(Ordering::Relaxed) {
            met.push(said(&public.get("/web/variant").await));
            let after = said(&public.post("/web/variant-after", vec![b'x'; 100_000]).await);
            met.push(after.strip_prefix("begun ").unwrap().to_owned());
        }
        met
    };
    let swaps = async {
        for change in 0..CHANGES {
            match change % 4 {
                3 => rig.change("web", "rollback").await.expect(200),
                _ => rig.deploy("web", "", components[(change + 1) % 4].clone()).await.expect(201),
            };
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (met, ()) = tokio::join!(join_all((1..=CLIENTS).map(client)), swaps);
    let met: Vec<_> = met.into_iter().flatten().collect();
    let releases: BTreeSet<_> = met.iter().map(String::as_str).collect();
    assert_eq!(releases, BTreeSet::from(["1", "2", "3", "4"]), "each answer is of one release, and all were met");
    // A guest goes on for a moment when its answer has ended.
    until("the end of the last request", async || rig.service("web").await["figures"]["calls"] == met.len()).await;
    let figures = &rig.service("web").await["figures"];
    assert_eq!((&figures["refused"], &figures["inFlight"]), (&json!(0), &json!(0)), "{figures}");
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_way_ends_on_the_release_that_it_began_with() {
    for version in ["0.2", "0.3"] {
        let rig = Setup::new("").mounted(&web(version, "1"), REACHES).start().await;
        let mut begun = Begun::request(rig.host.gateway_address()).await;
        rig.deploy("web", "", web(version, "2")).await.expect(201);
        assert_eq!(rig.web().await, "2");
        assert_eq!(begun.end().await, "begun 1", "{version}");
    }
}

/// A request whose answer has begun, and whose body has not ended.
struct Begun(TcpStream, String);

impl Begun {
    async fn request(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = "POST /web/variant-after HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 4\r\n\r\nfi";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut read = String::new();
        while !read.contains("begun ") {
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).await.unwrap();
            assert!(count > 0, "{read}");
            read.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        Self(stream, read)
    }

    /// Sends the rest, and gives the body of the answer.
    async fn end(&mut self) -> String {
        self.0.write_all(b"sh").await.unwrap();
        self.0.read_to_string(&mut self.1).await.unwrap();
        let (head, body) = self.1.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        // Chunks are their lengths and what is in them, line by line.
        body.split("\r\n").skip(1).step_by(2).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_of_a_mounted_service_is_as_of_any_other() {
    let rig = Rig::with_web("").await;
    assert_eq!(rig.web().await, "1");
    let made = rig.deploy("web", "?reason=because", web("0.3", "2")).await.expect(201);
    assert_eq!((&made["release"]["number"], &made["verdict"]["world"]), (&json!(2), &json!("wasi:http")));
    assert_eq!(rig.deploy("web", "", web("0.3", "2")).await.expect(200)["unchanged"], true);
    assert_eq!((rig.web().await, rig.public.get("/web/nothing").await.status), ("2".into(), 500));
    until("the end of both requests", async || rig.service("web").await["live"]["figures"]["calls"] == 2).await;
    let service = rig.service("web").await;
    assert_eq!((&service["contract"], &service["mount"]), (&json!("wasi:http"), &json!("/web")));
    assert_eq!(digests(&service["kept"]), [digest(&web("0.2", "1"))]);
    let figures = &service["live"]["figures"];
    assert_eq!((&figures["calls"], &figures["errors"], &figures["traps"]), (&json!(2), &json!(1), &json!(1)));

    rig.deploy("web", "", web("0.2", "3")).await.expect(201);
    rig.change("web", "rollback").await.expect(200);
    assert_eq!(rig.web().await, "2");
    assert_eq!(rig.told("web").await, ["deploy", "deploy", "rollback"]);
    let (service, lines) = (rig.service("web").await, rig.history().await);
    // What the manifest names is the component of the first release, whatever has become of it.
    let setup = rig.stop().await;
    std::fs::write(setup.path("web.wasm"), web("0.2", "5")).unwrap();
    let rig = setup.start().await;
    assert_eq!(rig.web().await, "2");
    let after = rig.service("web").await;
    assert_eq!((&after["live"]["number"], &after["kept"]), (&service["live"]["number"], &service["kept"]));
    assert_eq!(rig.history().await, lines);
    rig.change("web", "rollback").await.expect(200);
    assert_eq!((rig.web().await, rig.change("web", "rollback").await.status), ("1".into(), 409));
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_a_mounted_service_cannot_run_is_refused_and_the_live_one_stays() {
    let rig = Rig::with_web("").await;
    let check = async |component: Vec<u8>, words: &[&str]| {
        let refused = rig.deploy("web", "", component).await;
        let text = refused.detail().to_owned();
        assert_eq!(refused.status, 422, "{text}");
        words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is not in: {text}"));
        assert_eq!(rig.web().await, "1");
    };
    check(b"no component".to_vec(), &["component"]).await;
    check(component("callers.wasm"), &["wasi:http/incoming-handler", "test:calls"]).await;
    let shadow = rig.deploy("web", "?shadow=100", web("0.2", "2")).await;
    assert_eq!((shadow.status, shadow.detail().contains("cannot run a request of it twice")), (422, true));
    assert_eq!(rig.told("web").await, ["refused", "refused"]);
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_reaches_out_only_where_somebody_granted_it() {
    let rig = Rig::with_web("").await;
    let manifest = std::fs::read_to_string(rig.setup.path("switchyard.toml")).unwrap();
    let order = json!({"manifest": manifest.replace(REACHES, "")});
    let granted = rig.deploy("web", "?grant=example.com", web("0.2", "2")).await.expect(201);
    let text = granted["verdict"]["text"].as_str().unwrap();
    assert!(text.contains("it may reach 127.0.0.1:9, example.com"), "{text}");
    // A grant is of the releases, and stays whatever the manifest has; also over a restart.
    rig.operator.post_json("/apply", &order).await.expect(200);
    let rig = rig.stop().await.start().await;
    let order = json!({"manifest": manifest.replace(":9", ":7")});
    rig.operator.post_json("/apply", &order).await.expect(200);
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["reason"]), (&json!("settings"), &json!("outbound_hosts")));
    let next = rig.deploy("web", "", web("0.2", "3")).await.expect(201);
    let text = next["verdict"]["text"].as_str().unwrap();
    assert!(text.contains("it may reach 127.0.0.1:7, example.com\n"), "{text}");
    assert_eq!(rig.web().await, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_of_a_mounted_service_gets_its_share_and_who_asks_for_it() {
    let rig = Rig::with_web("").await;
    rig.deploy("web", "?weight=50&header=x-try=yes", web("0.3", "2")).await.expect(201);
    let tries = rig.public.with_header("x-try", "yes");
    assert_eq!(said(&tries.get("/web/variant").await), "2");
    let mut met = BTreeSet::new();
    for client in 1..=40 {
        let client = rig.client_from([127, 0, 8, client]);
        let first = said(&client.get("/web/variant").await);
        assert_eq!(said(&client.get("/web/variant").await), first, "a caller stays where it is");
        met.insert(first);
    }
    assert_eq!(met, ["1", "2"].map(String::from).into());
    let setup = rig.stop().await;
    let rig = setup.start().await;
    assert_eq!(rig.service("web").await["candidate"]["share"], 0.5);
    rig.change("web", "promote").await.expect(200);
    assert_eq!(rig.web().await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_is_swapped_as_one_with_others() {
    let rig = Rig::with_web("").await;
    rig.deploy_set(&[("front", says("2")), ("web", web("0.3", "2"))]).await.expect(201);
    assert_eq!((rig.look("variant").await, rig.web().await), ("2".into(), "2".into()));
    let refused = rig.deploy_set(&[("front", says("3")), ("web", b"no component".to_vec())]).await;
    assert_eq!(refused.status, 422);
    assert_eq!((rig.look("variant").await, rig.web().await), ("2".into(), "2".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_goes_back_from_a_mounted_release_that_fails_again_and_again() {
    let keys = "limits.circuit_failures = 5\nlimits.circuit_clients = 1\nlimits.circuit_open_ms = 60_000\n";
    let rig = Rig::with_web(&format!("{keys}deploy.rollback_when_circuit_opens = true")).await;
    rig.deploy("web", "", web("0.2", "2")).await.expect(201);
    until("a rollback", async || {
        rig.public.get("/web/panic").await;
        rig.told("web").await == ["deploy", "rollback"]
    })
    .await;
    assert_eq!(rig.web().await, "1");
}
