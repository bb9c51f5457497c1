//! What is not applied: everything is as it was, and the answer says why.

use serde_json::{Value, json};

use super::host::{Host, manifest};
use super::{BACK, FETCHER, FRONT, WEB, changes, history};
use crate::guest::component;
use crate::releases::components::{digest, marked, web};
use crate::releases::http::Answer;

async fn refused(host: &Host, order: &Value, status: u16, says: &str) {
    let answer = host.post("/apply", order).await;
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(answer.body.to_string().contains(says), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_component_refuses_all() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let broken = host.upload(b"no component".to_vec()).await;
    let manifest = manifest(&format!("{FRONT}environment = {{ RELEASE = \"2\" }}\n{BACK}"));
    let order = json!({"manifest": manifest, "components": {"back": broken}});
    let answer = host.post("/apply?dryRun=true", &order).await.expect(200);
    let accepted = |service: &str| answer["verdicts"][service]["accepted"].clone();
    assert_eq!((accepted("front"), accepted("back")), (json!(true), json!(false)));
    assert_eq!(history(&host, 2).await, Vec::<String>::new());

    refused(&host, &order, 422, "\"verdicts\"").await;
    let whats: Vec<_> = history(&host, 2).await;
    assert_eq!(whats, ["back refused -", "front refused -"]);
    assert_eq!(host.write("release").await.expect(200), "");
    let live = host.get("/services/back").await["live"]["digest"].clone();
    assert_eq!(live, digest(&component("callers.wasm")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_begins_with_more_memory_than_its_service_has_does_not_run() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let manifest = manifest(&format!("{FRONT}{BACK}limits.memory_bytes_max = 65536\n"));
    refused(&host, &json!({"manifest": manifest}), 422, "at most limits.memory_bytes_max = 65536 bytes").await;
    assert_eq!(host.write("release").await.expect(200), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_write_that_fails_makes_one_change_fail_and_nothing_else() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let other = marked(&component("callers.wasm"), "other");
    // A folder is where the file of the component is to be written.
    let blocked = host.data().join("components").join(digest(&other).replace("sha256:", "") + ".wasm.new");
    std::fs::create_dir(&blocked).unwrap();
    let failed = host.operator.post("/services/front/releases", other.clone()).await;
    assert_eq!(failed.status, 500, "{}", failed.body);
    assert_eq!(history(&host, 2).await, ["front refused -"]);
    assert_eq!(host.get("/services/front").await["live"]["digest"], digest(&component("callers.wasm")));
    host.deploy("front", marked(&component("callers.wasm"), "another")).await;
    host.operator.post("/services/front/rollback", "").await.expect(200);
    std::fs::remove_dir(&blocked).unwrap();
    host.deploy("front", other.clone()).await;
    assert_eq!(host.get("/services/front").await["live"]["digest"], digest(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_others_call_is_not_removed() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let order = json!({"manifest": manifest(FRONT)});
    refused(&host, &order, 409, "these import: front").await;
    assert_eq!(host.get("/services/back").await["name"], "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_more_than_it_is_granted_does_not_come() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let fetches = host.upload(component("fetches.wasm")).await;
    let (section, _hosts) = FETCHER.split_once("outbound_hosts").unwrap();
    let manifest = manifest(&format!("{FRONT}{BACK}{section}"));
    let order = json!({"manifest": manifest, "components": {"fetcher": fetches}});
    refused(&host, &order, 422, "wasi:http").await;
    assert!(!host.data().join("services/fetcher.redb").exists(), "its store was not made");
    assert_eq!(host.kept_components(), [digest(&component("callers.wasm"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_makes_no_sense_is_told_what_is_wrong() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let all = manifest(&format!("{FRONT}{BACK}"));
    refused(&host, &json!({"manifest": "[host]\nport = 1\n"}), 422, "unknown key").await;
    refused(
        &host,
        &json!({"manifest": all, "components": {"cart": digest(&component("callers.wasm"))}}),
        422,
        "is not in the manifest",
    )
    .await;
    let new = manifest(&format!("{FRONT}{BACK}{FETCHER}"));
    refused(&host, &json!({"manifest": new}), 422, "no component is named").await;
    let slots =
        |name: &str| manifest(&format!("{FRONT}limits.function_calls_in_flight_max = {{ {name} = 2 }}\n{BACK}"));
    refused(&host, &json!({"manifest": slots("lock")}), 422, "did you mean `look`?").await;
    assert_eq!(host.post("/apply?dryRun=true", &json!({"manifest": slots("look")})).await.status, 200);
    refused(&host, &json!({"manifest": all, "contracts": []}), 422, "").await;
    refused(&host, &json!({"manifest": all, "contracts": [{"path": "a.wit", "text": "no wit"}]}), 422, "a.wit").await;
    refused(&host, &json!({"manifest": all, "reason": "x".repeat(1001)}), 400, "reason").await;
    refused(&host, &json!({"manifest": all, "what": 1}), 400, "what").await;
    assert_eq!(history(&host, 2).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_may_apply_and_forget() {
    let mut host = Host::start(&format!("{FRONT}{BACK}")).await;
    let deployer = host.post("/tokens", &json!({"name": "ci", "role": "deployer"})).await.expect(201);
    let admin = host.post("/tokens", &json!({"name": "ops", "role": "admin"})).await.expect(201);
    let order = json!({"manifest": manifest(&format!("{FRONT}{BACK}"))});
    for (token, applies, drops) in [(&deployer, 403, 403), (&admin, 200, 409)] {
        host.operator = host.operator.with_token(token["token"].as_str().unwrap());
        assert_eq!(host.post("/apply", &order).await.status, applies);
        assert_eq!(host.delete("/stores/front").await, drops);
        assert_eq!(host.operator.get("/stores").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_restart_is_told_again_until_then() {
    let mut host = Host::start(&format!("{FRONT}{BACK}")).await;
    let slow = format!("[retries]\nintents_at_once = 7\n{FRONT}{BACK}");
    for _ in 0..2 {
        assert_eq!(changes(&host.apply(&slow).await), ["- restart retries.intents_at_once"]);
    }
    assert_eq!(history(&host, 2).await, Vec::<String>::new());
    host = host.restart(&slow).await;
    assert_eq!(changes(&host.apply(&slow).await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_service_is_sent_there() {
    let host = Host::start(&format!("{FRONT}{BACK}{FETCHER}")).await;
    let refused = host.operator.post("/services/front/releases", component("fetches.wasm")).await;
    assert_eq!(refused.status, 422, "{:#}", refused.body);
    let checks = refused.body["verdict"]["checks"].as_array().unwrap();
    let contract = checks.iter().find(|check| check["name"] == "contract").unwrap();
    let detail = contract["detail"].as_str().unwrap();
    assert!(detail.ends_with("it keeps that of fetcher: did you mean `switchyard deploy fetcher`?"), "{detail}");
}

/// Adds a service with a manifest of its own, or changes it.
async fn add(host: &Host, service: &str, text: &str, component: &str) -> Answer {
    let order = json!({"manifest": manifest(text), "component": component}).to_string();
    let json = host.operator.with_header("content-type", "application/json");
    json.send("PUT", &format!("/services/{service}"), order).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_instances_are_reserved_than_the_running_host_has() {
    let reserving = |count: u32| format!("{FRONT}limits.instances_reserved = {count}\n{BACK}");
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let sum = "`runtime.instances_max` is 128: raise it, or reserve less";
    refused(&host, &json!({"manifest": manifest(&reserving(128))}), 422, sum).await;
    // The host grows only at a restart.
    let larger = |text: &str| manifest(text).replace("instances_max = 128", "instances_max = 512");
    refused(&host, &json!({"manifest": larger(&reserving(300))}), 422, sum).await;
    let busy = larger(&format!("{FRONT}limits.calls_in_flight_max = 300\n{BACK}"));
    refused(&host, &json!({"manifest": busy}), 422, "may have 300 calls in flight").await;
    host.apply(&reserving(100)).await;
    // The manifest that adds a service does not have the others.
    let fetches = host.upload(component("fetches.wasm")).await;
    let added = |count: u32| format!("{FETCHER}limits.instances_reserved = {count}\n");
    let answer = add(&host, "fetcher", &added(100), &fetches).await;
    assert!(
        answer.status == 422 && answer.detail().contains("settings of `runtime` change only at a restart"),
        "{answer:?}"
    );
    assert_eq!(host.operator.get("/services/fetcher").await.status, 404);
    add(&host, "fetcher", &added(10), &fetches).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_mounted_over_a_route_or_another_mount() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let web = host.upload(web("0.2", "first")).await;
    let at = |mount: &str| WEB.replace("\"/web\"", &format!("\"{mount}\""));
    let order = |mount: &str| {
        let text = manifest(&format!("{FRONT}{BACK}{}", at(mount)));
        json!({"manifest": text, "components": {"web": web}})
    };
    let over_front = "it is mounted at `/front`, over the route `/front` of service front";
    refused(&host, &order("/front"), 422, over_front).await;
    refused(&host, &order("/openapi.json"), 422, "over the route `/openapi.json` of the host itself").await;
    let answer = add(&host, "web", &format!("{FRONT}{BACK}{}", at("/front")), &web).await;
    assert!(answer.status == 422 && answer.body.to_string().contains(over_front), "{answer:?}");
    assert_eq!(host.post("/apply", &order("/web")).await.expect(200)["applied"], true);
    // Nor does it move there.
    refused(&host, &order("/front"), 422, over_front).await;
    assert_eq!(host.public.get("/web/variant").await.body, "first");
    let second = at("/web/").replace("services.web", "services.second");
    let answer = add(&host, "second", &second, &web).await;
    assert!(answer.status == 422 && answer.detail().contains("is where `services."), "{answer:?}");
    assert_eq!(host.operator.get("/services/second").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_service_has_the_name_of_the_hosts_own_store() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let named = FETCHER.replace("services.fetcher", "services.\"@platform\"");
    let order = json!({"manifest": manifest(&format!("{FRONT}{BACK}{named}"))});
    refused(&host, &order, 422, "reserved for the host's own store").await;
    let fetches = host.upload(component("fetches.wasm")).await;
    let answer = add(&host, "@platform", FETCHER, &fetches).await;
    assert!(answer.status == 400 && answer.detail().contains("reserved for the host's own store"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_granted_once_however_it_is_written() {
    let host = Host::start(&format!("{FRONT}{BACK}{FETCHER}")).await;
    let fetches = marked(&component("fetches.wasm"), "other");
    let path = "/services/fetcher/releases?grant=api.example.com&grant=API.example.com.";
    let answer = host.operator.post(path, fetches.clone()).await;
    let told = "api.example.com is granted twice, maybe in another spelling: keep one of them";
    assert!(answer.status == 400 && answer.body.to_string().contains(told), "{answer:?}");
    let digest = host.upload(fetches).await;
    let set = json!({"set": {"fetcher": {"digest": digest}}, "grants": ["127.0.0.1:80", "[::ffff:127.0.0.1]:80"]});
    let answer = host.post("/releases", &set).await;
    assert!(answer.status == 400 && answer.body.to_string().contains("is granted twice"), "{answer:?}");
}
