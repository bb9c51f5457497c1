//! Services that speak HTTP themselves come, go and move while the host runs.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::host::{Host, manifest};
use super::{BACK, FRONT, WEB, changes, history};
use crate::guest::component;
use crate::releases::components::{digest, web};

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_comes_changes_moves_and_goes_without_a_restart() {
    let (pair, all) = (format!("{FRONT}{BACK}"), format!("{FRONT}{BACK}{WEB}"));
    let host = Host::start(&pair).await;
    assert_eq!(host.public.get("/web/variant").await.status, 404);
    let component = host.upload(web("0.2", "first")).await;
    let order = json!({"manifest": manifest(&all), "components": {"web": component}});
    let added = host.post("/apply", &order).await.expect(200);
    assert_eq!((changes(&added), &added["applied"]), (vec!["web add ".into()], &json!(true)));
    assert_eq!(host.public.get("/web/variant").await.body, "first");

    let component = host.upload(web("0.3", "second")).await;
    let greeting = all.replace("[services.web]\n", "[services.web]\nenvironment = { GREETING = \"hello\" }\n");
    let order = json!({"manifest": manifest(&greeting), "components": {"web": component}});
    let changed = host.post("/apply", &order).await.expect(200);
    assert_eq!(changes(&changed), ["web deploy ", "web settings environment.GREETING"]);
    assert_eq!(host.public.get("/web/variant").await.body, "second");
    assert_eq!(host.public.get("/web/greeting").await.body, "hello");

    let moved = greeting.replace("\"/web\"", "\"/\"");
    assert_eq!(changes(&host.apply(&moved).await), ["web settings mount"]);
    assert_eq!(host.public.get("/variant").await.body, "second");
    assert_eq!(host.public.get("/front?script=say%20here").await.body, "here", "routes of contracts go first");
    let service = host.get("/services/web").await;
    assert_eq!((&service["live"]["number"], &service["mount"]), (&json!(2), &json!("/")));

    assert_eq!(changes(&host.apply(&pair).await), ["web remove its store and its releases are kept"]);
    assert_eq!(host.public.get("/variant").await.status, 404);
    let back = host.apply(&greeting).await;
    assert_eq!(changes(&back), ["web add it was removed before: its store and releases are used again"]);
    let service = host.get("/services/web").await;
    assert_eq!(service["live"]["digest"], digest(&web("0.3", "second")));
    assert_eq!(service["kept"][0]["digest"], digest(&web("0.2", "first")));
    let lines = ["add -", "deploy environment.GREETING", "settings mount", "remove -", "add -"];
    assert_eq!(history(&host, 2).await, lines.map(|line| format!("web {line}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_while_a_mounted_service_is_changed_by_applies() {
    let of = |release: usize| {
        let environment = format!("environment = {{ GREETING = \"g{release}\" }}\n");
        format!("{FRONT}{BACK}{WEB}{environment}")
    };
    let host = Host::start(&of(0)).await;
    let done = AtomicBool::new(false);
    let asks = async {
        let mut seen = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let answer = host.public.get("/web/greeting").await;
            seen.push(answer.expect(200).as_str().unwrap().to_owned());
        }
        seen
    };
    let applies = async {
        for release in 1..=9 {
            assert_eq!(changes(&host.apply(&of(release)).await), ["web settings environment.GREETING"]);
        }
        done.store(true, Ordering::Relaxed);
    };
    let (seen, ()) = tokio::join!(asks, applies);
    assert!(seen.is_sorted() && seen.len() > 9, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mounted_service_gets_a_contract_only_after_it_was_removed() {
    let all = format!("{FRONT}{BACK}{WEB}");
    let host = Host::start(&all).await;
    let served = "[services.web]\ncontract = \"test:fetches/fetcher\"\ncomponent = \"fetches.wasm\"\n\
                  outbound_hosts = [\"127.0.0.1:9\"]\n";
    let other = format!("{FRONT}{BACK}{served}");
    let component = host.upload(component("fetches.wasm")).await;
    let order = json!({"manifest": manifest(&other), "components": {"web": component}});
    let refused = host.post("/apply", &order).await;
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("remove it with one apply"), "{}", refused.detail());

    host.apply(&format!("{FRONT}{BACK}")).await;
    assert_eq!(host.post("/apply", &order).await.expect(200)["applied"], true);
    let host = host.restart(&other).await;
    let service = host.get("/services/web").await;
    assert!(service["contract"].as_str().unwrap().starts_with("test:fetches/fetcher"), "{service:#}");
    assert_eq!(service["kept"], json!([]), "there is no way back to another kind of service");
}
