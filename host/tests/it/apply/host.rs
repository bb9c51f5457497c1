//! A whole host with a data directory of its own, and its HTTP APIs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use switchyard::config::{Flags, load};
use switchyard::platform;

use crate::guest::workspace;
use crate::releases::http::{Answer, Client};

pub(crate) struct Host {
    running: platform::Host,
    pub(crate) public: Client,
    pub(crate) operator: Client,
    folder: tempfile::TempDir,
}

impl Host {
    /// Starts a host of `services`, which is the text of a manifest but for where things are.
    pub(crate) async fn start(services: &str) -> Self {
        let folder = folder();
        let (running, public, operator) = started(folder.path(), services).await;
        Self { running, public, operator, folder }
    }

    /// Starts a host of `services` in `folder`, whose data directory is there.
    pub(crate) async fn start_in(folder: tempfile::TempDir, services: &str) -> Self {
        let (running, public, operator) = started(folder.path(), services).await;
        Self { running, public, operator, folder }
    }

    /// Stops the host, and gives the folder that it ran in.
    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.running.stop().await.unwrap();
        self.folder
    }

    /// Stops the host, and starts it with another manifest.
    pub(crate) async fn restart(self, services: &str) -> Self {
        self.running.stop().await.unwrap();
        let (running, public, operator) = started(self.folder.path(), services).await;
        Self { running, public, operator, folder: self.folder }
    }

    /// Where the operator reaches it.
    pub(crate) fn admin(&self) -> std::net::SocketAddr {
        self.running.admin_address()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The digests of the components that are kept.
    pub(crate) fn kept_components(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.data().join("components")).unwrap();
        let mut digests: Vec<_> = files
            .map(|file| format!("sha256:{}", file.unwrap().path().file_stem().unwrap().to_str().unwrap()))
            .collect();
        digests.sort();
        digests
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.operator.get(path).await.expect(200)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.operator.post_json(path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        self.operator.send("DELETE", path, "").await.status
    }

    pub(crate) async fn call(&self, service: &str, function: &str, arguments: Value) -> Answer {
        self.post(&format!("/services/{service}/call/{function}"), &arguments).await
    }

    /// Runs a script in the service `front`.
    pub(crate) async fn write(&self, script: &str) -> Answer {
        self.call("front", "write", json!({"script": script})).await
    }

    /// Brings the host to `services`, with the components that it has.
    pub(crate) async fn apply(&self, services: &str) -> Value {
        let answer = self.post("/apply", &json!({"manifest": manifest(services)})).await.expect(200);
        assert_eq!(answer["applied"], true, "{answer}");
        answer
    }

    /// Gives the digest of what it uploads.
    pub(crate) async fn upload(&self, component: Vec<u8>) -> String {
        let answer = self.operator.send("PUT", "/components", component).await.expect(200);
        answer["digest"].as_str().unwrap().into()
    }

    pub(crate) async fn deploy(&self, service: &str, component: Vec<u8>) {
        self.operator.post(&format!("/services/{service}/releases"), component).await.expect(201);
    }
}

/// A folder for a host.
pub(super) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    folder
}

/// The whole manifest of a host of `services`. Components lie where cargo builds them.
pub(crate) fn manifest(services: &str) -> String {
    let guests = workspace().join("target/wasm32-wasip2/release");
    let here = format!("component = \"{}/", guests.display());
    let host = format!(
        "host = {{ wit = \"{}\", listen = \"127.0.0.1:0\", admin_listen = \"127.0.0.1:0\", \
         backup_folders = [\".\"] }}\n\
         runtime = {{ instances_max = 128 }}\n\
         gateway.requests_per_second_per_client = 10_000_000\n\
         gateway.request_burst_per_client = 10_000_000\n",
        workspace().join("host/tests/wit").display()
    );
    host + &services.replace("component = \"", &here)
}

/// A host in `folder`, with clients of both its sides.
async fn started(folder: &Path, services: &str) -> (platform::Host, Client, Client) {
    let path = folder.join("switchyard.toml");
    std::fs::write(&path, manifest(services)).unwrap();
    let configuration = load(&path, &[], Flags::default()).unwrap();
    let running = platform::start(&configuration, &|_| {}).await.unwrap();
    let token = std::fs::read_to_string(folder.join("data/admin-token")).unwrap();
    let (public, operator) = (Client::new(running.gateway_address()), Client::new(running.admin_address()));
    (running, public, operator.with_token(token.trim()))
}
