//! Backups of a whole host, made while it works, and what is restored of them: by the program, as an operator does it.

mod journal;
mod refusals;
mod settings;

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;
use switchyard::clock;
use tokio::process::Command;

use crate::apply::host::Host;
use crate::guest::component;
use crate::releases::components::{digest, marked};
use crate::releases::until;

const SERVICES: &str = "[services.front]\ncontract = \"test:calls/front-service@1.0.0\"\ncomponent = \"callers.wasm\"\n\
                        [services.back]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"callers.wasm\"\n";

/// Runs the program with words of a command line, in `folder`, where the manifest of a host is.
async fn switchyard(folder: &Path, line: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_switchyard")).args(line).current_dir(folder).output().await.unwrap()
}

/// What it says when it does its work.
#[track_caller]
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What it says when it does not.
#[track_caller]
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Host {
    fn folder(&self) -> std::path::PathBuf {
        self.data().parent().unwrap().to_owned()
    }

    async fn switchyard(&self, line: &[&str]) -> Output {
        let address = format!("http://{}", self.admin());
        let line: Vec<_> = line.iter().copied().chain(["--admin", &address]).collect();
        switchyard(&self.folder(), &line).await
    }

    /// A command that needs no host, in the folder of this one.
    async fn switchyard_plain(&self, line: &[&str]) -> Output {
        switchyard(&self.folder(), line).await
    }

    async fn backup(&self, name: &str) -> Value {
        let made = said(&self.switchyard(&["backup", name, "--json"]).await);
        serde_json::from_str(&made).unwrap()
    }
}

/// Puts the data directory in `folder` away under another name, and restores one there.
async fn restore(folder: tempfile::TempDir, away: &str, line: &[&str]) -> Host {
    restore_with(folder, away, line, SERVICES).await
}

