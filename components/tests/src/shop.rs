//! Starts the host with the shop's manifest on free ports and a fresh data directory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use switchyard::config::{Configuration, Flags, Manifest, load};
use switchyard::platform::Host;
use tempfile::TempDir;

use crate::alternatives;
use crate::customer::{PASSWORD, sign_in};
use crate::http::{Answer, Client};
use crate::json::{number, text};
use crate::manifest::manifest;

/// Milliseconds that a call may take and wait in the tests, long enough for a busy machine.
pub(crate) const PATIENCE_MS: u64 = 60_000;

/// How often, and how many times, a shop looks whether a handover has ended: for a minute.
const HANDOVER_LOOK_PERIOD: Duration = Duration::from_millis(50);
const HANDOVER_LOOKS_MAX: u32 = 1_200;

/// The running shop. Its data directory is deleted with it.
#[derive(Debug)]
pub struct Shop {
    pub client: Client,
    operator: Client,
    host: Option<Host>,
    data: TempDir,
}

/// The top folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Shop {
    /// # Errors
    ///
    /// When the host does not start, usually because the components are not built.
    pub async fn start() -> anyhow::Result<Self> {
        let shop = Self::start_in(tempfile::tempdir()?).await?;
        for service in alternatives::handed_over() {
            shop.hand_over(&service).await?;
        }
        Ok(shop)
    }

    /// Hands `service` over to its alternative; its calls run there when this returns.
    async fn hand_over(&self, service: &str) -> anyhow::Result<()> {
        let line = format!("GET /services/{service}");
        let own = text(&self.ask_operator(&line).await?, "/live/digest")?;
        let component = std::fs::read(alternatives::file(service)?)?;
        self.deploy(service, "?handover=true", component).await?.expect(201)?;
        let mut now = Value::Null;
        for _ in 0..HANDOVER_LOOKS_MAX {
            now = self.ask_operator(&line).await?;
            if text(&now, "/live/digest")? != own {
                return Ok(());
            }
            tokio::time::sleep(HANDOVER_LOOK_PERIOD).await;
        }
        anyhow::bail!("{service} is not handed over: {now:#}")
    }

    /// Starts with a manifest that differs from the shop's own.
    ///
    /// # Errors
    ///
    /// Like [`Shop::start`].
    pub async fn start_with(change: impl FnOnce(&mut Manifest)) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let mut configuration = configuration(data.path())?;
        change(&mut configuration.manifest);
        Self::run(configuration, data).await
    }

    /// Starts with the manifest as a shop has it, also with its limits for one client.
    ///
    /// # Errors
    ///
    /// Like [`Shop::start`].
    pub async fn start_as_delivered() -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let configuration = delivered(data.path())?;
        Self::run(configuration, data).await
    }

    /// Stops the host and starts it again on the same data, at other addresses.
    ///
    /// # Errors
    ///
    /// When it does not stop, or does not start again.
    pub async fn restart(self) -> anyhow::Result<Self> {
        Self::start_in(self.stop().await?).await
    }

    /// Stops the host like SIGTERM; returns its data.
    ///
    /// # Errors
    ///
    /// When it does not stop in time.
    pub async fn stop(mut self) -> anyhow::Result<TempDir> {
        self.host.take().context("the host runs")?.stop().await?;
        Ok(self.data)
    }

    async fn start_in(data: TempDir) -> anyhow::Result<Self> {
        Self::run(configuration(data.path())?, data).await
    }

    async fn run(configuration: Configuration, data: TempDir) -> anyhow::Result<Self> {
        let host = switchyard::platform::start(&configuration, &|_progress| {})
            .await
            .context("the components are built by `cargo xtask test`")?;
        let operator = operator(host.admin_address(), data.path())?;
        Ok(Self { client: Client::of_shop(host.gateway_address()).await?, operator, host: Some(host), data })
    }

    /// Calls any function of any service as the operator.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn operate(&self, service: &str, function: &str, parameters: &Value) -> anyhow::Result<Answer> {
        self.operator.send(&format!("POST /services/{service}/call/{function}"), parameters).await
    }

    /// Sends a request to the operator API, such as `GET /events`.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub async fn ask_operator(&self, line: &str) -> anyhow::Result<Value> {
        self.operator.ask(line).await?.expect(200)
    }

    /// Deploys a component as a release of `service`; `query` has the options.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn deploy(&self, service: &str, query: &str, component: Vec<u8>) -> anyhow::Result<Answer> {
        let line = format!("POST /services/{service}/releases{query}");
        self.operator.send_with(&line, &[("content-type", "application/wasm")], component).await
    }

    /// Sends a change to the operator API that has no body, such as `POST /services/cart/rollback`.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn change(&self, line: &str) -> anyhow::Result<Answer> {
        self.operator.ask(line).await
    }

    /// Imports lines of state into `service`.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn import(&self, service: &str, query: &str, lines: String) -> anyhow::Result<Answer> {
        let line = format!("POST /services/{service}/state{query}");
        self.operator.send_with(&line, &[("content-type", "application/x-ndjson")], lines).await
    }

    /// The text that the operator API answers.
    ///
    /// # Errors
    ///
    /// When it refuses.
    pub async fn text(&self, line: &str) -> anyhow::Result<String> {
        let body = self.operator.ask(line).await?;
        anyhow::ensure!(body.status.is_success(), "{line}: {} {}", body.status, body.body);
        Ok(body.body.as_str().context("lines of text")?.to_owned())
    }

    /// Signs in a member of the staff.
    ///
    /// # Errors
    ///
    /// When the shop refuses, as it does the second time.
    pub async fn staff(&self) -> anyhow::Result<Staff> {
        Staff::hire(&self.client, &self.operator).await
    }

    /// The available pieces of an item.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn available(&self, sku: &str) -> anyhow::Result<i64> {
        number(&self.client.ask(&format!("GET /items/{sku}")).await?.expect(200)?, "/available")
    }
}

