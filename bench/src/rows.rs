//! The rows of the table: each operation on the platform and on both baselines, one after another.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::Command;

use crate::load::{self, Connection, Script, request};
use crate::metrics::Metrics;
use crate::process::{ONE_ADDRESS, Server};
use crate::shop::{self, sku};
use crate::table::{Figure, Report, Row};

/// Items on sale in each server.
const ITEMS: usize = 1000;

/// The measured operations; each has a number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    GetItem,
    ListItems,
    CartWrite,
    HotReservation,
    Checkout,
}

impl Operation {
    const ALL: [Self; 5] = [Self::GetItem, Self::ListItems, Self::CartWrite, Self::HotReservation, Self::Checkout];

    fn name(self) -> &'static str {
        match self {
            Self::GetItem => "GET one item",
            Self::ListItems => "list 20 items",
            Self::CartWrite => "durable cart write",
            Self::HotReservation => "reservation of one hot SKU",
            Self::Checkout => "checkout, four services",
        }
    }

    fn connections(self) -> usize {
        match self {
            Self::GetItem | Self::ListItems | Self::Checkout => 64,
            Self::CartWrite => 256,
            // Through the operator's side, which takes 256 connections and reserves a part of them.
            Self::HotReservation => 128,
        }
    }
}

/// The platform with its prepared shop.
struct Platform {
    server: Server,
    admin: SocketAddr,
    operator: String,
    carts: Vec<String>,
    customers: Vec<(shop::Customer, Vec<String>)>,
    data: TempDir,
}

