//! A start has what was applied, whatever its manifest says: that is told, and takes effect by an apply.

use serde_json::{Value, json};
use switchyard::contract::wit_files;

use super::host::{Host, manifest};
use super::{BACK, FETCHER, FRONT, WEB, changes, history};
use crate::guest::{component, workspace};
use crate::releases::components::marked;

/// The settings of the manifest file that are not applied.
async fn unapplied(host: &Host) -> Value {
    host.get("/services").await["manifestFile"]["unapplied"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_changed_is_told_and_counts_from_an_apply_on() {
    let settings = "environment = { RELEASE = \"1\" }\nlimits = { calls_in_flight_max = 7 }\n";
    let before = format!("{FRONT}{settings}{BACK}{WEB}");
    let host = Host::start(&before).await;
    assert_eq!(unapplied(&host).await, json!([]));

    let other = settings.replace("\"1\"", "\"2\"").replace('7', "8");
    let after =
        format!("deploy.shadow_calls_min = 9\n{FRONT}{other}{BACK}{}{FETCHER}", WEB.replace("/web", "/web/web"));
    let host = host.restart(&after).await;
    let release = async || host.public.get("/front?script=release").await.body;
    assert_eq!(release().await, "1");
    let mount = async |host: &Host| host.get("/services/web").await["mount"].clone();
    assert_eq!((mount(&host).await, host.public.get("/web/greeting").await.status), (json!("/web"), 200));
    assert_eq!(host.operator.get("/services/fetcher").await.status, 404);
    let told = [
        "deploy.shadow_calls_min",
        "services.fetcher",
        "services.front.environment.RELEASE",
        "services.front.limits.calls_in_flight_max",
        "services.web.mount",
    ];
    assert_eq!(unapplied(&host).await, json!(told));
    assert_eq!(history(&host, 3).await, Vec::<String>::new());

    let fetcher = host.upload(component("fetches.wasm")).await;
    let order = json!({"manifest": manifest(&after), "components": {"fetcher": fetcher}});
    assert_eq!(host.post("/apply", &order).await.expect(200)["applied"], true);
    assert_eq!(release().await, "2");
    assert_eq!((mount(&host).await, host.public.get("/web/greeting").await.status), (json!("/web/web"), 404));
    assert_eq!(unapplied(&host).await, json!([]));

    // And so it is after a start with the earlier file.
    let host = host.restart(&before).await;
    assert_eq!(mount(&host).await, json!("/web/web"));
    assert_eq!(unapplied(&host).await, json!(told));
    assert_eq!(changes(&host.apply(&before).await).len(), told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_a_section_is_there_until_an_apply_removes_it() {
    let all = format!("{FRONT}{BACK}{FETCHER}");
    let host = Host::start(&all).await;
    host.write("set key one").await.expect(200);
    host.deploy("front", marked(&component("callers.wasm"), "second")).await;
    let host = host.restart(FETCHER).await;
    assert_eq!(host.write("get key").await.expect(200), "one");
    assert_eq!(unapplied(&host).await, json!(["services.back", "services.front"]));

    host.apply(FETCHER).await;
    let host = host.restart(&all).await;
    assert_eq!(host.operator.get("/services/front").await.status, 404);
    assert_eq!(host.kept_components().len(), 3, "a removed service's releases stay");
    host.apply(&all).await;
    let host = host.restart(&all).await;
    assert_eq!(host.get("/services/front").await["live"]["number"], 2);
    assert_eq!(host.write("get key").await.expect(200), "one");
    assert_eq!(changes(&host.apply(&all).await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_contracts_count_after_a_start_too() {
    let all = format!("{FRONT}{BACK}");
    let host = Host::start(&all).await;
    let text = |(path, text): (String, String)| json!({"path": path, "text": text.replace("`GET /front?script`", "`GET /moved?script`")});
    let contracts: Vec<_> = wit_files(&workspace().join("host/tests/wit")).unwrap().into_iter().map(text).collect();
    host.post("/apply", &json!({"manifest": manifest(&all), "contracts": contracts})).await.expect(200);
    let host = host.restart(&all).await;
    host.deploy("front", marked(&component("callers.wasm"), "second")).await;
    assert_eq!(host.public.get("/moved?script=say%20here").await.body, "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_file_of_the_host_is_compared_with_what_is_applied() {
    let (before, after) = (format!("{FRONT}{BACK}"), format!("{FRONT}{BACK}{WEB}"));
    let host = Host::start(&before).await;
    let web = host.upload(component("web_0_2.wasm")).await;
    let order = json!({"manifest": manifest(&after), "components": {"web": web}});
    let path = host.data().parent().unwrap().join("switchyard.toml");
    let told = async |agrees: bool, line: &str| {
        let answer = host.post(line, &order).await.expect(200);
        assert_eq!(answer["manifestFile"], json!({"path": path, "agrees": agrees}), "{line}");
    };
    told(false, "/apply?dryRun=true").await;
    told(false, "/apply").await;
    assert_eq!(unapplied(&host).await, json!(["services.web"]));
    // Where it is there in other words, it is the same.
    std::fs::write(&path, format!("# The shop.\n{}", manifest(&after))).unwrap();
    told(true, "/apply?dryRun=true").await;
    assert_eq!(unapplied(&host).await, json!([]));
    std::fs::write(&path, "no manifest").unwrap();
    told(false, "/apply").await;
    let error = host.get("/services").await["manifestFile"]["error"].clone();
    assert!(error.as_str().is_some_and(|error| error.contains("switchyard.toml:1")), "{error}");
    let host = host.restart(&before).await;
    assert_eq!(host.public.get("/web/greeting").await.status, 200);
}
