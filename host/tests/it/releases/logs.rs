//! The recent log: what a component printed and why a run failed, after a restart too, for those who may read it.

use serde_json::{Value, json};

use super::components::{says, variant};
use super::http::Client;
use super::process::Process;
use super::{BACK, FRONT, Setup};

/// The lines of a page, each as its service, its target and its message.
async fn lines(client: &Client, query: &str) -> Vec<[String; 3]> {
    let page = client.get(&format!("/logs{query}")).await.expect(200);
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let lines = page["items"].as_array().unwrap().iter();
    lines.map(|line| ["service", "target", "message"].map(|name| text(line, name))).collect()
}

async fn token(process: &Process, name: &str, role: &str, services: &[&str]) -> Client {
    let wanted = json!({"name": name, "role": role, "services": services});
    let made = process.operator.post_json("/tokens", &wanted).await.expect(201);
    process.operator.with_token(made["token"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_explained_by_the_log_also_after_a_restart() {
    let setup = Setup::new("").service("front", FRONT, &variant("call=panic")).service("back", BACK, &says("1"));
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let call = process.operator.with_header("x-request-id", "explain-me");
    let failed = call.post_json("/services/front/call/read", &json!({"script": "variant"})).await;
    assert_eq!((failed.status, &failed.body["instance"]), (500, &json!("explain-me")));
    let of_call = lines(&process.operator, "?request=explain-me").await;
    let of_guest = |line: &&[String; 3]| line[1] == "switchyard::guest" && line[0] == "front";
    assert!(of_call.iter().filter(of_guest).any(|line| line[2].contains("panicked")), "{of_call:?}");
    assert!(of_call.iter().any(|line| line[2] == "a run failed"), "{of_call:?}");
    assert!(of_call.iter().all(|line| line[1] != "switchyard::access"), "{of_call:?}");

    let (front, back) =
        (token(&process, "f", "deployer", &["front"]).await, token(&process, "b", "deployer", &["back"]).await);
    let viewer = token(&process, "v", "viewer", &[]).await;
    assert!(lines(&front, "").await.iter().all(|line| line[0] == "front"));
    assert!(!lines(&front, "?service=front").await.is_empty());
    assert_eq!(lines(&back, "?request=explain-me").await, Vec::<[String; 3]>::new());
    assert_eq!(back.get("/logs?service=front").await.status, 403);
    assert_eq!(viewer.get("/logs").await.status, 403);
    assert_eq!(process.operator.get("/logs?after=x").await.status, 400);
    let script = json!({"script": "variant"});
    assert_eq!(back.post_json("/services/back/call/read", &script).await.expect(200), json!("1"));
    assert_eq!(back.post_json("/services/back/call/write", &script).await.status, 403);
    assert_eq!(back.post_json("/services/front/call/read", &script).await.status, 403);

    let before = of_call.len();
    drop(process);
    let process = Process::start(setup.folder.path()).await;
    assert_eq!(lines(&process.operator, "?request=explain-me").await.len(), before, "the log survives a kill");
    assert!(lines(&process.operator, "").await.len() > before, "the new host logs too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_of_the_command_line_shows_what_the_component_printed() {
    let setup = Setup::new("").service("front", FRONT, &variant("call=panic")).service("back", BACK, &says("1"));
    setup.write_manifest();
    let process = Process::start(setup.folder.path()).await;
    let address = format!("http://{}", process.operator.address());
    let line = ["call", "front", "read", r#"{"script": "variant"}"#, "--admin", &address];
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.args(line).current_dir(setup.folder.path()).env_remove("SWITCHYARD_ADMIN_TOKEN");
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let (said, printed) = text.split_once("The components printed:").unwrap_or_else(|| panic!("{text}"));
    assert!(said.contains("switchyard logs --request ") && printed.contains("panicked"), "{text}");
}
