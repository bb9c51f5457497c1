//! Components that use as much as they can: calls that compute endlessly, and calls that sleep.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::{Figure, millis, refused, stranger};
use crate::guests::{self, Guests, SCRIPTS};
use crate::load::{self, Script, request};

pub(super) const BUSY: &str = "busy guests";
pub(super) const SLEEPING: &str = "sleeping calls";

/// Concurrent calls that compute endlessly.
const SPINNING: usize = 64;

/// Concurrent calls that sleep: more than all instances of the host.
const ASLEEP: usize = 560;

const WEB: &str = r#"
[services.web]
mount = "/web"
component = "web_0_2.wasm"
# It is never asked to send anything.
outbound_hosts = ["example.com"]
"#;

/// The good service, and a harmful one.
pub(super) const FRONT_AND_WEB: Guests =
    Guests { manifest: &[SCRIPTS, WEB], contracts: &["calls"], components: &["callers.wasm", "web_0_2.wasm"] };

pub(super) fn front(connections: usize, script: &'static str) -> Vec<Script> {
    path(connections, format!("/front?script={}", script.replace(' ', "%20")))
}

fn path(connections: usize, path: String) -> Vec<Script> {
    let script = |_connection| -> Script {
        let path = path.clone();
        Box::new(move |out| {
            request(out, "GET", &path, None, None);
            true
        })
    };
    (0..connections).map(script).collect()
}

/// Keeps `count` requests for `path` running until it is dropped.
pub(super) fn keep_asking(address: SocketAddr, path: String, count: usize) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let path = path.clone();
        tasks.spawn(async move {
            let mut bytes = Vec::new();
            request(&mut bytes, "GET", &path, None, None);
            loop {
                // Whatever the answer, the abuse continues.
                let asked = stranger::ask_once(stranger::ONE, address, &bytes, Duration::from_secs(60)).await;
                if asked != Some(200) {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        });
    }
    tasks
}

async fn both(public: SocketAddr, admin: SocketAddr, time: Duration) -> anyhow::Result<(load::Report, load::Report)> {
    tokio::try_join!(load::run(public, front(4, "say hello"), time), load::run(admin, path(1, "/healthz".into()), time),)
}

pub(super) async fn busy(workspace: &Path, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_WEB.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let alone = both(server.address, admin, time).await?;
    let spinning = keep_asking(server.address, "/web/spin".into(), SPINNING);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let beside = both(server.address, admin, time).await?;
    drop(spinning);
    server.stop().await?;
    let p99 = |what, alone: &load::Report, beside: &load::Report, at_most| Figure {
        experiment: BUSY,
        what,
        alone: millis(alone.percentile(0.99)),
        beside: millis(beside.percentile(0.99)),
        at_most,
    };
    Ok(vec![
        p99("p99 of a neighbour's GET beside 64 spinning, ms", &alone.0, &beside.0, 15.0),
        p99("p99 of /healthz beside 64 spinning, ms", &alone.1, &beside.1, 5.0),
    ])
}

pub(super) async fn sleeping(workspace: &Path, time: Duration) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    FRONT_AND_WEB.prepare(workspace, folder.path())?;
    let (server, admin) = guests::start(folder.path(), &[]).await?;
    let token = guests::token(folder.path())?;
    let neighbour = || -> Vec<Script> {
        let script = |_connection| -> Script {
            let token = token.clone();
            Box::new(move |out| {
                request(out, "POST", "/services/back/call/read", Some(&token), Some(r#"{"script":"say hello"}"#));
                true
            })
        };
        (0..4).map(script).collect()
    };
    let alone = load::run(admin, neighbour(), time).await?;
    let asleep = keep_asking(server.address, "/front?script=sleep%202000".into(), ASLEEP);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let beside = load::run(admin, neighbour(), time).await?;
    drop(asleep);
    server.stop().await?;
    Ok(vec![Figure {
        experiment: SLEEPING,
        what: "a neighbour's calls refused beside 560 sleeping",
        alone: refused(&alone),
        beside: refused(&beside),
        at_most: 0.0,
    }])
}
