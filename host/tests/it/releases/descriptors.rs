//! How many files the process of a host may have open.

use rustix::process::Signal;
use serde_json::json;
use tokio::net::TcpStream;

use super::Setup;
use super::process::Process;

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
