//! Advice of the program that must work when it is typed.

use std::path::Path;
use std::process::Output;

use serde_json::json;
use tokio::process::Command;

use crate::apply::host::Host;

const SERVICES: &str = "[services.front]\ncontract = \"test:calls/front-service@1.0.0\"\ncomponent = \"callers.wasm\"\n\
                        [services.back]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"callers.wasm\"\n";

/// Runs the program in `folder`, with `token` in the environment if there is one.
async fn switchyard(folder: &Path, line: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.args(line).current_dir(folder).env_remove("SWITCHYARD_ADMIN_TOKEN");
    command.envs(token.map(|token| ("SWITCHYARD_ADMIN_TOKEN", token)));
    command.output().await.unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, told: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && text.contains(told), "{:?}: {text}", output.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_listen_says_which_flag_helps() {
    let folder = Host::start(SERVICES).await.stop().await;
    // RFC 5737: an address for documentation, which no machine has.
    for (flag, free) in [("listen", "admin"), ("admin", "listen")] {
        let (flag_there, flag_free) = (format!("--{flag}"), format!("--{free}"));
        let line = ["up", &flag_there, "192.0.2.1:0", &flag_free, "127.0.0.1:0"];
        let told = format!("this machine has no such address; choose one of its own with --{flag}");
        check(&switchyard(folder.path(), &line, None).await, 1, &told);
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = ["up", "--listen", &address, "--admin", "127.0.0.1:0"];
    let told = "another program uses it; choose another port with --listen";
    check(&switchyard(folder.path(), &line, None).await, 1, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_token_file_counts_whatever_else_there_is() {
    let host = Host::start(SERVICES).await;
    let folder = host.data().parent().unwrap().to_owned();
    let made = host.post("/tokens", &json!({ "name": "ci", "role": "deployer" })).await.expect(201);
    std::fs::write(folder.join("ci-token"), made["token"].as_str().unwrap()).unwrap();
    std::fs::write(folder.join("no-token"), "secret").unwrap();
    let address = format!("http://{}", host.admin());
    let run = async |file: Option<&str>, token: Option<&str>| {
        let named = file.map(|file| ["--token-file", file]);
        let line: Vec<_> =
            ["token", "list", "--admin", &address].into_iter().chain(named.into_iter().flatten()).collect();
        switchyard(&folder, &line, token).await
    };
    // Only an admin sees the tokens: the answer tells whose token was used.
    let kept = std::fs::read_to_string(host.data().join("admin-token")).unwrap();
    check(&run(None, None).await, 0, "");
    check(&run(Some("ci-token"), Some(kept.trim())).await, 4, "may not manage tokens");
    check(&run(Some("data/admin-token"), Some("nonsense")).await, 0, "");
    check(&run(Some("nowhere"), Some(kept.trim())).await, 4, "no admin token: cannot read nowhere");
    let wrong = run(Some("no-token"), None).await;
    check(&wrong, 4, "no-token has no token");
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("secret"), "a token is in the message");
}
