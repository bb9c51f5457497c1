//! The shop whose journal is a stream on a real NATS server. Without one, which `cargo xtask nats` installs, these tests
//! say so and do nothing.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::json::text;
use shop_tests::{Customer, Process, workspace};

/// A running NATS server. It ends when this is dropped.
struct Nats {
    process: Child,
    program: PathBuf,
    folder: tempfile::TempDir,
    address: String,
}

impl Nats {
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so loudly")]
    fn start() -> anyhow::Result<Option<Self>> {
        let program = workspace().join("target/nats/bin/nats-server");
        if !program.is_file() {
            eprintln!("CLUSTERS: NOT TESTED, because there is no NATS server: `cargo xtask nats` installs it");
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let process = spawn(&program, folder.path(), "-1")?;
        let mut nats = Self { process, program, folder, address: String::new() };
        nats.address = nats.address()?;
        Ok(Some(nats))
    }

    fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        let (_, port) = self.address.rsplit_once(':').context("an address with a port")?;
        self.process = spawn(&self.program, self.folder.path(), port)?;
        self.address()?;
        Ok(())
    }

    /// Waits until the server has written where it listens.
    fn address(&self) -> anyhow::Result<String> {
        let file = self.folder.path().join(format!("nats-server_{}.ports", self.process.id()));
        for _ in 0..1000 {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let ports: Value = serde_json::from_str(&text).unwrap_or_default();
            if let Some(address) = ports["nats"][0].as_str() {
                return Ok(address.to_owned());
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        anyhow::bail!("the NATS server does not start")
    }

    /// Starts the shop as the node `node` of a cluster on this server.
    async fn shop(&self, node: &str, data: &Path) -> anyhow::Result<Process> {
        let servers = format!("[\"{}\"]", self.address);
        let environment = [
            ("SWITCHYARD_CLUSTER_SERVERS", servers.as_str()),
            ("SWITCHYARD_CLUSTER_REPLICAS", "1"),
            ("SWITCHYARD_CLUSTER_NODE", node),
            ("SWITCHYARD_CLUSTER_LEASE_MS", "500"),
            ("SWITCHYARD_CLUSTER_HEARTBEAT_MS", "100"),
        ];
        let program = Path::new(env!("CARGO_BIN_EXE_shop-host"));
        Process::start_with(program, data, &environment).await
    }
}

fn spawn(program: &Path, folder: &Path, port: &str) -> anyhow::Result<Child> {
    let spawned = Command::new(program)
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(folder.join("store"))
        .arg("--ports_file_dir")
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Ok(spawned?)
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _waited = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_on_a_stream_loses_nothing_with_its_process_nor_with_its_machine() -> anyhow::Result<()> {
    let Some(mut nats) = Nats::start()? else { return Ok(()) };
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let shop = nats.shop("a", first.path()).await?;
    shop.staff().await?.sell("mug-01", 1250, 10).await?;
    let ada = Customer::sign_up(&shop.client, "ada", "tok_ok").await?;
    let order = ada.buy(&[("mug-01", 2)]).await?;
    let line = format!("GET /orders/{}", text(&order, "/id")?);
    shop.kill().await?;

    // The same machine again.
    let shop = nats.shop("a", first.path()).await?;
    let ada = ada.at(&shop.client);
    assert_eq!(ada.client.ask(&line).await?.expect(200)?["id"], order["id"]);
    // A stop of the NATS server only delays what comes next.
    nats.restart()?;
    let other = ada.buy(&[("mug-01", 1)]).await?;
    shop.kill().await?;

    // Another machine, which has nothing. All data comes from the stream, and the releases from its object store.
    let shop = nats.shop("b", second.path()).await?;
    let ada = ada.at(&shop.client);
    for order in [order, other] {
        let line = format!("GET /orders/{}", text(&order, "/id")?);
        assert_eq!(ada.client.ask(&line).await?.expect(200)?["id"], order["id"]);
    }
    ada.buy(&[("mug-01", 1)]).await?;
    Ok(())
}
