//! Releases of a whole host: started from a manifest, asked over HTTP, changed as an operator does it.

mod absence;
mod candidates;
mod compiler_faults;
mod compiling;
pub(crate) mod components;
mod damage;
mod descriptors;
mod entries;
mod exports;
mod figures;
mod formats;
mod handover_attempts;
mod handover_commands;
mod handover_events;
mod handover_faults;
mod handover_history;
mod handover_intents;
mod handover_kills;
mod handover_shadow;
mod handovers;
pub(crate) mod http;
mod intents;
mod kills;
mod load;
mod logs;
mod migrations;
mod mounted_requests;
mod mounted_store;
mod mounted_streams;
mod mounts;
pub(crate) mod process;
mod readiness;
mod refusals;
mod rehearsal;
mod reused_answers;
mod routing;
mod shadow;
mod shortage;
mod signals;
mod swaps;
mod tls;
mod tokens;
mod verdicts;

use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use switchyard::config::{Flags, load};
use switchyard::platform::{self, Host};
use tempfile::TempDir;

use crate::guest::workspace;
use components::says;
use http::{Answer, Client, encoded};

const FRONT: &str = "test:calls/front-service@1.0.0";
const BACK: &str = "test:calls/back-service@1.0.0";

/// What every host of these tests has. A busy machine is no reason to fail: no call waits too long.
const MANIFEST: &str = r#"
host.listen = "127.0.0.1:0"
host.admin_listen = "127.0.0.1:0"
gateway.access_log = false
gateway.requests_per_second_per_client = 10_000_000
gateway.request_burst_per_client = 10_000_000
runtime.instances_max = 128
limits.deadline_ms = 20_000
limits.wait_ms_max = 20_000
"#;

/// A folder with a manifest, contracts and components, in which a host is going to run.
pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    /// Its keys outside of sections, and the sections of its services.
    manifest: (String, String),
}

impl Setup {
    /// Of no services, with these keys in its manifest.
    pub(crate) fn new(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for made in ["wit", "data"] {
            std::fs::create_dir(at(made)).unwrap();
        }
        for package in ["calls", "events", "fetches", "service", "shelf"] {
            symlink(workspace().join("host/tests/wit").join(package), at("wit").join(package)).unwrap();
        }
        let key = |line: &str| line.split('=').next().unwrap().trim().to_owned();
        let said: Vec<_> = keys.lines().map(key).collect();
        let lines = MANIFEST.lines().filter(|line| !said.contains(&key(line))).chain(keys.lines());
        let keys = lines.flat_map(|line| [line, "\n"]).collect();
        Self { folder, manifest: (keys, String::new()) }
    }

    /// Of the services `front` and `back`, each of which says `1`.
    pub(crate) fn pair(keys: &str) -> Self {
        Self::new(keys).service("front", FRONT, &says("1")).service("back", BACK, &says("1"))
    }

    pub(crate) fn service(mut self, name: &str, contract: &str, component: &[u8]) -> Self {
        std::fs::write(self.folder.path().join(format!("{name}.wasm")), component).unwrap();
        let section = format!("[services.{name}]\ncontract = \"{contract}\"\ncomponent = \"{name}.wasm\"\n");
        self.manifest.1.push_str(&section);
        self
    }

    /// A service that speaks HTTP itself under `/web`, with `keys` in its section.
    fn mounted(mut self, component: &[u8], keys: &str) -> Self {
        std::fs::write(self.path("web.wasm"), component).unwrap();
        self.manifest.1.push_str(&format!("[services.web]\nmount = \"/web\"\ncomponent = \"web.wasm\"\n{keys}"));
        self
    }

    /// With more sections.
    pub(crate) fn with(mut self, sections: &str) -> Self {
        self.manifest.1.push_str(sections);
        self.manifest.1.push('\n');
        self
    }

    /// Has `text` as the contract package `package`.
    fn contract(&self, package: &str, text: &str) {
        let folder = self.folder.path().join("wit").join(package);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("contract.wit"), text).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// With another text in place of `from` in its keys.
    fn with_keys(mut self, from: &str, to: &str) -> Self {
        self.manifest.0 = self.manifest.0.replace(from, to);
        self
    }

    fn without_services(mut self) -> Self {
        self.manifest.1.clear();
        self
    }

    /// That the components which are kept are those of the releases of `services`, and no other file is there.
    #[track_caller]
    fn nothing_is_left_over(&self, services: &Value) {
        let mut due: Vec<String> = Vec::new();
        for service in services.as_array().unwrap() {
            let kept = service["kept"].as_array().unwrap().iter();
            let releases = kept.chain([&service["live"]]).chain(service.get("candidate"));
            due.extend(releases.map(|release| release["digest"].as_str().unwrap().replace("sha256:", "") + ".wasm"));
        }
        due.sort();
        due.dedup();
        assert_eq!(files(&self.path("data/components")), due);
    }