/// As [`restore`], and starts a host with the manifest of `services` on it.
async fn restore_with(folder: tempfile::TempDir, away: &str, line: &[&str], services: &str) -> Host {
    let path = folder.path();
    std::fs::rename(path.join("data"), path.join(away)).unwrap();
    let line: Vec<_> = ["restore"].iter().chain(line).copied().collect();
    let restored = said(&switchyard(path, &line).await);
    assert!(restored.contains("make a new backup"), "{restored}");
    Host::start_in(folder, services).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_backed_up_is_restored_with_its_releases_and_its_history() {
    let host = Host::start(SERVICES).await;
    host.write("set key one").await.expect(200);
    host.deploy("front", marked(&component("callers.wasm"), "second")).await;
    let made = host.backup("monday").await;
    assert!(made["number"].as_u64().unwrap() >= 1, "{made}");
    let front = host.get("/services/front").await;
    let history = host.get("/history").await;
    host.write("set key two").await.expect(200);

    let host = restore(host.stop().await, "old", &["monday"]).await;
    assert_eq!(host.write("get key").await.expect(200), "one");
    assert_eq!(host.get("/history").await, history);
    let restored = host.get("/services/front").await;
    assert_eq!((&restored["live"]["digest"], &restored["kept"][0]["digest"]), {
        (&front["live"]["digest"], &front["kept"][0]["digest"])
    });
    host.operator.post("/services/front/rollback", "").await.expect(200);
    host.write("set key three").await.expect(200);
    let host = host.restart(SERVICES).await;
    assert_eq!(host.write("get key").await.expect(200), "three");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_brings_back_the_releases_of_its_number_and_names_a_component_that_it_cannot_find() {
    let archived = format!("{SERVICES}[journal]\narchive = \"archive\"\n");
    let host = Host::start(&archived).await;
    host.write("set key one").await.expect(200);
    host.backup("monday").await;
    let second = marked(&component("callers.wasm"), "second");
    host.deploy("front", second.clone()).await;
    let between = host.get("/services/front").await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let at = clock::rfc_3339(clock::unix_micros());
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    host.deploy("front", marked(&component("callers.wasm"), "third")).await;
    let folder = host.stop().await;
    let path = folder.path().to_owned();

    let line = ["restore", "monday", "--data", "restored", "--archive", "archive", "--at", &at];
    said(&switchyard(&path, &line).await);
    std::fs::remove_dir_all(path.join("restored")).unwrap();
    // Without the file the restore says which one is missing, and leaves nothing.
    let name = format!("components/{}.wasm", digest(&second).replace("sha256:", ""));
    let journal = std::fs::read_dir(path.join("archive")).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(journal.join(&name), path.join("away")).unwrap();
    let why = refused(&switchyard(&path, &line).await);
    assert!(why.contains(&name), "{why}");
    assert!(!path.join("restored").exists());
    std::fs::rename(path.join("away"), journal.join(&name)).unwrap();

    let host = restore(folder, "old", &["monday", "--archive", "archive", "--at", &at]).await;
    let front = host.get("/services/front").await;
    let live = |service: &Value| (service["live"]["digest"].clone(), service["live"]["number"].clone());
    assert_eq!(live(&front), live(&between));
    let last = host.get("/history").await["items"][0].clone();
    assert_eq!((&last["what"], &last["to"]), (&"deploy".into(), &digest(&second).into()));
    assert_eq!(host.write("get key").await.expect(200), "one");
}

/// What was counted, as far as it was acknowledged: by the writers of a load.
type Counts = [AtomicU64; 4];

fn counts(acknowledged: &Counts) -> Vec<u64> {
    acknowledged.iter().map(|count| count.load(Ordering::SeqCst)).collect()
}

/// Counts in both services, first in the one behind, until it is told to stop.
async fn load(host: &Host, acknowledged: &Counts, stop: &AtomicBool) {
    let writers = acknowledged.iter().enumerate().map(|(writer, count)| async move {
        while !stop.load(Ordering::SeqCst) {
            host.write(&format!("back.write{{add w{writer}}}; add w{writer}")).await.expect(200);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    futures::future::join_all(writers).await;
}

/// What the services have counted; that it is of one instant: nothing that was counted in front is missing behind it.
async fn counted(host: &Host) -> Vec<u64> {
    // A call that was under way at that instant goes on at the start.
    until("the end of calls under way", async || host.get("/intents").await["items"] == serde_json::json!([])).await;
    let mut all = Vec::new();
    for writer in 0..4 {
        let counted = host.write(&format!("get w{writer}; back.read{{get w{writer}}}")).await.expect(200);
        let text = counted.as_str().unwrap();
        let (front, back) = text.split_once(',').unwrap();
        let number = |text: &str| text.trim().parse::<u64>().unwrap_or(0);
        let (front, back) = (number(front), number(back));
        assert!(front <= back && back <= front + 1, "{text}");
        all.push(front);
    }
    all
}

fn at_least(counted: &[u64], acknowledged: &[u64]) -> bool {
    counted.iter().zip(acknowledged).all(|(counted, acknowledged)| counted >= acknowledged)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_of_one_instant_and_goes_on_to_any_later_one() {
    let services = format!("[journal]\narchive = \"archive\"\n{SERVICES}");
    let host = Host::start(&services).await;
    let (acknowledged, stop) = (Counts::default(), AtomicBool::new(false));
    let reaches = async |more: u64| {
        let due: Vec<_> = counts(&acknowledged).iter().map(|count| count + more).collect();
        while !at_least(&counts(&acknowledged), &due) {
            tokio::task::yield_now().await;
        }
    };
    let backs_up = async {
        reaches(20).await;
        let before = counts(&acknowledged);
        let made = host.backup("monday").await;
        reaches(20).await;
        let then = (clock::rfc_3339(clock::unix_micros()), counts(&acknowledged));
        reaches(20).await;
        stop.store(true, Ordering::SeqCst);
        (before, made, then)
    };
    let (_, (before, made, (time, then))) = tokio::join!(load(&host, &acknowledged, &stop), backs_up);
    let last = counted(&host).await;
    assert_eq!(last, counts(&acknowledged));

    let host = restore(host.stop().await, "old", &["monday"]).await;
    let monday = counted(&host).await;
    assert!(at_least(&monday, &before) && at_least(&last, &monday) && monday != last, "{monday:?}");
    // By time: all that was acknowledged by then, and by number: the backup again.
    let host = restore(host.stop().await, "1", &["monday", "--at", &time, "--archive", "archive"]).await;
    let at_time = counted(&host).await;
    assert!(at_least(&at_time, &then) && at_least(&last, &at_time) && at_time != last, "{at_time:?}");
    let number = made["number"].to_string();
    let host = restore(host.stop().await, "2", &["monday", "--at", &number, "--old-data", "old"]).await;
    assert_eq!(counted(&host).await, monday);
    let host = restore(host.stop().await, "3", &["monday", "--at", "end", "--old-data", "old"]).await;
    assert_eq!(counted(&host).await, last);
    let host = restore(host.stop().await, "4", &["monday", "--at", "end", "--archive", "archive"]).await;
    assert_eq!(counted(&host).await, last);
}
