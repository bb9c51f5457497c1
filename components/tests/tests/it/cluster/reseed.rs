//! A NATS server that has lost the stream: hosts refuse, and `switchyard cluster reseed` writes it again with every order.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::json::{number, text};
use shop_tests::{Customer, Process, workspace};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shop-host");

/// A NATS server whose store can be lost. It ends when this is dropped.
struct Server {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Server {
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so loudly")]
    fn start() -> anyhow::Result<Option<Self>> {
        if !program().is_file() {
            eprintln!("CLUSTERS: NOT TESTED, because there is no NATS server: `cargo xtask nats` installs it");
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        let process = spawn(folder.path(), "-1")?;
        let port = port(folder.path(), &process)?;
        Ok(Some(Self { process, folder, port }))
    }

    /// Ends the server at once, and starts it with an empty store.
    fn lose_the_store(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        std::fs::remove_dir_all(self.folder.path().join("store"))?;
        self.process = spawn(self.folder.path(), &self.port.to_string())?;
        port(self.folder.path(), &self.process).map(drop)
    }

    /// Deletes all messages of the journal, as an operator may do.
    fn purge(&mut self) -> anyhow::Result<()> {
        // Each host may have the last message. One behind it, such as those with which a leader says that it leads, is unknown.
        let stored = self.ask("switchyard.main.journal", "unknown")?;
        anyhow::ensure!(stored.contains("\"seq\""), "{stored}");
        let purged = self.ask("$JS.API.STREAM.PURGE.switchyard-main", "{}")?;
        anyhow::ensure!(purged.contains("\"success\":true"), "{purged}");
        Ok(())
    }

    /// Sends a request to the server, and returns the answer.
    fn ask(&self, subject: &str, body: &str) -> anyhow::Result<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port))?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(connection, "CONNECT {{\"verbose\":false}}\r\nSUB answers 1\r\n")?;
        write!(connection, "PUB {subject} answers {}\r\n{body}\r\n", body.len())?;
        let mut lines = BufReader::new(connection).lines();
        while let Some(line) = lines.next().transpose()? {
            if line.starts_with("MSG answers") {
                return Ok(lines.next().transpose()?.unwrap_or_default());
            }
        }
        anyhow::bail!("the server does not answer")
    }

    fn environment(&self, node: &str) -> Vec<(&'static str, String)> {
        vec![
            ("SWITCHYARD_CLUSTER_SERVERS", format!("[\"nats://127.0.0.1:{}\"]", self.port)),
            ("SWITCHYARD_CLUSTER_REPLICAS", "1".into()),
            ("SWITCHYARD_CLUSTER_NODE", node.into()),
            ("SWITCHYARD_CLUSTER_LEASE_MS", "1500".into()),
            ("SWITCHYARD_CLUSTER_HEARTBEAT_MS", "100".into()),
            ("SWITCHYARD_CLUSTER_LISTEN", "127.0.0.1:0".into()),
        ]
    }

    async fn shop(&self, node: &str, data: &Path) -> anyhow::Result<Process> {
        let environment = self.environment(node);
        let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Process::start_with(Path::new(PROGRAM), data, &environment).await
    }

    /// Runs `switchyard cluster reseed` on a data directory.
    fn reseed(&self, data: &Path, flags: &[&str]) -> anyhow::Result<(Output, Value)> {
        let output = Command::new(PROGRAM)
            .args(["cluster", "reseed", "--json", "--manifest"])
            .arg(workspace().join("switchyard.toml"))
            .arg("--data")
            .arg(data)
            .args(flags)
            .envs(self.environment("reseed"))
            .stdin(Stdio::null())
            .output()?;
        let document = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)))?;
        Ok((output, document))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.process.kill();
        let _waited = self.process.wait();
    }
}

fn program() -> PathBuf {
    workspace().join("target/nats/bin/nats-server")
}

