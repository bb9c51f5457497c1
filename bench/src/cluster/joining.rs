//! A new host of a cluster with much data: the time until it is ready. It loads a copy from the object store if the stream
//! does not begin with the first commit any more, and reads the rest from the stream.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use super::JOINED_SECONDS_MAX;
use super::nodes::{Cluster, Stored};
use crate::guests::{self, FRONT_AND_BACK};
use crate::load::Connection;
use crate::platform::free_port;
use crate::shop::ask;
use crate::targets::{Bound, Target};

/// Bytes of the data, in commits just below their limit.
const DATA_BYTES: u64 = 1_000_000_000;
const COMMIT_KEYS: u64 = 500;
const VALUE_BYTES: u64 = 16_000;

/// The name of the cluster: it shares the NATS servers with the other one.
const NAME: &str = "joining";

/// The servers have everything when nothing has changed for so long: the leader looks every five seconds whether a copy is
/// due.
const QUIET: Duration = Duration::from_secs(12);

/// The longest time until then: the leader sends 16 MiB of a copy in a second.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(600);

/// The time between two looks.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

pub(super) struct Joined {
    took: Duration,
    stored: Stored,
}

pub(super) async fn measure(workspace: &Path, cluster: &Cluster) -> anyhow::Result<Joined> {
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let servers = cluster.servers_setting();
    FRONT_AND_BACK.prepare(workspace, first.path())?;
    FRONT_AND_BACK.prepare(workspace, second.path())?;
    let listens = [free_port()?.to_string(), free_port()?.to_string()];
    let [leads, joins] = [("a", &listens[0]), ("b", &listens[1])].map(|(node, listen)| {
        [
            ("SWITCHYARD_CLUSTER_SERVERS", servers.as_str()),
            ("SWITCHYARD_CLUSTER_NAME", NAME),
            ("SWITCHYARD_CLUSTER_NODE", node),
            ("SWITCHYARD_CLUSTER_LISTEN", listen),
            // A commit of eight megabytes takes a while when three servers sync it.
            ("SWITCHYARD_LIMITS_DEADLINE_MS", "60000"),
        ]
    });
    let (leader, admin) = guests::start(first.path(), &leads).await?;
    let token = guests::token(first.path())?;
    let mut operator = Connection::open(admin).await?;
    let commits = DATA_BYTES.div_ceil(COMMIT_KEYS * VALUE_BYTES);
    eprintln!("preparing: {commits} commits of a cluster that a new host joins");
    for commit in 0..commits {
        let body = json!({ "script": format!("fill {commit:06}- {COMMIT_KEYS} {VALUE_BYTES}") });
        ask(&mut operator, "POST", "/services/back/call/write", Some(&token), Some(&body)).await?;
    }
    eprintln!("preparing: the leader stores a copy");
    let stored = until_quiet(cluster).await?;
    eprintln!("measuring: a new host");
    let began = Instant::now();
    let (joined, _) = guests::start(second.path(), &joins).await?;
    let took = began.elapsed();
    joined.stop().await?;
    leader.stop().await?;
    Ok(Joined { took, stored })
}

async fn until_quiet(cluster: &Cluster) -> anyhow::Result<Stored> {
    let (begin, mut last, mut since) = (Instant::now(), cluster.stored(NAME).await?, Instant::now());
    while since.elapsed() < QUIET {
        ensure!(begin.elapsed() < QUIET_WAIT_MAX, "the leader still stores copies after {QUIET_WAIT_MAX:?}");
        tokio::time::sleep(LOOK_PERIOD).await;
        let now = cluster.stored(NAME).await?;
        // Heartbeats come all the time.
        if (now.first, now.object_bytes) != (last.first, last.object_bytes) {
            since = Instant::now();
        }
        last = now;
    }
    Ok(last)
}

impl Joined {
    pub(super) fn target(&self) -> Target {
        let row = format!("a new host for {:.0} GB", DATA_BYTES as f64 / 1e9);
        Target::absolute(&row, "s until it is ready", self.took.as_secs_f64(), Bound::AtMost(JOINED_SECONDS_MAX))
    }

    pub(super) fn note(&self) -> String {
        let Stored { first, stream_bytes, object_bytes } = self.stored;
        let [stream, objects] = [stream_bytes, object_bytes].map(|bytes| bytes as f64 / 1e6);
        let copy = if first > 1 { "it loaded a copy" } else { "it read the whole stream" };
        format!(
            "the new host found {stream:.0} MB in the stream, from message {first} on, and {objects:.0} MB in the object \
             store: {copy}"
        )
    }
}