pub(crate) async fn measure(workspace: &Path, time: Duration, only: Option<&str>) -> anyhow::Result<Report> {
    let wanted = |operation: &Operation| only.is_none_or(|text| operation.name().contains(text));
    let operations: Vec<_> = Operation::ALL.into_iter().filter(wanted).collect();
    let mut report = Report { fsyncs_per_second: fsyncs_per_second()?, ..Report::default() };
    eprintln!("preparing the shop");
    let platform = Platform::prepare(workspace, &operations, time).await?;
    let (journal_data, redb_data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let journal = Server::baseline("journal", journal_data.path(), workspace).await?;
    let redb = Server::baseline("redb", redb_data.path(), workspace).await?;
    for operation in operations {
        eprintln!("measuring: {}", operation.name());
        let mut figures = vec![platform.measure(operation, time).await?];
        for (name, server) in [("journal, no Wasm", &journal), ("redb, no Wasm", &redb)] {
            figures.push(measure_baseline(name, server, operation, time).await?);
        }
        report.rows.push(Row { operation: operation.name(), connections: operation.connections(), figures });
    }
    journal.stop().await?;
    redb.stop().await?;
    let (start, resident) = platform.measure_start(workspace).await?;
    (report.start_cached_ms, report.idle_resident_mb) = (Some(start.as_millis()), Some(resident / 1_000_000));
    Ok(report)
}

fn fsyncs_per_second() -> anyhow::Result<f64> {
    use std::io::Write as _;
    let mut file = tempfile::tempfile()?;
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < Duration::from_secs(1) {
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
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
    async fn prepare(workspace: &Path, operations: &[Operation], time: Duration) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let (server, admin, _) = start_host(workspace, data.path()).await?;
        let staff = shop::staff(server.address, admin, data.path()).await?;
        shop::stock(server.address, &staff, ITEMS).await?;
        let mut carts = Vec::new();
        if operations.contains(&Operation::CartWrite) {
            carts = shop::carts(server.address, None, 2048, None).await?;
        }
        let mut customers = Vec::new();
        if operations.contains(&Operation::Checkout) {
            // More checkouts than fit into the time, so that the time ends the load.
            let each = usize::try_from(time.as_secs())? * 60;
            for (number, customer) in
                shop::customers(server.address, Operation::Checkout.connections()).await?.into_iter().enumerate()
            {
                let carts = shop::carts(server.address, Some(&customer.token), each, Some(&sku(number))).await?;
                customers.push((customer, carts));
            }
        }
        let operator = std::fs::read_to_string(data.path().join("admin-token"))?.trim().to_owned();
        Ok(Self { server, admin, operator, carts, customers, data })
    }

    async fn measure(&self, operation: Operation, time: Duration) -> anyhow::Result<Figure> {
        let scripts = (0..operation.connections()).map(|connection| self.script(operation, connection)).collect();
        let address = match operation {
            // Only services and the operator can call it.
            Operation::HotReservation => self.admin,
            _ => self.server.address,
        };
        let syncs_before = self.journal_syncs().await?;
        let (mut figure, all) = figure("switchyard", &self.server, address, scripts, time).await?;
        let syncs = self.journal_syncs().await? - syncs_before;
        figure.fsyncs_per_request = (syncs > 0.0).then(|| syncs / all as f64);
        Ok(figure)
    }

    async fn journal_syncs(&self) -> anyhow::Result<f64> {
        Metrics::read(&mut Connection::open(self.admin).await?).await?.journal_syncs()
    }

    fn script(&self, operation: Operation, connection: usize) -> Script {
        let mut step = connection * 7919;
        match operation {
            Operation::GetItem => get_item(step, ITEMS),
            Operation::ListItems => Box::new(|out| {
                request(out, "GET", "/items?limit=20", None, None);
                true
            }),
            Operation::CartWrite => {
                let each = self.carts.len() / operation.connections();
                let carts = self.carts.iter().skip(connection * each).take(each).cloned().collect::<Vec<_>>();
                cart_lines(step, carts)
            }
            Operation::HotReservation => {
                let token = self.operator.clone();
                Box::new(move |out| {
                    step += 1;
                    let body = format!(
                        r#"{{"orderId":"order-{connection}-{step}","lines":[{{"sku":"{}","quantity":1}}]}}"#,
                        sku(0)
                    );
                    request(out, "POST", "/services/inventory/call/reserve", Some(&token), Some(&body));
                    true
                })
            }
            Operation::Checkout => {
                let Some((customer, carts)) = self.customers.get(connection).cloned() else {
                    return Box::new(|_out| false);
                };
                let mut carts = carts.into_iter();
                Box::new(move |out| {
                    let Some(cart) = carts.next() else { return false };
                    let path = format!("/carts/{cart}/checkout");
                    request(out, "POST", &path, Some(&customer.token), Some(&customer.checkout));
                    true
                })
            }
        }
    }

    /// Starts it again with its compiled code and data, without load.
    async fn measure_start(self, workspace: &Path) -> anyhow::Result<(Duration, u64)> {
        self.server.stop().await?;
        let (server, _, took) = start_host(workspace, self.data.path()).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let resident = server.resident_bytes()?;
        server.stop().await?;
        Ok((took, resident))
    }
}

pub(crate) fn get_item(mut step: usize, items: usize) -> Script {
    Box::new(move |out| {
        step += 1;
        request(out, "GET", &format!("/items/{}", sku(step % items)), None, None);
        true
    })
}

pub(crate) fn cart_lines(mut step: usize, carts: Vec<String>) -> Script {
    Box::new(move |out| {
        step += 1;
        let Some(cart) = carts.get(step % carts.len().max(1)) else { return false };
        let path = format!("/carts/{cart}/lines/{}", sku(step % 3));
        request(out, "PUT", &path, None, Some(&format!(r#"{{"quantity":{}}}"#, step % 1000 + 1)));
        true
    })
}

async fn measure_baseline(
    name: &'static str,
    server: &Server,
    operation: Operation,
    time: Duration,
) -> anyhow::Result<Figure> {
    let script = |connection: usize| -> Script {
        let step = connection * 7919;
        match operation {
            Operation::GetItem => get_item(step, ITEMS),
            Operation::ListItems => Box::new(|out| {
                request(out, "GET", "/items/", None, None);
                true
            }),
            Operation::CartWrite => cart_lines(step, (0..8).map(|cart| format!("c{connection}-{cart}")).collect()),
            Operation::HotReservation => Box::new(|out| {
                request(out, "POST", &format!("/reservations/{}", sku(0)), None, None);
                true
            }),
            Operation::Checkout => checkout_baseline(connection),
        }
    };
    if operation == Operation::Checkout {
        let mut connection = Connection::open(server.address).await?;
        for cart in 0..operation.connections() {
            let path = format!("/carts/x{cart}/lines/{}", sku(cart));
            shop::ask(&mut connection, "PUT", &path, None, Some(&serde_json::json!({ "quantity": 1 }))).await?;
        }
    }
    let scripts = (0..operation.connections()).map(script).collect();
    Ok(figure(name, server, server.address, scripts, time).await?.0)
}

fn checkout_baseline(connection: usize) -> Script {
    Box::new(move |out| {
        request(out, "POST", &format!("/carts/x{connection}/checkout/now"), None, None);
        true
    })
}

/// Runs the load; also returns the number of counted requests, including refused ones.
async fn figure(
    name: &'static str,
    server: &Server,
    address: SocketAddr,
    scripts: Vec<Script>,
    time: Duration,
) -> anyhow::Result<(Figure, usize)> {
    let before = server.cpu_micros()?;
    let report = load::run(address, scripts, time).await?;
    let cpu = server.cpu_micros()? - before;
    let refused = report.refused.values().sum();
    let all = report.requests + refused;
    // The warm-up before the counting used the server too.
    let share = report.elapsed.as_secs_f64() / (report.elapsed + time / 10).as_secs_f64();
    let figure = Figure {
        server: name,
        requests_per_second: report.per_second(),
        p50_micros: report.percentile(0.5).as_micros(),
        p99_micros: report.percentile(0.99).as_micros(),
        cpu_micros_per_request: cpu as f64 * share / all as f64,
        refused,
        fsyncs_per_request: None,
    };
    Ok((figure, all))
}
