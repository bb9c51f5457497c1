//! The whole host with fail points, which are armed in the one thread that runs its tasks.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Calls, Host, Parts, start};
use crate::config::{Configuration, Flags, load};
use crate::fail_point::{Action, arm, of_calls};
use crate::journal::simulated::SimulatedDisk;
use crate::names::ServiceName;
use crate::observe::Metrics;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::Tasks;

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
    request(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")).await
}

async fn request(address: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
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

const PAIR: &str = r#"
host.listen = "127.0.0.1:0"
host.admin_listen = "127.0.0.1:0"
services.front = { contract = "test:calls/front-service@1.0.0", component = "callers.wasm" }
services.back = { contract = "test:calls/back-service@1.0.0", component = "callers.wasm" }
# Nobody gives up before all is tried, and no call is so long that it goes on in another thread.
limits = { circuit_failures = 1_000, deadline_ms = 5_000 }
runtime = { epoch_ms = 1_000 }
retries = { intent_retry_ms_min = 10, intent_retry_ms_max = 100 }
"#;

/// The manifest of the services `front` and `back`, in `folder`.
fn pair(folder: &std::path::Path) -> Configuration {
    let project = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::copy(project.join("../target/wasm32-wasip2/release/callers.wasm"), folder.join("callers.wasm"))
        .expect("`cargo xtask test` builds the guests first");
    let manifest = folder.join("switchyard.toml");
    std::fs::write(&manifest, PAIR).unwrap();
    let mut configuration = load(&manifest, &[], Flags::default()).unwrap();
    configuration.manifest.host.wit = project.join("tests/wit");
    std::fs::create_dir(&configuration.manifest.host.data).unwrap();
    configuration
}

/// Starts a host whose stores are on `disk`.
async fn start_on(configuration: &Configuration, disk: &SimulatedDisk) -> (Host, Calls) {
    let (tasks, manifest) = (Tasks::default(), &configuration.manifest);
    let bind = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (public, admin) = (bind().await, bind().await);
    let parts = tokio::task::block_in_place(|| {
        let stores = Stores::open_on(&disk.as_disk(), &manifest.store, &[], None).unwrap();
        let runtime = Runtime::new(&manifest.runtime, tasks.outages()).unwrap();
        Parts::over(manifest, stores, runtime, &tasks, &|_| {}).unwrap()
    });
    let calls = parts.calls.clone();
    let (gateway, operator) = (public.local_addr().unwrap(), admin.local_addr().unwrap());
    let alone = parts.serve(configuration, &tasks, &Metrics::start(), public, admin).unwrap();
    let drain = Duration::from_millis(manifest.host.drain_ms_max);
    (Host { gateway, admin: operator, tasks, drain, kind: super::Kind::Alone(Box::new(alone)) }, calls)
}

/// Has `front` run `script` for a client that sends the key `key`.
async fn act(address: SocketAddr, script: &str, key: &str) -> String {
    let body = format!("\"{script}\"");
    let head = format!(
        "POST /front HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request(address, &format!("{head}{body}")).await
}

fn stored(host: &Host, service: &str, key: &str) -> String {
    let super::Kind::Alone(alone) = &host.kind else { panic!("it is in no cluster") };
    let store = alone.stores.service(&ServiceName::parse(service).unwrap()).unwrap();
    let value = store.begin_read().get(key).unwrap().unwrap_or_default();
    String::from_utf8(value.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_whose_call_makes_the_host_panic_gets_500_and_its_retry_one_effect() {
    let folder = tempfile::tempdir().unwrap();
    let (host, calls) = start_on(&pair(folder.path()), &SimulatedDisk::new(1)).await;
    let (public, admin) = (host.gateway_address(), host.admin_address());
    let mut refused = 0;
    for (number, point) in of_calls().filter(|point| !point.starts_with("delivery.")).enumerate() {
        let (told, is_armed) = tokio::sync::oneshot::channel();
        host.tasks.spawn("arms", async move {
            // It stays armed for this thread, which is gone with the test.
            std::mem::forget(arm(point, 1, Action::Panic));
            told.send(()).unwrap();
        });
        is_armed.await.unwrap();
        let script = format!("add n{number};back.write{{add m{number}}};add done{number}");
        let key = format!("key-{number}");
        let first = act(public, &script, &key).await;
        let status = first.split(' ').nth(1).unwrap_or_default().to_owned();
        assert!(["200", "500", "504"].contains(&status.as_str()), "{point}: {first}");
        refused += usize::from(status == "500");
        let again = act(public, &script, &key).await;
        assert!(again.starts_with("HTTP/1.1 200"), "{point}: {first}, then {again}");
        // Where the callee panicked before its commit it is unavailable, and the caller goes on.
        let nested = if again.contains("unavailable") { "" } else { "1" };
        let found = [("front", "n"), ("back", "m"), ("front", "done")]
            .map(|(service, key)| stored(&host, service, &format!("{key}{number}")));
        assert_eq!(found, ["1", nested, "1"], "{point}: {first}, then {again}");
        let intents = tokio::time::timeout(Duration::from_secs(5), async {
            while !calls.intents().is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        intents.await.unwrap_or_else(|_| panic!("{point}: an intent stays"));
    }
    assert!(refused > 0, "no client was told of a panic");
    for backend in calls.routing().live().backends() {
        assert_eq!(backend.service.figures().in_flight, 0, "{}", backend.service.name());
    }
    // No claim, lock or slot is left: a call of each service runs.
    assert!(act(public, "add last;back.write{add last}", "last").await.starts_with("HTTP/1.1 200"));
    soon(admin, "HTTP/1.1 200").await;
    host.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_host_without_room_for_writes_is_unready_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SimulatedDisk::new(1);
    let mut configuration = pair(folder.path());
    configuration.manifest.store.segment_bytes = 32 << 10;
    let (host, _calls) = start_on(&configuration, &disk).await;
    let (public, admin) = (host.gateway_address(), host.admin_address());
    soon(admin, "HTTP/1.1 200").await;
    disk.set_bytes_max(disk.bytes());
    let fill = async |round: &str| {
        let mut last = String::new();
        for number in 0..40 {
            last = act(public, "fill k 4 1000", &format!("{round}-{number}")).await;
            if last.starts_with("HTTP/1.1 5") {
                break;
            }
        }
        last
    };
    let refused = fill("full").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    let unready = soon(admin, "HTTP/1.1 503").await;
    assert!(unready.contains("no commit is taken: no room for the journal's next segment"), "{unready}");
    assert!(get(public, "/front?script=get%20k0000").await.starts_with("HTTP/1.1 200"), "reads do not go on");
    disk.set_bytes_max(u64::MAX);
    soon(admin, "HTTP/1.1 200").await;
    let written = fill("room").await;
    assert!(written.starts_with("HTTP/1.1 200"), "{written}");
    host.stop().await.unwrap();
}
