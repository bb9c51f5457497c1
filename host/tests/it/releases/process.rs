//! A host in a process of its own, to be killed at any instant.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::http::Client;

/// A host in a process of its own. It is killed when this is dropped.
pub(crate) struct Process {
    pub(crate) public: Client,
    pub(crate) operator: Client,
    child: Child,
}

/// What a host logs: lines of JSON.
pub(crate) type Log = Lines<BufReader<ChildStderr>>;

impl Process {
    /// Starts the host of the manifest in `folder`, which has its data beside it.
    pub(crate) async fn start(folder: &Path) -> Self {
        let (process, mut log) = Self::start_with_log(folder).await;
        crate::calls::spawn(async move { while let Ok(Some(_line)) = log.next_line().await {} });
        process
    }

    /// As [`Process::start`], with an access log that nobody reads yet.
    pub(super) async fn start_with_log(folder: &Path) -> (Self, Log) {
        Self::run(Command::new(env!("CARGO_BIN_EXE_switchyard")), folder).await
    }

    /// As [`Process::start`], after a shell has run `script`.
    pub(super) async fn start_after(folder: &Path, script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_switchyard")]);
        let (process, mut log) = Self::run(command, folder).await;
        crate::calls::spawn(async move { while let Ok(Some(_line)) = log.next_line().await {} });
        process
    }

    async fn run(mut command: Command, folder: &Path) -> (Self, Log) {
        let mut child = command
            .args(["up", "--manifest"])
            .arg(folder.join("switchyard.toml"))
            .env("SWITCHYARD_HOST_LOG_FORMAT", "json")
            .env("SWITCHYARD_GATEWAY_ACCESS_LOG", "true")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = |fields: &Value, name: &str| fields[name].as_str().unwrap().parse::<SocketAddr>().unwrap();
        let mut said = String::new();
        let (public, operator) = loop {
            let line = log.next_line().await.unwrap().unwrap_or_else(|| panic!("the host ended: {said}"));
            let fields: Value = serde_json::from_str(&line).unwrap_or_default();
            if fields["public"].is_string() {
                break (address(&fields, "public"), address(&fields, "operator"));
            }
            said = line;
        };
        let token = std::fs::read_to_string(folder.join("data/admin-token")).unwrap();
        let operator = Client::new(operator).with_token(token.trim());
        (Self { public: Client::new(public), operator, child }, log)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    pub(super) fn pid(&self) -> Pid {
        self.child.id().and_then(|id| Pid::from_raw(id.try_into().unwrap())).expect("it runs")
    }

    /// From now on the process may have so many files open; those that are open stay. Gives how many it might have before.
    pub(super) fn limit_files(&self, files: Option<u64>) -> Option<u64> {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        prlimit(Some(self.pid()), Resource::Nofile, Rlimit { current: files, maximum }).unwrap().current
    }

    /// Waits for its end: the exit code, and nothing after a signal.
    pub(crate) async fn ended(mut self) -> Option<i32> {
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait());
        ended.await.expect("it ends").unwrap().code()
    }

    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn services(&self) -> Value {
        self.operator.get("/services").await.expect(200)["items"].clone()
    }

    pub(crate) async fn history(&self) -> Vec<Value> {
        self.operator.get("/history?limit=500").await.expect(200)["items"].as_array().unwrap().clone()
    }
}

/// Shares of the time that something takes, 0 to 1: the same ones for the same `seed`.
pub(crate) fn shares(seed: u64) -> impl Iterator<Item = f64> {
    let mut random = seed;
    std::iter::from_fn(move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((random >> 40) as f64 / f64::from(1 << 24))
    })
}
