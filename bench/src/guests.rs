//! A host with the guests of the host's own tests: services that execute scripts.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use tokio::process::Command;

use crate::platform::free_port;
use crate::process::{ONE_ADDRESS, Server};

/// The files of such a host.
pub(crate) struct Guests {
    /// Sections of the manifest, in order.
    pub(crate) manifest: &'static [&'static str],
    /// Folders of `host/tests/wit`, or of `bench/wit`.
    pub(crate) contracts: &'static [&'static str],
    pub(crate) components: &'static [&'static str],
}

/// Two services that execute scripts, without a circuit that opens.
pub(crate) const SCRIPTS: &str = r#"
[gateway]
access_log = false

[limits]
circuit_failures = 1_000_000

[services.front]
contract = "test:calls/front-service@1.0.0"
component = "callers.wasm"

[services.back]
contract = "test:calls/back-service@1.0.0"
component = "callers.wasm"
"#;

/// Two services that execute scripts: one for clients, and one behind it.
pub(crate) const FRONT_AND_BACK: Guests =
    Guests { manifest: &[SCRIPTS], contracts: &["calls"], components: &["callers.wasm"] };

impl Guests {
    /// Copies the files that the host needs into `folder`.
    pub(crate) fn prepare(&self, workspace: &Path, folder: &Path) -> anyhow::Result<()> {
        let workspace = workspace.canonicalize()?;
        std::fs::create_dir_all(folder.join("wit"))?;
        for package in self.contracts.iter().chain(&["service"]) {
            let places = ["host/tests/wit", "bench/wit"].map(|place| workspace.join(place).join(package));
            let contract = places.into_iter().find(|place| place.exists()).context("no such contract")?;
            std::os::unix::fs::symlink(contract, folder.join("wit").join(package))?;
        }
        for component in self.components {
            let guest = workspace.join("target/wasm32-wasip2/release").join(component);
            std::fs::copy(guest, folder.join(component)).context("the guests are built")?;
        }
        Ok(std::fs::write(folder.join("switchyard.toml"), self.manifest.concat())?)
    }
}

/// Starts the host of a prepared folder; also returns the address of the operator's API.
pub(crate) async fn start(folder: &Path, environment: &[(&str, &str)]) -> anyhow::Result<(Server, SocketAddr)> {
    // The host that was built together with this program.
    let command = Command::new(std::env::current_exe()?.with_file_name("switchyard"));
    start_with(command, folder, environment).await
}

/// Like [`start`], with a soft limit of open descriptors.
pub(crate) async fn start_with_descriptors(folder: &Path, soft_limit: u64) -> anyhow::Result<(Server, SocketAddr)> {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -n \"$0\" && exec \"$@\"", &soft_limit.to_string()]);
    command.arg(std::env::current_exe()?.with_file_name("switchyard"));
    start_with(command, folder, &[]).await
}

async fn start_with(
    mut command: Command,
    folder: &Path,
    environment: &[(&str, &str)],
) -> anyhow::Result<(Server, SocketAddr)> {
    let (public, admin) = (free_port()?, free_port()?);
    command.arg("up").arg("--manifest").arg(folder.join("switchyard.toml"));
    command.args(["--listen", &public.to_string(), "--admin", &admin.to_string()]);
    command.env("SWITCHYARD_HOST_LOG_FILTER", "error").envs(ONE_ADDRESS).envs(environment.iter().copied());
    command.stderr(std::fs::File::create(folder.join("host.log"))?);
    let started = Server::start(command, public, admin).await;
    let log = || std::fs::read_to_string(folder.join("host.log")).unwrap_or_default();
    Ok((started.with_context(log)?.0, admin))
}

/// The operator's token of a host that has started.
pub(crate) fn token(folder: &Path) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(folder.join("data/admin-token"))?.trim().to_owned())
}
