//! A compilation lasts no longer than somebody waits for the component.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::components::{leb128, says, section, with_module};
use super::process::{Log, Process};
use super::{Setup, until};

/// How many functions the component has: as many as take the compiler some seconds, and not more memory than it may have.
const FUNCTIONS: u32 = 60_000;

/// What each does: adds to its parameter, so many times.
const ADDITIONS: usize = 12;

/// A component for `front` that takes the compiler some seconds.
fn dear() -> Vec<u8> {
    // local.get 0, i32.const 1, i32.add, local.set 0
    let addition = [0x20, 0, 0x41, 1, 0x6a, 0x21, 0];
    let body = [&[0][..], &addition.repeat(ADDITIONS), &[0x0b]].concat();
    let body = [leb128(body.len()), body].concat();
    let count = leb128(FUNCTIONS.try_into().unwrap());
    let functions = [count.clone(), vec![0; FUNCTIONS.try_into().unwrap()]].concat();
    let codes = [count, body.repeat(FUNCTIONS.try_into().unwrap())].concat();
    // One type: a function of an i32.
    let types = section(1, &[1, 0x60, 1, 0x7f, 0]);
    let module = [b"\0asm\x01\0\0\0".to_vec(), types, section(3, &functions), section(10, &codes)].concat();
    with_module(&says("dear"), &module)
}

/// A host that compiles a component, the connection that waits for it, and the process that compiles.
pub(super) async fn compiling(keys: &str) -> (Setup, Process, Log, TcpStream, u32) {
    let setup = Setup::pair(keys);
    setup.write_manifest();
    let (process, log) = Process::start_with_log(setup.folder.path()).await;
    let component = dear();
    let mut connection = TcpStream::connect(process.operator.address()).await.unwrap();
    let head = format!(
        "POST /services/front/releases HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: application/wasm\r\ncontent-length: {}\r\n\r\n",
        process.operator.token(),
        component.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(&component).await.unwrap();
    let mut child = None;
    until("a process that compiles", async || {
        child = children(process.pid().as_raw_nonzero().get()).first().copied();
        child.is_some()
    })
    .await;
    (setup, process, log, connection, child.unwrap())
}

pub(super) fn children(process: i32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of_thread = |thread: std::fs::DirEntry| {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.split_whitespace().map(|child| child.parse().unwrap()).collect::<Vec<_>>()
    };
    threads.flat_map(|thread| of_thread(thread.unwrap())).collect()
}

/// Whether the process runs: one that ended may be there until somebody asks how.
fn runs(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with('Z'))
}

async fn is_told(log: &mut Log) -> bool {
    let told = async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("the compiler was ended: nobody waits") {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.unwrap_or(false)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compilation_ends_when_its_client_goes_away() {
    let (_setup, process, mut log, connection, child) = compiling("").await;
    assert!(runs(child));
    drop(connection);
    assert!(is_told(&mut log).await, "before it is done, or over its bounds");
    until("the end of the process", async || !runs(child)).await;
    let history = process.history().await;
    assert!(history.iter().all(|line| line["what"] == "add"), "nothing was judged: {history:#?}");
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compilation_ends_with_the_drain_of_its_host() {
    let (_setup, process, mut log, connection, child) = compiling("host.drain_ms_max = 200").await;
    process.signal(Signal::TERM);
    assert!(is_told(&mut log).await, "before it is done, or over its bounds");
    process.ended().await;
    until("the end of the process", async || !runs(child)).await;
    drop(connection);
}

/// The processor time of a process so far, in hundredths of a second.
fn processor_time(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, `utime` and `stime` are the 12th and the 13th.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

/// Waits until the process has begun to compile.
pub(super) async fn begun(child: u32) -> Pid {
    until("a process that has begun to compile", async || processor_time(child) >= 20).await;
    Pid::from_raw(child.try_into().unwrap()).unwrap()
}

/// It is stopped before, so that it cannot end because its work is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_compilation_ends_with_its_host_that_is_killed() {
    let (_setup, process, _log, _connection, child) = compiling("").await;
    let pid = begun(child).await;
    kill_process(pid, Signal::STOP).unwrap();
    process.kill().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        while runs(child) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let ended = ended.await;
    if ended.is_err() {
        kill_process(pid, Signal::KILL).unwrap();
    }
    assert!(ended.is_ok(), "the process outlives its host");
}