    pub(crate) fn write_manifest(&self) {
        std::fs::write(self.path("switchyard.toml"), format!("{}{}", self.manifest.0, self.manifest.1)).unwrap();
    }

    pub(crate) async fn start(self) -> Rig {
        self.try_start().await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Setup::start`]; why not, where it does not start.
    async fn try_start(self) -> Result<Rig, String> {
        let host = self.host().await?;
        let token = std::fs::read_to_string(self.path("data/admin-token")).unwrap();
        let operator = Client::new(host.admin_address()).with_token(token.trim());
        Ok(Rig { public: Client::new(host.gateway_address()), operator, host, setup: self })
    }

    /// Why the host does not start.
    async fn why_not(&self) -> String {
        self.host().await.map(drop).expect_err("the host does not start")
    }

    async fn host(&self) -> Result<Host, String> {
        self.write_manifest();
        let configuration = load(&self.path("switchyard.toml"), &[], Flags::default()).unwrap();
        platform::start(&configuration, &|_progress| {}).await.map_err(|error| error.to_string())
    }
}

/// A running host.
pub(crate) struct Rig {
    public: Client,
    pub(crate) operator: Client,
    host: Host,
    setup: Setup,
}

impl Rig {
    async fn pair(keys: &str) -> Self {
        Setup::pair(keys).start().await
    }

    async fn stop(self) -> Setup {
        self.host.stop().await.unwrap();
        self.setup
    }

    async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// A client that comes from another address than all others do.
    fn client_from(&self, address: [u8; 4]) -> Client {
        Client::from_address(self.host.gateway_address(), Some(IpAddr::from(address)))
    }

    /// What the service `front` answers a client whose script only reads.
    async fn look(&self, script: &str) -> String {
        look(&self.public, script).await
    }

    /// As [`Rig::look`], with a script that may write.
    async fn act(&self, script: &str) -> String {
        act(&self.public, script).await
    }

    /// Runs a script that may write in `service`, as the operator.
    async fn write(&self, service: &str, script: &str) -> String {
        let script = serde_json::json!({ "script": script });
        let answer = self.operator.post_json(&format!("/services/{service}/call/write"), &script).await;
        answer.expect(200).as_str().unwrap().into()
    }

    /// Deploys `component`, with the options of `query`, such as `?weight=5`.
    async fn deploy(&self, service: &str, query: &str, component: impl Into<bytes::Bytes>) -> Answer {
        self.operator.post(&format!("/services/{service}/releases{query}"), component).await
    }

    /// Such as `promote`, or `rollback?force=true`.
    async fn change(&self, service: &str, action: &str) -> Answer {
        self.operator.post(&format!("/services/{service}/{action}"), "").await
    }

    async fn deploy_set(&self, set: &[(&str, Vec<u8>)]) -> Answer {
        let mut digests = serde_json::Map::new();
        for (service, component) in set {
            let uploaded = self.operator.send("PUT", "/components", component.clone()).await.expect(200);
            digests.insert((*service).into(), serde_json::json!({ "digest": uploaded["digest"] }));
        }
        self.operator.post_json("/releases", &serde_json::json!({ "set": digests })).await
    }

    async fn service(&self, name: &str) -> Value {
        self.operator.get(&format!("/services/{name}")).await.expect(200)
    }

    /// All lines, the oldest first.
    async fn history(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        let mut page = self.operator.get("/history").await.expect(200);
        loop {
            lines.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            page = self.operator.get(&format!("/history?cursor={cursor}")).await.expect(200);
        }
        lines.reverse();
        lines
    }

    /// What happened to `service` since it was there, in words: `deploy`, `refused` and so on.
    async fn told(&self, service: &str) -> Vec<String> {
        let lines = self.history().await;
        let of_service = lines.iter().filter(|line| line["service"] == service && line["what"] != "add");
        of_service.map(|line| line["what"].as_str().unwrap().to_owned()).collect()
    }

    async fn nothing_is_left_over(&self) {
        let services = self.operator.get("/services").await.expect(200);
        self.setup.nothing_is_left_over(&services["items"]);
    }
}

async fn look(client: &Client, script: &str) -> String {
    said(&client.get(&format!("/front?script={}", encoded(script))).await)
}

async fn act(client: &Client, script: &str) -> String {
    said(&client.post_json("/front", &Value::from(script)).await)
}

/// What a call of the service `front` answered.
fn said(answer: &Answer) -> String {
    match answer.status {
        200 => answer.body.as_str().unwrap().into(),
        status => format!("{status} {}", answer.detail()),
    }
}

/// The names of the files in a folder, in their order.
fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The digests in a list of releases.
fn digests(releases: &Value) -> Vec<&str> {
    releases.as_array().unwrap().iter().map(|release| release["digest"].as_str().unwrap()).collect()
}

/// Waits until `holds`, which it does soon.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let soon = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), soon).await.unwrap_or_else(|_| panic!("{what} does not come"));
}
