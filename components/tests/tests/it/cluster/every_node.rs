//! Each node does its share: mounted components run on all of them, the figures of all judge a candidate, and each says what
//! it sees of the cluster.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use shop_tests::json::{number, text};
use shop_tests::{Client, Process, workspace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::nats::{Cluster, Nats};

/// The names of the nodes, in their order.
const NODES: [&str; 3] = ["a", "b", "c"];

/// The mounted component of the tests. With a `variant`, it behaves otherwise at some paths.
fn component(variant: &str) -> anyhow::Result<Vec<u8>> {
    const PLACE: &[u8] = b"<variant>                       ";
    let mut component = std::fs::read(workspace().join("target/wasm32-wasip2/release/web_0_2.wasm"))?;
    let at = component.windows(PLACE.len()).position(|bytes| bytes == PLACE).context("the place of the variant")?;
    let named = format!("{variant:<32}");
    component.iter_mut().skip(at).zip(named.bytes()).for_each(|(byte, new)| *byte = new);
    Ok(component)
}

/// Mounts the component at `/web`.
async fn mount(operator: &Client) -> anyhow::Result<()> {
    let component = component("first")?;
    let uploaded = operator.send_with("PUT /components", &[("content-type", "application/wasm")], component).await?;
    let digest = text(&uploaded.expect(200)?, "/digest")?;
    let manifest = std::fs::read_to_string(workspace().join("switchyard.toml"))?;
    let manifest = format!("{manifest}\n[services.web]\nmount = \"/web\"\ncomponent = \"web.wasm\"\n");
    let added = operator.send("PUT /services/web", &json!({ "manifest": manifest, "component": digest })).await?;
    added.expect(200)?;
    Ok(())
}

/// What the component says to a request, with its status.
async fn say(client: &Client, line: &str, headers: &[(&str, &str)]) -> anyhow::Result<(u16, String)> {
    let (method, path) = line.split_once(' ').context("a method and a path")?;
    let http: HttpClient<HttpConnector, Empty<Bytes>> = HttpClient::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(format!("http://{}/web{path}", client.address()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = http.request(request.body(Empty::new())?).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec())?))
}

async fn says(client: &Client, line: &str) -> anyhow::Result<String> {
    let (status, said) = say(client, line, &[]).await?;
    anyhow::ensure!(status == 200, "{line}: {status} {said}");
    Ok(said)
}

