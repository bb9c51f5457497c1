//! A whole host with a data directory of its own, and its HTTP APIs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use switchyard::config::{Flags, load};
use switchyard::names::Digest;
use switchyard::platform;
use tokio::net::TcpStream;

use crate::guest::{component, workspace};

pub(super) struct Host {
    running: Option<platform::Host>,
    public: SocketAddr,
    admin: SocketAddr,
    pub(super) token: String,
    folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    /// The JSON of a good answer.
    pub(super) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.body);
        serde_json::from_str(if self.body.is_empty() { "null" } else { &self.body }).unwrap()
    }
}

/// The digest of a guest's component.
pub(super) fn digest(file: &str) -> String {
    Digest::of(&component(file)).to_string()
}

/// The same component with another digest: with a section that nobody reads.
pub(super) fn release(file: &str, note: &str) -> Vec<u8> {
    let mut bytes = component(file);
    let length = u8::try_from(note.len()).unwrap();
    bytes.extend([0, length + 1, length]);
    bytes.extend(note.bytes());
    bytes
}

impl Host {
    /// Starts a host of `services`, which is the text of a manifest but for where things are.
    pub(super) async fn start(services: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        // Compiling once is enough for all tests.
        let compiled = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        std::fs::create_dir_all(&compiled).unwrap();
        std::os::unix::fs::symlink(compiled, data.join("compiled")).unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut host = Self { running: None, public: nowhere, admin: nowhere, token: String::new(), folder };
        host.restart(services).await;
        host
    }

    /// Stops the host, and starts it with another manifest.
    pub(super) async fn restart(&mut self, services: &str) {
        if let Some(running) = self.running.take() {
            running.stop().await.unwrap();
        }
        let path = self.folder.path().join("switchyard.toml");
        std::fs::write(&path, self.manifest(services)).unwrap();
        let configuration = load(&path, &[], Flags::default()).unwrap();
        let running = platform::start(&configuration, &|_| {}).await.unwrap();
        (self.public, self.admin) = (running.gateway_address(), running.admin_address());
        self.running = Some(running);
        self.token = std::fs::read_to_string(self.data().join("admin-token")).unwrap().trim().into();
    }

    /// The whole manifest of a host of `services`. Components lie where cargo builds them.
    pub(super) fn manifest(&self, services: &str) -> String {
        let guests = workspace().join("target/wasm32-wasip2/release");
        let here = format!("component = \"{}/", guests.display());
        let wit = workspace().join("host/tests/wit");
        let host = format!(
            "host = {{ wit = \"{}\", listen = \"127.0.0.1:0\", admin_listen = \"127.0.0.1:0\", drain_ms_max = 2000 }}\n\
             runtime = {{ instances_max = 32 }}\n",
            wit.display()
        );
        host + &services.replace("component = \"", &here)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The digests of the components that are kept.
    pub(super) fn kept_components(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.data().join("components")).unwrap();
        let mut digests: Vec<_> = files
            .map(|file| format!("sha256:{}", file.unwrap().path().file_stem().unwrap().to_str().unwrap()))
            .collect();
        digests.sort();
        digests
    }

    /// Asks the operator's side.
    pub(super) async fn ask(&self, method: &str, path: &str, body: Option<(&str, Bytes)>) -> Answer {
        let (content_type, body) = body.unwrap_or(("application/json", Bytes::new()));
        let request = Request::builder()
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type);
        exchange(self.admin, request.method(method).uri(path).body(Full::new(body)).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).await.ok()
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path, Some(("application/json", body.to_string().into()))).await
    }

    /// Asks the public side.
    pub(super) async fn public(&self, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).body(Full::default()).unwrap();
        exchange(self.public, request).await
    }

    pub(super) async fn call(&self, service: &str, function: &str, arguments: Value) -> Answer {
        self.post(&format!("/services/{service}/call/{function}"), &arguments).await
    }

    /// Brings the host to `services`, with the components that it has.
    pub(super) async fn apply(&self, services: &str) -> Value {
        let answer = self.post("/apply", &json!({"manifest": self.manifest(services)})).await.ok();
        assert_eq!(answer["applied"], true, "{answer}");
        answer
    }

    /// Gives the digest of what it uploads.
    pub(super) async fn upload(&self, component: Vec<u8>) -> String {
        let answer = self.ask("PUT", "/components", Some(("application/wasm", component.into()))).await.ok();
        answer["digest"].as_str().unwrap().into()
    }

    pub(super) async fn deploy(&self, service: &str, component: Vec<u8>) {
        let path = format!("/services/{service}/releases");
        self.ask("POST", &path, Some(("application/wasm", component.into()))).await.ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
async fn exchange(address: SocketAddr, mut request: Request<Full<Bytes>>) -> Answer {
    request.headers_mut().insert("host", "test.example".parse().unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let response = send.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    drop(send);
    connection.await.unwrap().unwrap();
    Answer { status, body: String::from_utf8(body.to_vec()).unwrap() }
}
