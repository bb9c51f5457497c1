//! Backups of a whole host, made while it works, and what is restored of them: by the program, as an operator does it.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::apply::host::Host;

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

    async fn backup(&self, name: &str) -> Value {
        let made = said(&self.switchyard(&["backup", name, "--json"]).await);
        serde_json::from_str(&made).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_backed_up_is_restored_with_its_releases_and_its_history() {
    let host = Host::start(SERVICES).await;
    host.write("set key one").await.expect(200);
    let made = host.backup("monday").await;
    assert!(made["number"].as_u64().unwrap() >= 1, "{made}");
    host.write("set key two").await.expect(200);
    let history = host.get("/history").await;

    let folder = host.stop().await;
    let path = folder.path();
    std::fs::rename(path.join("data"), path.join("old")).unwrap();
    let restored = said(&switchyard(path, &["restore", "monday"]).await);
    assert!(restored.contains("make a new backup"), "{restored}");
    let host = Host::start_in(folder, SERVICES).await;
    assert_eq!(host.write("get key").await.expect(200), "one");
    assert_eq!(host.get("/history").await, history);
    host.write("set key three").await.expect(200);
    let host = host.restart(SERVICES).await;
    assert_eq!(host.write("get key").await.expect(200), "three");
    let folder = host.stop().await;
    let again = refused(&switchyard(folder.path(), &["restore", "monday"]).await);
    assert!(again.contains("is not empty"), "{again}");
}
