//! Hosts to measure: the shop as its manifest describes it, filled for the operations.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::load::Connection;
use crate::metrics::Metrics;
use crate::operation::{ITEMS, Operation};
use crate::process::{ONE_ADDRESS, Server};
use crate::shop::{self, sku};

/// Starts a host without reuse.
pub(crate) const REUSE_OFF: (&str, &str) = ("SWITCHYARD_LIMITS_REUSE", "false");

/// Checkouts that one customer can make in a second of load: more than one ever does, so that the time ends the load.
const CHECKOUTS_PER_SECOND: u64 = 100;

/// Carts that the cart writes change.
const CARTS: usize = 2048;

/// The platform with its prepared shop.
pub(crate) struct Platform {
    pub(crate) server: Server,
    pub(crate) admin: SocketAddr,
    /// The token of the operator's API.
    pub(crate) operator: String,
    pub(crate) carts: Vec<String>,
    pub(crate) customers: Vec<(shop::Customer, Vec<String>)>,
    pub(crate) data: TempDir,
}

/// A free port of the loopback interface.
pub(crate) fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub(crate) async fn start_host(workspace: &Path, data: &Path) -> anyhow::Result<(Server, SocketAddr, Duration)> {
    start_host_with(workspace, data, &ONE_ADDRESS).await
}

/// Like [`start_host`], with other environment variables; without any, the rate limits are those of the shop's
/// manifest.
pub(crate) async fn start_host_with(
    workspace: &Path,
    data: &Path,
    environment: &[(&str, &str)],
) -> anyhow::Result<(Server, SocketAddr, Duration)> {
    let (public, admin) = (free_port()?, free_port()?);
    let mut command = Command::new(workspace.join("target/release/switchyard"));
    command.arg("up").arg("--manifest").arg(workspace.join("switchyard.toml")).arg("--data").arg(data);
    command.args(["--listen", &public.to_string(), "--admin", &admin.to_string()]);
    command.env("SWITCHYARD_GATEWAY_ACCESS_LOG", "false").env("SWITCHYARD_HOST_LOG_FILTER", "warn");
    command.envs(environment.iter().copied());
    command.stderr(std::fs::File::create(data.join("host.log"))?);
    let (server, took) = Server::start(command, public, admin).await?;
    Ok((server, admin, took))
}

impl Platform {
    /// A shop with what `operations` need; `variables` override its manifest.
    pub(crate) async fn prepare(
        workspace: &Path,
        operations: &[Operation],
        time: Duration,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let environment = [&ONE_ADDRESS, variables].concat();
        let (server, admin, _) = start_host_with(workspace, data.path(), &environment).await?;
        let staff = shop::staff(server.address, admin, data.path()).await?;
        shop::stock(server.address, &staff, ITEMS).await?;
        let (mut carts, mut customers) = (Vec::new(), Vec::new());
        if operations.contains(&Operation::CartWrite) {
            carts = shop::carts(server.address, None, CARTS, None).await?;
        }
        if operations.contains(&Operation::Checkout) {
            let each = usize::try_from(time.as_secs() * CHECKOUTS_PER_SECOND)?;
            customers = ready_customers(server.address, each).await?;
        }
        let operator = std::fs::read_to_string(data.path().join("admin-token"))?.trim().to_owned();
        Ok(Self { server, admin, operator, carts, customers, data })
    }

    pub(crate) async fn metrics(&self) -> anyhow::Result<Metrics> {
        Metrics::read(&mut Connection::open(self.admin).await?).await
    }

    /// Stops the host; its data stays.
    pub(crate) async fn stop(self) -> anyhow::Result<TempDir> {
        self.server.stop().await?;
        Ok(self.data)
    }
}

/// A customer for each connection of the checkouts, with `each` carts.
pub(crate) async fn ready_customers(
    public: SocketAddr,
    each: usize,
) -> anyhow::Result<Vec<(shop::Customer, Vec<String>)>> {
    let mut filling = JoinSet::new();
    for (number, customer) in shop::customers(public, Operation::Checkout.connections()).await?.into_iter().enumerate()
    {
        filling.spawn(async move {
            let carts = shop::carts(public, Some(&customer.token), each, Some(&sku(number))).await?;
            anyhow::Ok((customer, carts))
        });
    }
    filling.join_all().await.into_iter().collect()
}
