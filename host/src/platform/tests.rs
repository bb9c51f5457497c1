//! The whole host with fail points, which are armed in the one thread that runs its tasks.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Host, start};
use crate::config::{Flags, load};
use crate::fail_point::{Action, arm};

const MANIFEST: &str = r#"
host.listen = "127.0.0.1:0"
host.admin_listen = "127.0.0.1:0"
services.none = { mount = "/none", component = "none.wasm" }
"#;

async fn start_without_services(folder: &std::path::Path) -> Host {
    for made in ["wit", "data"] {
        std::fs::create_dir(folder.join(made)).unwrap();
    }
    let manifest = folder.join("switchyard.toml");
    std::fs::write(&manifest, MANIFEST).unwrap();
    let mut configuration = load(&manifest, &[], Flags::default()).unwrap();
    // A manifest needs a service; this test does not.
    configuration.manifest.services.clear();
    start(&configuration, &|_progress| {}).await.unwrap()
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Sends requests until the answer is `due`, and returns the last answer.
async fn soon(address: SocketAddr, due: &str) -> String {
    let asked = async {
        loop {
            let answer = get(address, "/readyz").await;
            if answer.starts_with(due) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap_or_else(|_| panic!("no {due}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_task_that_panics_again_and_again_makes_the_host_unready_until_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let host = start_without_services(folder.path()).await;
    let admin = host.admin_address();
    soon(admin, "HTTP/1.1 200").await;
    host.tasks.spawn("arms", async {
        // The fail points stay armed for this thread, which ends with the test.
        std::mem::forget([(); 2].map(|()| arm("metrics.before-upkeep", 1, Action::Panic)));
    });
    let answer = soon(admin, "HTTP/1.1 503").await;
    assert!(answer.contains("the task `metrics` is down: the fail point metrics.before-upkeep"), "{answer}");
    soon(admin, "HTTP/1.1 200").await;
    host.stop().await.unwrap();
}
