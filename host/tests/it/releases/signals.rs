//! What a host does when it gets a signal, and when nobody reads its log.

use std::time::Duration;

use rustix::process::Signal;

use super::http::encoded;
use super::process::{Log, Process};
use super::{Setup, look};

async fn start(setup: &Setup) -> (Process, Log) {
    setup.write_manifest();
    Process::start_with_log(setup.folder.path()).await
}

/// Reads the log to a line that has `text`, or to its end.
pub(super) async fn find(log: &mut Log, text: &str) -> Option<String> {
    let found = async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains(text) {
                return Some(line);
            }
        }
        None
    };
    tokio::time::timeout(Duration::from_secs(30), found).await.expect("the log goes on")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_answers_and_stops_in_order_when_the_reader_of_its_log_is_gone() {
    let setup = Setup::pair("");
    let (process, log) = start(&setup).await;
    drop(log);
    for _ in 0..20 {
        assert_eq!(look(&process.public, "say hello").await, "hello");
    }
    process.operator.get("/readyz").await.expect(200);
    let metrics = process.operator.get("/metrics").await.expect(200);
    assert!(metrics.as_str().unwrap().contains("switchyard_log_lines_dropped_total"), "{metrics}");
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_answers_when_the_reader_of_its_log_does_not_read() {
    let setup = Setup::pair("");
    let (process, mut log) = start(&setup).await;
    // A pipe holds 64 KiB: 300 bytes for a request.
    for _ in 0..600 {
        let said = look(&process.public, "say hello").await;
        assert_eq!(said, "hello");
    }
    process.operator.get("/healthz").await.expect(200);
    process.signal(Signal::TERM);
    assert!(find(&mut log, "\"stopped\"").await.is_some());
    assert_eq!(process.ended().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_to_stop_cuts_nothing_off_and_sighup_reads_files_again() {
    let setup = Setup::pair("");
    let (process, mut log) = start(&setup).await;
    let token = setup.folder.path().join("data/admin-token");
    let other = std::fs::read_to_string(&token).unwrap().trim().chars().rev().collect::<String>();
    std::fs::write(&token, &other).unwrap();
    process.operator.get("/services").await.expect(200);
    process.signal(Signal::HUP);
    assert!(find(&mut log, "were read again").await.is_some());
    process.operator.get("/services").await.expect(401);
    process.operator.with_token(&other).get("/services").await.expect(200);
    let public = process.public.clone();
    let call = async move { look(&public, "sleep 1500; say hello").await };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for signal in [Signal::TERM, Signal::TERM, Signal::INT, Signal::HUP] {
            process.signal(signal);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(find(&mut log, "stopping already").await.is_some());
        while find(&mut log, "").await.is_some() {}
        process.ended().await
    };
    let (said, code) = tokio::join!(call, stop);
    assert_eq!((said.as_str(), code), ("hello", Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_reads_the_log_filter_again_and_a_faulty_one_changes_nothing() {
    let off = "host.log_filter = \"info,switchyard::access=off\"";
    let setup = Setup::pair(off);
    let (process, mut log) = start(&setup).await;
    let ask = async |request: &str| {
        process.public.with_header("x-request-id", request).get("/front?script=variant").await.expect(200);
    };
    ask("unseen").await;
    let setup = setup.with_keys(off, "host.log_filter = \"info\"");
    setup.write_manifest();
    process.signal(Signal::HUP);
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.contains("were read again")) {
        lines.push(find(&mut log, "").await.unwrap());
    }
    assert!(!lines.iter().any(|line| line.contains("unseen")), "{lines:?}");
    ask("seen").await;
    assert!(find(&mut log, "\"seen\"").await.is_some());
    let setup = setup.with_keys("\"info\"", "\"info,switchyard=loud\"");
    setup.write_manifest();
    process.signal(Signal::HUP);
    let line = find(&mut log, "could not be reloaded").await.unwrap();
    assert!(line.contains("log_filter"), "{line}");
    ask("seen-again").await;
    assert!(find(&mut log, "seen-again").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigquit_cuts_off_what_is_under_way_and_the_log_counts_it() {
    let setup = Setup::pair("");
    let (process, mut log) = start(&setup).await;
    let call = process.public.clone();
    let path = format!("/front?script={}", encoded("sleep 15000; say hello"));
    let call = async move { call.try_send("GET", &path, "").await.is_err() };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        process.signal(Signal::TERM);
        tokio::time::sleep(Duration::from_millis(100)).await;
        process.signal(Signal::QUIT);
        let line = find(&mut log, "cut off the requests that were still running").await.expect("a line");
        (line, process.ended().await)
    };
    let (broken, (line, code)) = tokio::join!(call, stop);
    assert!(broken && line.contains("connection"), "{line}");
    assert_ne!(code, Some(0));
}