/// The operator's client of a host with the data directory `data`.
pub(crate) fn operator(address: SocketAddr, data: &Path) -> anyhow::Result<Client> {
    let token = std::fs::read_to_string(data.join("admin-token"))?;
    Ok(Client::new(address).with_token(token.trim()))
}

fn delivered(data: &Path) -> anyhow::Result<Configuration> {
    let any = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let flags = Flags { listen: any, admin_listen: any, data: Some(data.into()) };
    Ok(load(&manifest()?, &[], flags)?)
}

fn configuration(data: &Path) -> anyhow::Result<Configuration> {
    let mut configuration = delivered(data)?;
    configuration.manifest.limits.deadline_ms = PATIENCE_MS;
    configuration.manifest.limits.wait_ms_max = PATIENCE_MS;
    for service in configuration.manifest.services.values_mut() {
        (service.limits.deadline_ms, service.limits.wait_ms_max) = (None, None);
    }
    // All customers of a test have the same address.
    let gateway = &mut configuration.manifest.gateway;
    (gateway.requests_per_second_per_client, gateway.request_burst_per_client) = (None, None);
    gateway.calls_per_minute_per_client.clear();
    gateway.costly_calls_per_minute_per_client = 10_000_000;
    Ok(configuration)
}

/// A member of the shop's staff.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Sends requests with the token of the staff.
    pub client: Client,
}

/// The request body for an item that costs `price` cents.
#[must_use]
pub fn item(price: i64) -> Value {
    json!({
        "title": "A thing", "description": "It can be sold.", "category": "things",
        "price": { "amount": price, "currency": "EUR" }, "image": "/images/thing.svg", "weightGrams": 500,
    })
}

impl Staff {
    /// Opens a staff account as the operator, and signs in.
    ///
    /// # Errors
    ///
    /// When the shop refuses, as it does the second time.
    pub async fn hire(client: &Client, operator: &Client) -> anyhow::Result<Self> {
        let details = json!({ "email": "staff@example.com", "name": "Staff", "password": PASSWORD });
        operator.send("POST /services/account/call/create-staff", &details).await?.expect(200)?;
        Ok(Self { client: sign_in(client, "staff@example.com").await? })
    }

    /// The same, with the same token, at the address of `client`.
    #[must_use]
    pub fn at(&self, client: &Client) -> Self {
        Self { client: self.client.at(client) }
    }

    /// Puts an item on sale for `price` cents each, and adds `stock` pieces.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn sell(&self, sku: &str, price: i64, stock: u32) -> anyhow::Result<()> {
        self.client.send(&format!("PUT /items/{sku}"), &item(price)).await?.expect(200)?;
        if stock > 0 {
            let receipt = json!({ "quantity": stock });
            self.client.send(&format!("POST /items/{sku}/receipts"), &receipt).await?.expect(200)?;
        }
        Ok(())
    }

    /// Records an event of a shipment.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn record(&self, shipment: &str, status: &str) -> anyhow::Result<Answer> {
        self.client.send(&format!("POST /shipments/{shipment}/events"), &json!({ "status": status })).await
    }

    /// All payments, newest first.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn payments(&self) -> anyhow::Result<Vec<Value>> {
        let pages = crate::pages::all(&self.client, "/payments?limit=100").await?;
        Ok(pages.into_iter().flatten().collect())
    }
}
