//! A NATS server of a test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server. It ends when this is dropped.
pub(crate) struct NatsServer {
    process: Child,
    program: PathBuf,
    folder: tempfile::TempDir,
    address: String,
}

impl NatsServer {
    /// Starts a server with JetStream and these lines of configuration; `None` when there is none to start.
    pub(crate) fn start(configuration: &str) -> Option<Self> {
        Self::start_with(&format!("jetstream: {{ store_dir: STORE, sync_interval: always }}\n{configuration}"))
    }

    pub(crate) fn start_without_jetstream() -> Option<Self> {
        Self::start_with("")
    }

    fn start_with(configuration: &str) -> Option<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nats/bin/nats-server");
        if !program.is_file() {
            eprintln!("CLUSTERS: NOT TESTED, because there is no NATS server: `cargo xtask nats` installs it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let store = format!("{:?}", folder.path().join("store"));
        std::fs::write(folder.path().join("nats.conf"), configuration.replace("STORE", &store)).unwrap();
        let process = spawn(&program, folder.path(), "127.0.0.1:-1");
        let mut server = Self { process, program, folder, address: String::new() };
        server.address = server.ports();
        Some(server)
    }

    /// The address that clients connect to.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// Ends the server at once, as SIGKILL does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again at the same address with what it has stored.
    pub(crate) fn start_again(&mut self) {
        let address = self.address.trim_start_matches("nats://").to_owned();
        self.process = spawn(&self.program, self.folder.path(), &address);
        self.ports();
    }

    /// Waits until the server has written which port it took.
    fn ports(&mut self) -> String {
        let file = self.folder.path().join(format!("nats-server_{}.ports", self.process.id()));
        for _ in 0..1000 {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let ports: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(address) = ports["nats"][0].as_str() {
                return address.to_owned();
            }
            assert!(self.process.try_wait().unwrap().is_none(), "the NATS server ended");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("the NATS server does not start");
    }
}

fn spawn(program: &Path, folder: &Path, listen: &str) -> Child {
    let (host, port) = listen.rsplit_once(':').unwrap();
    Command::new(program)
        .args(["--addr", host, "--port", port, "--config"])
        .arg(folder.join("nats.conf"))
        .arg("--ports_file_dir")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _waited = self.process.wait();
    }
}
