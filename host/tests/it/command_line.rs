//! Advice of the program that must work when it is typed.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::apply::host::Host;
use crate::guest::{component, workspace};
use crate::releases::components::{marked, variant, web};

const SERVICES: &str = "[services.front]\ncontract = \"test:calls/front-service@1.0.0\"\ncomponent = \"callers.wasm\"\n\
                        [services.back]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"callers.wasm\"\n";

/// Runs the program in `folder`, with `token` in the environment if there is one.
pub(crate) async fn switchyard(folder: &Path, line: &[&str], token: Option<&str>) -> Output {
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
    check(&run(Some("data/admin-token"), Some(&"x".repeat(32))).await, 0, "");
    check(&run(Some("nowhere"), Some(kept.trim())).await, 4, "no admin token: cannot read nowhere");
    let wrong = run(Some("no-token"), None).await;
    check(&wrong, 4, "no-token has no token");
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("secret"), "a token is in the message");
}

/// The commands that start or change a host say why they do not, before anything is different.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_on_the_same_data_says_which_process_has_it_and_since_when() {
    let host = Host::start(SERVICES).await;
    let folder = host.data().parent().unwrap().to_owned();
    let up = switchyard(&folder, &["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], None).await;
    let since = format!("(process {}, since 20", std::process::id());
    check(&up, 1, &since);
    check(&up, 1, "stop the host there, or choose another data directory");
    assert_eq!(host.write("set key one").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_start_with_fewer_instances_than_are_reserved() {
    let host = Host::start(SERVICES).await;
    let order = SERVICES.replacen("callers.wasm\"\n", "callers.wasm\"\nlimits.instances_reserved = 100\n", 1);
    host.apply(&order).await;
    let folder = host.stop().await;
    // The file does not have what was applied: it is right alone.
    let smaller = crate::apply::host::manifest(SERVICES).replace("instances_max = 128", "instances_max = 90");
    std::fs::write(folder.path().join("switchyard.toml"), smaller).unwrap();
    let up = switchyard(folder.path(), &["up", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], None).await;
    check(&up, 1, "the applied services do not fit this manifest");
    check(&up, 1, "`runtime.instances_max` is 90: raise it, or reserve less");
}

#[tokio::test(flavor = "multi_thread")]
async fn add_and_deploy_refuse_a_name_and_a_grant_that_are_taken() {
    let host = Host::start(SERVICES).await;
    let folder = host.data().parent().unwrap().to_owned();
    let address = format!("http://{}", host.admin());
    let run = async |line: &[&str]| switchyard(&folder, &[line, &["--admin", &address]].concat(), None).await;
    check(&run(&["add", "@platform", "--yes"]).await, 2, "is reserved for the host's own store");
    std::fs::write(folder.join("other.wasm"), marked(&component("callers.wasm"), "other")).unwrap();
    let line = ["deploy", "back", "other.wasm", "--grant", "api.example.com", "--grant", "API.example.com"];
    check(&run(&line).await, 1, "api.example.com is granted twice, maybe in another spelling");
}

#[tokio::test(flavor = "multi_thread")]
async fn version_shows_the_build_of_the_running_host_beside_its_own() {
    let host = Host::start(SERVICES).await;
    let folder = host.data().parent().unwrap().to_owned();
    let address = format!("http://{}", host.admin());
    let run = async |line: &[&str]| {
        let output = switchyard(&folder, &[line, &["--admin", &address]].concat(), None).await;
        check(&output, 0, "");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["version", "--of-host"]).await;
    assert!(text.contains("\nhost:\n") && text.contains("the host runs this version"), "{text}");
    let both: Value = serde_json::from_str(&run(&["version", "--of-host", "--json"]).await).unwrap();
    assert_eq!(both["program"], both["host"]);
    for member in ["switchyard", "commit", "wasmtime"] {
        assert!(both["host"][member].as_str().is_some_and(|text| !text.is_empty()), "{both:#}");
    }
    assert!(both["host"]["formats"].as_object().is_some_and(|formats| !formats.is_empty()), "{both:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn config_check_reports_the_faults_of_all_files_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = async |services: &str, more: &[&str]| {
        std::fs::write(folder.path().join("switchyard.toml"), crate::apply::host::manifest(services)).unwrap();
        switchyard(folder.path(), &[&["config", "--check"][..], more].concat(), None).await
    };
    let good = run(SERVICES, &[]).await;
    check(&good, 0, "");
    assert!(String::from_utf8_lossy(&good.stdout).contains("is good"), "{good:?}");
    let wrong = SERVICES.replacen("callers.wasm", "missing.wasm", 1).replace("back-service@1.0.0", "nothing@1.0.0");
    let faults = [
        "the component of front cannot be read from ",
        "the contract test:calls/nothing@1.0.0 of back does not exist; known are ",
    ];
    let refused = run(&wrong, &[]).await;
    faults.iter().for_each(|fault| check(&refused, 2, fault));
    let refused = run(&wrong, &["--json"]).await;
    let told: Value = serde_json::from_slice(&refused.stdout).unwrap();
    let told =
        |fault: &&str| told["faults"].as_array().unwrap().iter().any(|one| one.as_str().unwrap().contains(*fault));
    assert!(refused.status.code() == Some(2) && faults.iter().all(told), "{refused:?}");
    assert!(!folder.path().join("data").exists(), "nothing is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_calls_every_function_within_the_limits_of_a_host() {
    let folder = tempfile::tempdir().unwrap();
    let wit = workspace().join("host/tests/wit");
    let at = |path: &str| folder.path().join(path);
    std::fs::write(at("good.wasm"), component("callers.wasm")).unwrap();
    std::fs::write(at("traps.wasm"), variant("smoke=panic")).unwrap();
    let run = async |file: &str, more: &[&str]| {
        let line = ["check", file, "--contract", "test:calls/back-service@1.0.0", "--wit", wit.to_str().unwrap()];
        switchyard(folder.path(), &[&line[..], more].concat(), None).await
    };
    let good = run("good.wasm", &["--json"]).await;
    check(&good, 0, "");
    let verdict: Value = serde_json::from_slice(&good.stdout).unwrap();
    let functions = verdict["start"]["functions"].as_array().unwrap();
    let mut names: Vec<_> = functions.iter().map(|one| one["function"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["authenticate", "bare", "read", "write"]);
    // The guest traps on one of the generated texts, which is no script.
    let calls =
        |one: &Value| one["detail"].as_str().is_some_and(|detail| detail.contains('3') && detail.contains("calls"));
    assert!(functions.iter().all(calls), "{verdict:#}");
    assert!(functions.iter().any(|one| one["result"] == "answered"), "{verdict:#}");

    let traps = run("traps.wasm", &[]).await;
    check(&traps, 1, "does not run");
    let text = String::from_utf8_lossy(&traps.stdout);
    assert!(text.contains("does not answer a call of test:calls/back@1.0.0#read"), "{text}");

    let limited = async |keys: &str, told: &str| {
        let services = "[services.back]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"good.wasm\"\n";
        std::fs::write(at("switchyard.toml"), format!("{keys}\n{services}")).unwrap();
        let refused = run("good.wasm", &[]).await;
        check(&refused, 1, "does not run");
        let text = String::from_utf8_lossy(&refused.stdout);
        assert!(text.contains(told), "{text}");
    };
    limited("limits.memory_bytes_max = 65_536", "at most limits.memory_bytes_max = 65536 bytes").await;
    limited("runtime.core_instances_per_component_max = 1", "exceeds the configured maximum of 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_sends_a_request_to_a_component_that_speaks_http() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["0.2", "0.3"] {
        std::fs::write(folder.path().join("web.wasm"), web(version, "first")).unwrap();
        let run = async |more: &[&str]| {
            let line = ["check", "web.wasm", "--contract", "wasi:http"];
            switchyard(folder.path(), &[&line[..], more].concat(), None).await
        };
        let answered = run(&["--outbound-http"]).await;
        check(&answered, 0, "");
        let text = String::from_utf8_lossy(&answered.stdout);
        assert!(text.contains("a request of `GET /` was answered with"), "{version}: {text}");
    }
}