/// Waits until `is_so` of the answer to a request, and returns it.
async fn wait_for(operator: &Client, line: &str, is_so: impl Fn(u16, &Value) -> bool) -> anyhow::Result<Value> {
    let mut last = Value::Null;
    for _ in 0..1200 {
        let answer = operator.ask(line).await?;
        if is_so(answer.status.as_u16(), &answer.body) {
            return Ok(answer.body);
        }
        last = answer.body;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("{line}: {last}")
}

/// Waits until a node is ready to answer reads itself.
async fn ready(node: &Process) -> anyhow::Result<()> {
    wait_for(&node.operator, "GET /readyz", |status, _| status == 200).await.map(drop)
}

/// How many requests of the component have run on the leader. Any node can be asked.
async fn ran_on_leader(operator: &Client) -> anyhow::Result<i64> {
    number(&operator.ask("GET /services/web").await?.expect(200)?, "/figures/calls")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_component_reads_on_every_node_and_a_get_that_writes_has_one_effect() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::start().await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    let [one, other] = [(leader + 1) % 3, (leader + 2) % 3];
    mount(&cluster.nodes[one].operator).await?;
    for node in &cluster.nodes {
        ready(node).await?;
    }
    // Each node sees at once what another one has acknowledged. Until the follower has compiled the component, and when a
    // read has waited for a second, the leader answers instead.
    let operator = &cluster.nodes[other].operator;
    let (mut rounds, mut ran) = (0, 0);
    while 2 * rounds - ran < 10 {
        rounds += 1;
        assert!(
            rounds <= 2000,
            "the follower answers no read itself: {ran} of {rounds} writes and {rounds} reads ran on the leader"
        );
        assert_eq!(says(cluster.at(one), &format!("POST /act?set=a:{rounds}")).await?, "set");
        assert_eq!(says(cluster.at(other), "GET /act?get=a;service-get=a").await?, format!("{rounds},{rounds}"));
        ran = ran_on_leader(operator).await?;
    }
    for round in 1..=10 {
        let said = says(cluster.at(one), "GET /act?get=a;add=n;get=n").await?;
        assert_eq!(said, format!("{rounds},{round},{round}"));
        assert_eq!(says(cluster.at(other), "GET /act?get=n").await?, round.to_string());
    }
    // Its first write ended the run on the follower.
    assert!(ran_on_leader(operator).await? >= ran + 10);
    // The body of a request that only reads goes with it to the leader.
    let (status, _) = say(cluster.at(one), "HEAD /act?get=a", &[]).await?;
    assert_eq!(status, 200);
    assert!(
        says(cluster.at(one), "GET /act-late?get=a;set=a:x")
            .await?
            .contains(&format!("{rounds},error: the response has begun"))
    );
    assert_eq!(says(cluster.at(other), "GET /act?get=a").await?, rounds.to_string());
    Ok(())
}

/// However slow the machine is, a follower that has the component reads itself.
const READS_ITSELF: [(&str, &str); 2] =
    [("SWITCHYARD_CLUSTER_READS", "stale"), ("SWITCHYARD_CLUSTER_STALE_MS_MAX", "600000")];

/// Waits until `follower` itself runs the variant `breaks`: until it has compiled it, the leader answers instead.
async fn runs_breaks(follower: &Process, headers: &[(&str, &str)]) -> anyhow::Result<()> {
    for _ in 0..2000 {
        let before = ran_on_leader(&follower.operator).await?;
        let (_, said) = say(&follower.client, "GET /variant", headers).await?;
        if said == "breaks" && ran_on_leader(&follower.operator).await? == before {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the follower does not run it")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_fails_only_on_a_follower_is_taken_out() -> anyhow::Result<()> {
    let settings = [&READS_ITSELF[..], &[("SWITCHYARD_DEPLOY_CANDIDATE_CALLS_MIN", "20")]].concat();
    let Some(cluster) = Cluster::start_with(&settings).await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    let follower = &cluster.nodes[(leader + 1) % 3];
    mount(&follower.operator).await?;
    let line = "POST /services/web/releases?header=x-trial=new";
    let deployed = follower.operator.send_with(line, &[("content-type", "application/wasm")], component("breaks")?);
    deployed.await?.expect(201)?;
    ready(follower).await?;
    runs_breaks(follower, &[("x-trial", "new")]).await?;
    let before = ran_on_leader(&follower.operator).await?;
    for round in 0..60 {
        let (status, said) = say(&follower.client, "GET /or-break-off", &[]).await?;
        assert_eq!((status, said.as_str()), (200, "ready"));
        // It breaks off, or its circuit is open after some, or it is judged by now.
        let candidate = say(&follower.client, "GET /or-break-off", &[("x-trial", "new")]).await;
        assert!(candidate.is_err() || candidate.is_ok_and(|(status, _)| status != 200 || round >= 20), "{round}");
    }
    // A follower on a busy machine lets the leader answer some. Alone it would need 20 calls of each release to judge.
    let on_leader = ran_on_leader(&follower.operator).await? - before;
    assert!(on_leader < 40, "the leader has seen {on_leader} of them");
    wait_for(&follower.operator, "GET /services/web", |_, web| web.get("candidate").is_none()).await?;
    let history = follower.operator.ask("GET /history?service=web&limit=1").await?.expect(200)?;
    assert_eq!(text(&history, "/items/0/what")?, "takenOut", "{history}");
    assert!(number(&history, "/items/0/figures/candidate/calls")? >= 20, "{history}");
    assert!(number(&history, "/items/0/figures/live/calls")? >= 20, "{history}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_release_that_fails_only_on_a_follower_is_rolled_back() -> anyhow::Result<()> {
    let rolls_back =
        [("SWITCHYARD_DEPLOY_ROLLBACK_WHEN_CIRCUIT_OPENS", "true"), ("SWITCHYARD_LIMITS_CIRCUIT_CLIENTS", "1")];
    let settings = [READS_ITSELF, rolls_back].concat();
    let Some(cluster) = Cluster::start_with(&settings).await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    let follower = &cluster.nodes[(leader + 1) % 3];
    mount(&follower.operator).await?;
    let wasm = [("content-type", "application/wasm")];
    follower.operator.send_with("POST /services/web/releases", &wasm, component("breaks")?).await?.expect(201)?;
    runs_breaks(follower, &[]).await?;
    let mut on_leader = 0;
    for round in 0.. {
        let before = ran_on_leader(&follower.operator).await?;
        let _breaks_off = say(&follower.client, "GET /or-break-off", &[]).await;
        on_leader += ran_on_leader(&follower.operator).await? - before;
        let history = follower.operator.ask("GET /history?service=web&limit=1").await?.expect(200)?;
        if text(&history, "/items/0/what")? == "rollback" {
            assert!(on_leader < 20, "the leader has seen {on_leader} of them");
            break;
        }
        assert!(round < 600, "nobody rolled back; the leader has seen {on_leader} of the calls that broke off");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The follower takes the earlier release over a moment later.
    for _ in 0..600 {
        if say(&follower.client, "GET /or-break-off", &[]).await.is_ok_and(|(_, said)| said == "ready") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the follower still runs the release that breaks off")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_says_at_once_what_it_sees_and_a_leader_that_was_killed_is_listed_until_it_is_removed()
-> anyhow::Result<()> {
    // Long enough to ask while nobody leads.
    let settings = [("SWITCHYARD_CLUSTER_READS", "stale"), ("SWITCHYARD_CLUSTER_LEASE_MS", "6000")];
    let Some(mut cluster) = Cluster::start_with(&settings).await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    mount(&cluster.nodes[leader].operator).await?;
    says(cluster.at(leader), "POST /act?set=a:1").await?;
    let other = if leader == 0 { 1 } else { 0 };
    let viewer =
        cluster.nodes[other].operator.send("POST /tokens", &json!({ "name": "viewer", "role": "viewer" })).await?;
    let viewer = text(&viewer.expect(201)?, "/token")?;
    for node in &cluster.nodes {
        ready(node).await?;
    }
    // The followers know all nodes when each has reported once more.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = cluster.nodes[other].operator.ask("GET /cluster").await?.expect(200)?;
    assert_eq!((text(&asked, "/answeredBy")?, text(&asked, "/leader")?), (NODES[leader].into(), NODES[leader].into()));

    let killed = Instant::now();
    cluster.nodes.remove(leader).kill().await?;
    let follower = &cluster.nodes[other - usize::from(other > leader)];
    for operator in [follower.operator.clone(), follower.operator.with_token(&viewer)] {
        let began = Instant::now();
        let seen = operator.ask("GET /cluster").await?.body;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!(text(&seen, "/answeredBy")?, NODES[other], "{seen}");
        assert!(number(&seen, "/heardMs")? >= 0 && number(&seen, "/leaseMs")? == 0, "{seen}");
        let nodes = seen["nodes"].as_array().context("nodes")?;
        let role = |name: &str| nodes.iter().find(|node| node["node"] == name).map(|node| node["role"].clone());
        assert_eq!((nodes.len(), role(NODES[other])), (3, Some("follower".into())), "{seen}");
        assert!(matches!(role(NODES[leader]), Some(Value::String(role)) if role != "follower"), "{seen}");
    }
    assert_eq!(follower.operator.with_token("none").ask("GET /cluster").await?.status, 401);
    // Meanwhile the component reads.
    assert_eq!(says(&follower.client, "GET /act?get=a").await?, "1");
    assert!(killed.elapsed() < Duration::from_secs(6), "too slow to see anything: {:?}", killed.elapsed());

    let lost = |body: &Value| {
        let nodes = body["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().any(|node| node["node"] == NODES[leader] && node["role"] == "lost")
    };
    let listed = wait_for(&follower.operator, "GET /cluster", |_, body| lost(body)).await?;
    assert_ne!(text(&listed, "/leader")?, NODES[leader]);
    assert_eq!(listed["nodes"].as_array().map(Vec::len), Some(3), "{listed}");
    let line = format!("DELETE /cluster/nodes/{}", NODES[leader]);
    let left = follower.operator.ask(&line).await?.expect(200)?;
    assert_eq!(left["nodes"].as_array().map(Vec::len), Some(2), "{left}");
    // Also after all others have reported again.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let left = follower.operator.ask("GET /cluster").await?.expect(200)?;
    assert_eq!(left["nodes"].as_array().map(Vec::len), Some(2), "{left}");
    Ok(())
}

/// Passes connections on to `to`, and what comes over each to `captured`.
async fn tap(listener: TcpListener, to: SocketAddr, captured: mpsc::Sender<Vec<u8>>) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (from, _) = listener.accept().await?;
        let (to, captured) = (TcpStream::connect(to).await?, captured.clone());
        connections.spawn(async move {
            let (mut from_read, mut from_write) = from.into_split();
            let (mut to_read, mut to_write) = to.into_split();
            let there = async {
                let (mut all, mut passed) = (Vec::new(), 0);
                while let Ok(1..) = from_read.read_buf(&mut all).await {
                    let piece = all.get(passed..).unwrap_or_default();
                    if to_write.write_all(piece).await.is_err() || captured.send(all.clone()).await.is_err() {
                        break;
                    }
                    passed = all.len();
                }
            };
            let back = tokio::io::copy(&mut to_read, &mut from_write);
            tokio::select! {
                () = there => {}
                _ = back => {}
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_captures_between_two_nodes_has_no_second_effect() -> anyhow::Result<()> {
    let Some(nats) = Nats::start()? else { return Ok(()) };
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (tapped, free) = (listener.local_addr()?, std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?);
    let (address, listen) = (tapped.to_string(), free.to_string());
    let (captures, mut captured) = mpsc::channel(1024);
    let mut taps = JoinSet::new();
    taps.spawn(tap(listener, free, captures));
    let settings = [("SWITCHYARD_CLUSTER_LISTEN", listen.as_str()), ("SWITCHYARD_CLUSTER_ADDRESS", address.as_str())];
    let leader = nats.shop_with("a", first.path(), &settings).await?;
    mount(&leader.operator).await?;
    let follower = nats.shop("b", second.path()).await?;
    assert_eq!(says(&follower.client, "POST /act?add=n").await?, "1");
    assert_eq!(says(&leader.client, "POST /act?get=n").await?, "1");
    // Everything that the follower has sent over each connection until then, once more.
    let mut sent: Vec<Vec<u8>> = Vec::new();
    while let Ok(all) = captured.try_recv() {
        match sent.iter_mut().find(|before| all.starts_with(before)) {
            Some(before) => *before = all,
            None => sent.push(all),
        }
    }
    assert!(!sent.is_empty());
    for bytes in sent {
        let mut again = TcpStream::connect(free).await?;
        again.write_all(&bytes).await?;
        // The leader answers what it gets within this time, which is much.
        let mut answers = Vec::new();
        while let Ok(Ok(1..)) = tokio::time::timeout(Duration::from_secs(2), again.read_buf(&mut answers)).await {}
        assert!(!answers.is_empty(), "the leader has taken the connection");
    }
    assert_eq!(says(&leader.client, "POST /act?get=n").await?, "1");
    // An honest request goes on.
    assert_eq!(says(&follower.client, "POST /act?add=n").await?, "2");
    Ok(())
}

/// What a node says at `/metrics`.
async fn shown(operator: &Client) -> anyhow::Result<String> {
    let request = Request::get(format!("http://{}/metrics", operator.address()));
    let http: HttpClient<HttpConnector, Empty<Bytes>> = HttpClient::builder(TokioExecutor::new()).build_http();
    let shown = http.request(request.body(Empty::new())?).await?.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(shown.to_vec())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_page_about_clusters_is_there() -> anyhow::Result<()> {
    let Some(cluster) = Cluster::start().await? else { return Ok(()) };
    let leader = cluster.leader(0, 3).await?;
    let page = std::fs::read_to_string(workspace().join("docs/cluster.md"))?;
    let rows: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("| `switchyard_cluster_")).collect();
    assert!(rows.len() > 5, "a table: {rows:?}");
    for (node, process) in cluster.nodes.iter().enumerate() {
        let is_missing = |shown: &str, row: &&&str| {
            let (name, rest) = row.split_once('`').unwrap_or_default();
            let sample = format!("\nswitchyard_cluster_{name}");
            let is_there = shown.contains(&format!("{sample} ")) || shown.contains(&format!("{sample}{{"));
            !is_there && (node == leader || !rest.contains("the leader"))
        };
        let mut missing = Vec::new();
        // The leader looks at the stream some seconds after it has begun to serve.
        for _ in 0..400 {
            let shown = shown(&process.operator).await?;
            missing = rows.iter().filter(|row| is_missing(&shown, row)).copied().collect();
            if missing.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(missing.is_empty(), "{missing:?} at {}", NODES[node]);
    }
    Ok(())
}
