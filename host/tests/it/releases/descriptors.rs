//! How many files the process of a host may have open.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::http::Client;
use super::process::Process;
use super::shortage::status;
use super::{Setup, until};

/// The soft limit that the host begins with.
const SOFT: u32 = 100;

/// A hard limit, of which connections may not take all.
const HARD: u32 = 600;

/// Opens `count` connections that stay idle. The host still writes, answers its operator and stops in order.
async fn serves_beside_idle_connections(process: Process, count: u32) {
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(TcpStream::connect(process.public.address()).await.unwrap());
    }
    let write = json!({ "script": "add n" });
    process.operator.post_json("/services/front/call/write", &write).await.expect(200);
    process.operator.get("/readyz").await.expect(200);
    drop(idle);
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await, Some(0));
}

/// The soft and the hard limit of open files of a process.
fn limits(process: &Process) -> (String, String) {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.pid().as_raw_nonzero())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_raises_its_soft_limit_of_open_files_to_the_hard_one() {
    let setup = Setup::pair("gateway.connections_per_client_max = 8_000");
    setup.write_manifest();
    let process = Process::start_after(setup.folder.path(), &format!("ulimit -S -n {SOFT}")).await;
    let (soft, hard) = limits(&process);
    assert!(soft == hard && soft != SOFT.to_string(), "{soft} of {hard}");
    // More connections than the soft limit allowed.
    serves_beside_idle_connections(process, 2 * SOFT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_leave_files_to_the_stores_and_to_the_operator() {
    let setup = Setup::pair("gateway.connections_per_client_max = 8_000");
    setup.write_manifest();
    let process = Process::start_after(setup.folder.path(), &format!("ulimit -n {HARD}")).await;
    serves_beside_idle_connections(process, HARD).await;
}

/// The descriptors that a process has open, and the file of each.
fn descriptors(process: &Process) -> BTreeMap<u64, PathBuf> {
    let folder = format!("/proc/{}/fd", process.pid().as_raw_nonzero());
    let descriptor = |entry: std::fs::DirEntry| {
        let number = entry.file_name().to_str().unwrap().parse().unwrap();
        // It may have been closed since the folder was listed.
        Some((number, std::fs::read_link(entry.path()).ok()?))
    };
    std::fs::read_dir(folder).unwrap().filter_map(|entry| descriptor(entry.unwrap())).collect()
}

/// Connections that do nothing. They fill the gaps between the descriptors of `process`, so that all its numbers are
/// taken, and then no further one is free. Also returns the limit before.
async fn take_all(process: &Process) -> (Vec<TcpStream>, Option<u64>) {
    let mut idle = Vec::new();
    loop {
        let open = descriptors(process);
        // The number 0 is its input, which is the same file.
        let reserves = open.iter().filter(|(number, file)| **number > 0 && file.as_path() == Path::new("/dev/null"));
        let next = open.len() as u64;
        if reserves.count() >= 2 && open.keys().all(|number| *number < next) {
            return (idle, process.limit_files(Some(next)));
        }
        idle.push(TcpStream::connect(process.public.address()).await.unwrap());
        until("one more descriptor", async || descriptors(process).len() > open.len()).await;
    }
}

/// The head and the body that a new connection receives although it sends nothing. A connection that receives nothing is
/// kept in `idle`: it took a descriptor that the host had open for a moment.
async fn refusal(address: SocketAddr, idle: &mut Vec<TcpStream>) -> Option<(String, Value)> {
    for _ in 0..3 {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let mut bytes = Vec::new();
        match tokio::time::timeout(Duration::from_secs(5), connection.read_to_end(&mut bytes)).await {
            Err(_silence) => idle.push(connection),
            Ok(read) => {
                read.unwrap();
                let text = String::from_utf8(bytes).unwrap();
                let (head, body) = text.split_once("\r\n\r\n")?;
                return Some((head.to_ascii_lowercase(), serde_json::from_str(body).unwrap()));
            }
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_limit_of_descriptors_a_new_client_is_refused_with_a_reason_and_others_are_served() {
    let setup = Setup::pair("gateway.connections_per_client_max = 8_000");
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let mut open = TcpStream::connect(process.public.address()).await.unwrap();
    let get = "GET /front?script=variant HTTP/1.1\r\nhost: shop\r\n\r\n";
    assert_eq!(status(&mut open, get).await, 200);
    let (mut idle, before) = take_all(&process).await;
    let servers = [("public", process.public.address()), ("operator", process.operator.address())];
    // Each refusal uses the reserved descriptor, and it is reserved again.
    for turn in 0..3 {
        for (server, address) in servers {
            let refusal = refusal(address, &mut idle).await;
            let (head, problem) = refusal.unwrap_or_else(|| panic!("no answer of {server} in turn {turn}"));
            assert!(head.starts_with("http/1.1 503 ") && head.contains("retry-after: 1"), "{server}: {head}");
            assert_eq!(problem["detail"], "Too many connections are open.", "{server}");
            assert_eq!(status(&mut open, get).await, 200);
        }
    }
    process.limit_files(before);
    let metrics = process.operator.get("/metrics").await.expect(200);
    for (server, _) in servers {
        let refused = format!("switchyard_connections_refused_total{{server=\"{server}\",why=\"full\"}} 3");
        assert!(metrics.as_str().unwrap().lines().any(|line| line == refused), "{metrics}");
    }
    drop(idle);
    Client::new(process.public.address()).get("/front?script=variant").await.expect(200);
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await, Some(0));
}
