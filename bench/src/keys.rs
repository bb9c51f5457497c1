//! A GET in a store of ten million keys, compared with one of ten thousand: its CPU time, and the host's memory.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;

use crate::guests::{self, FRONT_AND_BACK};
use crate::load::{Connection, Script, request};
use crate::platform::REUSE_OFF;
use crate::rows::Load;
use crate::shop::ask;
use crate::targets::{Bound, Target};

pub(crate) const NAME: &str = "10 million keys";

const FEW: usize = 10_000;
const MANY: usize = 10_000_000;

/// Keys of one commit, and bytes of each value.
const COMMIT_KEYS: usize = 500;
const VALUE_BYTES: usize = 100;

const CONNECTIONS: usize = 64;

/// Clients that fill the store.
const FILLING: usize = 8;

/// The time after which the memory of the start itself is free or in use.
const SETTLED: Duration = Duration::from_secs(2);

struct Measured {
    cpu_micros: f64,
    resident_bytes: u64,
}

pub(crate) async fn measure(workspace: &Path, time: Duration) -> anyhow::Result<Vec<Target>> {
    eprintln!("measuring: {NAME}");
    let folder = tempfile::tempdir()?;
    FRONT_AND_BACK.prepare(workspace, folder.path())?;
    fill(folder.path(), 0, FEW).await?;
    let few = run(folder.path(), FEW, time).await?;
    fill(folder.path(), FEW, MANY).await?;
    let many = run(folder.path(), MANY, time).await?;
    let [cpu, memory] = ["CPU µs of a GET : with 10,000 keys", "resident MB : with 10,000 keys"];
    let megabytes = |measured: &Measured| Some(measured.resident_bytes as f64 / 1e6);
    Ok(vec![
        Target::relative(NAME, cpu, [Some(many.cpu_micros), Some(few.cpu_micros)], Bound::AtMost(1.5)),
        Target::relative(NAME, memory, [megabytes(&many), megabytes(&few)], Bound::AtMost(1.25)),
    ])
}

/// Writes the keys of numbers from `begin` to `end`, and stops the host: then its index has them all.
async fn fill(folder: &Path, begin: usize, end: usize) -> anyhow::Result<()> {
    let (server, admin) = guests::start(folder, &[]).await?;
    let (token, began) = (guests::token(folder)?, Instant::now());
    let mut filling = JoinSet::new();
    for client in 0..FILLING {
        let commits = (begin / COMMIT_KEYS + client..end / COMMIT_KEYS).step_by(FILLING);
        filling.spawn(write(admin, token.clone(), commits, began));
    }
    filling.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    server.stop().await
}

async fn write(
    admin: SocketAddr,
    token: String,
    commits: impl Iterator<Item = usize>,
    began: Instant,
) -> anyhow::Result<()> {
    let mut operator = Connection::open(admin).await?;
    for commit in commits {
        if commit % 2000 == 0 {
            eprintln!("writing: commit {commit}, {:.0} s", began.elapsed().as_secs_f64());
        }
        let body = json!({ "script": format!("fill {commit:05}- {COMMIT_KEYS} {VALUE_BYTES}") });
        ask(&mut operator, "POST", "/services/front/call/write", Some(&token), Some(&body)).await?;
    }
    Ok(())
}

/// Reads keys of all commits in no order, on a host that has just started.
async fn run(folder: &Path, keys: usize, time: Duration) -> anyhow::Result<Measured> {
    let (server, _) = guests::start(folder, &[REUSE_OFF]).await?;
    let script = |connection: usize| -> Script {
        let mut step = connection;
        Box::new(move |out| {
            // A prime step visits all keys, far from one another.
            step = (step + 7_368_787) % keys;
            let key = format!("{:05}-{:04}", step / COMMIT_KEYS, step % COMMIT_KEYS);
            request(out, "GET", &format!("/front?script=get%20{key}"), None, None);
            true
        })
    };
    let processes = [&server];
    let load = Load::new("", &processes, (0..CONNECTIONS).map(script).collect());
    let cpu_micros = load.run(time, |status| status == 200).await?.0.cpu_micros_per_request;
    tokio::time::sleep(SETTLED).await;
    let resident_bytes = server.resident_bytes()?;
    server.stop().await?;
    Ok(Measured { cpu_micros, resident_bytes })
}
