//! A thousand services that nobody calls: the memory of each, and the first call to one.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::process::Command;

use crate::guests::{self, Guests};
use crate::load::{Connection, request};
use crate::process::run_measured;
use crate::shop::ask;
use crate::targets::{Bound, Target};

pub(crate) const NAME: &str = "1,000 idle services";

const SERVICES: usize = 1_000;

/// Services of the host that the memory is compared with.
const FEW: usize = 10;

/// Services that get a first call.
const CALLED: usize = 100;

const MANIFEST: &str = "switchyard.toml";

/// The time after which the memory of the start itself is free or in use.
const SETTLED: Duration = Duration::from_secs(3);

/// No service has reserved instances: the sum over all would exceed those of the host.
const GUESTS: Guests = Guests {
    manifest: &["[gateway]\naccess_log = false\n\n[limits]\ninstances_reserved = 0\n"],
    contracts: &[],
    components: &["web_0_2.wasm"],
};

struct Idle {
    resident_bytes: u64,
    /// Of one service after the other, ascending.
    first_calls: Vec<Duration>,
}

pub(crate) async fn measure(workspace: &Path) -> anyhow::Result<Vec<Target>> {
    eprintln!("measuring: {NAME}");
    let folder = tempfile::tempdir()?;
    GUESTS.prepare(workspace, folder.path())?;
    let settings = std::fs::read_to_string(folder.path().join(MANIFEST))?;
    list_services(folder.path(), &settings, FEW)?;
    let (first, _) = guests::start(folder.path(), &[]).await?;
    first.stop().await?;
    let few = run(folder.path(), FEW).await?;
    let (growing, admin) = guests::start(folder.path(), &[]).await?;
    list_services(folder.path(), &settings, SERVICES)?;
    apply(folder.path(), admin).await?;
    growing.stop().await?;
    let many = run(folder.path(), SERVICES).await?;
    let kilobytes = many.resident_bytes.saturating_sub(few.resident_bytes) as f64 / (SERVICES - FEW) as f64 / 1e3;
    let most = many.first_calls[many.first_calls.len() * 9 / 10].as_secs_f64() * 1e3;
    Ok(vec![
        Target::absolute(NAME, "memory of each, KB", kilobytes, Bound::AtMost(200.0)),
        Target::absolute(NAME, "first call, 90 of 100 within, ms", most, Bound::AtMost(2.0)),
    ])
}

fn list_services(folder: &Path, settings: &str, services: usize) -> anyhow::Result<()> {
    let mut manifest = settings.to_owned();
    for number in 0..services {
        write!(manifest, "\n[services.web-{number}]\nmount = \"/web-{number}\"\nstrip_prefix = true\n")?;
        writeln!(manifest, "component = \"web_0_2.wasm\"\noutbound_hosts = [\"example.com\"]")?;
    }
    Ok(std::fs::write(folder.join(MANIFEST), manifest)?)
}

async fn apply(folder: &Path, admin: SocketAddr) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("switchyard"));
    command.args(["apply", "--yes", "--admin", &format!("http://{admin}")]);
    command.arg("--manifest").arg(folder.join(MANIFEST)).arg("--data").arg(folder.join("data"));
    run_measured(command).await.map(drop)
}

/// Measures a host that has just started with all of its services.
async fn run(folder: &Path, services: usize) -> anyhow::Result<Idle> {
    let (server, _) = guests::start(folder, &[]).await?;
    tokio::time::sleep(SETTLED).await;
    let resident_bytes = server.resident_bytes()?;
    let (mut connection, mut bytes, mut first_calls) =
        (Connection::open(server.address).await?, Vec::new(), Vec::new());
    // The code of the component counts once, as it would for the busy services of such a host.
    ask(&mut connection, "GET", "/web-0/", None, None).await?;
    for number in (1..services).take(CALLED) {
        request(&mut bytes, "GET", &format!("/web-{number}/"), None, None);
        let begin = Instant::now();
        let status = connection.send(&bytes).await?.status;
        first_calls.push(begin.elapsed());
        ensure!(status == 200, "the first call of a service is answered {status}");
    }
    server.stop().await?;
    first_calls.sort_unstable();
    Ok(Idle { resident_bytes, first_calls })
}