fn spawn(folder: &Path, port: &str) -> anyhow::Result<Child> {
    let mut command = Command::new(program());
    command.args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"]).arg(folder.join("store"));
    command.arg("--ports_file_dir").arg(folder).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.spawn()?)
}

/// Waits until the server has written where it listens.
fn port(folder: &Path, process: &Child) -> anyhow::Result<u16> {
    let file = folder.join(format!("nats-server_{}.ports", process.id()));
    for _ in 0..1000 {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let ports: Value = serde_json::from_str(&text).unwrap_or_default();
        if let Some((_, port)) = ports["nats"][0].as_str().and_then(|address| address.rsplit_once(':')) {
            return Ok(port.parse()?);
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    anyhow::bail!("the NATS server does not start")
}

async fn every_order_survives(lose: fn(&mut Server) -> anyhow::Result<()>, refusal: &str) -> anyhow::Result<()> {
    let Some(mut server) = Server::start()? else { return Ok(()) };
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let folders = [("a", first.path()), ("b", second.path())];
    let mut shops = [server.shop("a", first.path()).await?, server.shop("b", second.path()).await?];
    shops[1].staff().await?.sell("mug-01", 1250, 1000).await?;
    let ada = Customer::sign_up(&shops[0].client, "ada", "tok_ok").await?;
    let mut orders = Vec::new();
    for round in 0..6 {
        let order = ada.at(&shops[round % 2].client).buy(&[("mug-01", 1)]).await?;
        orders.push(text(&order, "/id")?);
    }
    for shop in shops {
        shop.kill().await?;
    }
    lose(&mut server)?;
    let mut commits = Vec::new();
    for (node, data) in folders {
        let said = format!("{:#}", server.shop(node, data).await.err().context("a host starts without its stream")?);
        anyhow::ensure!(said.contains(refusal) && said.contains("switchyard cluster reseed"), "{node}: {said}");
        let (output, plan) = server.reseed(data, &["--plan"])?;
        anyhow::ensure!(output.status.code() == Some(0), "{output:?}");
        anyhow::ensure!(plan["problem"].is_string() && plan["reseeded"] == false, "{plan}");
        commits.push(number(&plan, "/host/commit")?);
    }
    let (most, other) = if commits[0] >= commits[1] { (0, 1) } else { (1, 0) };
    let (output, _) = server.reseed(folders[most].1, &[])?;
    anyhow::ensure!(output.status.code() == Some(1), "nobody has confirmed it: {output:?}");
    let (output, done) = server.reseed(folders[most].1, &["--yes"])?;
    anyhow::ensure!(output.status.code() == Some(0) && done["reseeded"] == true, "{output:?}");
    let (output, plan) = server.reseed(folders[other].1, &["--yes"])?;
    anyhow::ensure!(output.status.code() == Some(7) && plan["problem"].is_null(), "{output:?}");

    shops = [server.shop("a", first.path()).await?, server.shop("b", second.path()).await?];
    let (third, ada) = (tempfile::tempdir()?, ada.at(&shops[0].client));
    orders.push(text(&ada.buy(&[("mug-01", 1)]).await?, "/id")?);
    orders.push(text(&ada.at(&shops[1].client).buy(&[("mug-01", 1)]).await?, "/id")?);
    let fresh = server.shop("c", third.path()).await?;
    for shop in shops.iter().chain([&fresh]) {
        for order in &orders {
            let found = ada.at(&shop.client).client.ask(&format!("GET /orders/{order}")).await?.expect(200)?;
            anyhow::ensure!(found["id"] == order.as_str(), "{found}");
        }
        let item = shop.client.ask("GET /items/mug-01").await?.expect(200)?;
        anyhow::ensure!(item["available"] == 1000 - orders.len(), "{item}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_its_server_has_lost_is_written_again_with_every_order() -> anyhow::Result<()> {
    every_order_survives(Server::lose_the_store, "does not exist").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_purged_is_written_again_with_every_order() -> anyhow::Result<()> {
    every_order_survives(Server::purge, "there is no complete copy for it").await
}
