//! Starts the host with the shop's manifest on free ports and a fresh data directory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hyper::Method;
use serde_json::{Value, json};
use switchyard::config::{Configuration, Flags, Manifest, load};
use switchyard::platform::Host;
use tempfile::TempDir;

use crate::http::{Answer, Client};

/// The running shop. Its data directory goes with it.
#[derive(Debug)]
pub struct Shop {
    pub client: Client,
    operator: Client,
    operator_token: String,
    host: Option<Host>,
    data: TempDir,
}

/// The top folder of the workspace.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Shop {
    /// # Errors
    ///
    /// When the host does not start: most often because the components are not built.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(|_manifest| {}).await
    }

    /// Starts with a manifest that `change` has had its hands on.
    ///
    /// # Errors
    ///
    /// When the host does not start.
    pub async fn start_with(change: impl FnOnce(&mut Manifest)) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let configuration = configuration(data.path(), change)?;
        Self::start_in(data, &configuration).await
    }

    /// Stops the host and starts it again over the same data.
    ///
    /// # Errors
    ///
    /// When it does not stop, or does not start again.
    pub async fn restart(self) -> anyhow::Result<Self> {
        let data = self.stop().await?;
        let configuration = configuration(data.path(), |_manifest| {})?;
        Self::start_in(data, &configuration).await
    }

    /// Stops the host as SIGTERM does; gives its data.
    ///
    /// # Errors
    ///
    /// When it does not stop in time.
    pub async fn stop(mut self) -> anyhow::Result<TempDir> {
        self.host.take().context("the host runs")?.stop().await?;
        Ok(self.data)
    }

    async fn start_in(data: TempDir, configuration: &Configuration) -> anyhow::Result<Self> {
        let host = switchyard::platform::start(configuration, &|_progress| {})
            .await
            .context("the components are built by `cargo xtask test`")?;
        let operator_token = std::fs::read_to_string(data.path().join("admin-token"))?.trim().to_owned();
        let (client, operator) = (Client::new(host.gateway_address()), Client::new(host.admin_address()));
        Ok(Self { client, operator, operator_token, host: Some(host), data })
    }

    /// Calls any function of any service as the operator.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn operate(&self, service: &str, function: &str, parameters: &Value) -> anyhow::Result<Answer> {
        let path = format!("/services/{service}/call/{function}");
        self.operator.send(Method::POST, &path, Some(&self.operator_token), Some(parameters)).await
    }

    /// Signs in a member of the staff; gives the token.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn staff(&self) -> anyhow::Result<String> {
        let password = "password of the staff";
        let details = json!({ "email": "staff@example.com", "name": "Staff", "password": password });
        self.operate("account", "create-staff", &details).await?.expect(200)?;
        let credentials = json!({ "email": "staff@example.com", "password": password });
        let session = self.client.send(Method::POST, "/sessions", None, Some(&credentials)).await?.expect(201)?;
        Ok(session.get("token").and_then(Value::as_str).context("a session has a token")?.to_owned())
    }

    /// Puts an item on sale, `price` cents each, with `stock` pieces.
    ///
    /// # Errors
    ///
    /// When the shop refuses.
    pub async fn sell(&self, staff: &str, sku: &str, price: i64, stock: u32) -> anyhow::Result<()> {
        let details = json!({
            "title": format!("The {sku}"), "description": "A thing to sell.", "category": "things",
            "price": { "amount": price, "currency": "EUR" }, "image": "/images/thing.svg", "weightGrams": 500,
        });
        self.client.send(Method::PUT, &format!("/items/{sku}"), Some(staff), Some(&details)).await?.expect(200)?;
        let receipt = json!({ "quantity": stock });
        let path = format!("/items/{sku}/receipts");
        self.client.send(Method::POST, &path, Some(staff), Some(&receipt)).await?.expect(200)?;
        Ok(())
    }
}

fn configuration(data: &Path, change: impl FnOnce(&mut Manifest)) -> anyhow::Result<Configuration> {
    let any = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let flags = Flags { listen: any, admin_listen: any, data: Some(data.into()) };
    let mut configuration = load(&workspace().join("switchyard.toml"), &[], flags)?;
    change(&mut configuration.manifest);
    Ok(configuration)
}
