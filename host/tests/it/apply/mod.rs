//! A running host is brought to what a manifest says: over HTTP, as the command line does it.

pub(crate) mod host;
mod kills;
mod mounts;
mod refusals;
mod starts;

use serde_json::{Value, json};
use switchyard::contract::wit_files;

use crate::guest::{component, workspace};
use crate::releases::components::{digest, marked, variant};
use host::{Host, manifest};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

pub(crate) const FRONT: &str =
    "[services.front]\ncontract = \"test:calls/front-service@1.0.0\"\ncomponent = \"callers.wasm\"\n";
pub(crate) const BACK: &str =
    "[services.back]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"callers.wasm\"\n";
const FETCHER: &str = "[services.fetcher]\ncontract = \"test:fetches/fetcher\"\ncomponent = \"fetches.wasm\"\n\
                       outbound_hosts = [\"127.0.0.1:9\"]\n";

/// A service that speaks HTTP itself.
pub(crate) const WEB: &str =
    "[services.web]\nmount = \"/web\"\ncomponent = \"web_0_2.wasm\"\noutbound_hosts = [\"127.0.0.1:9\"]\n";

/// What changes, each as one text.
fn changes(answer: &Value) -> Vec<String> {
    let text = |change: &Value, name: &str| change[name].as_str().unwrap_or("-").to_owned();
    let changes = answer["changes"].as_array().unwrap().iter();
    changes.map(|one| format!("{} {} {}", text(one, "service"), text(one, "what"), text(one, "detail"))).collect()
}

/// The history, oldest first, without what is alike in all tests.
async fn history(host: &Host, after: usize) -> Vec<String> {
    let lines = host.get("/history?limit=500").await;
    let mut lines: Vec<_> = lines["items"].as_array().unwrap().clone();
    lines.reverse();
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or("-").to_owned();
    let lines = lines.iter().skip(after);
    lines.map(|line| format!("{} {} {}", text(line, "service"), text(line, "what"), text(line, "reason"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_nothing_to_do() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let components = json!({"front": digest(&component("callers.wasm")), "back": digest(&component("callers.wasm"))});
    let contracts: Vec<_> = wit_files(&workspace().join("host/tests/wit"))
        .unwrap()
        .into_iter()
        .map(|(path, text)| json!({"path": path, "text": text}))
        .collect();
    let manifest = manifest(&format!("{FRONT}{BACK}"));
    let order = json!({"manifest": manifest, "components": components, "contracts": contracts});
    for line in ["/apply?dryRun=true", "/apply"] {
        let answer = host.post(line, &order).await.expect(200);
        assert_eq!((changes(&answer), &answer["missing"]), (vec![], &json!([])), "{line}");
        assert_eq!(answer["applied"], line == "/apply");
    }
    assert_eq!(history(&host, 2).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_planned_uploaded_and_added() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let order = json!({
        "manifest": manifest(&format!("{FRONT}{BACK}{FETCHER}")),
        "components": {"fetcher": digest(&component("fetches.wasm"))},
        "reason": "prices",
    });
    let added = ["fetcher add "];
    let answer = host.post("/apply?dryRun=true", &order).await.expect(200);
    assert_eq!(
        (changes(&answer), &answer["missing"]),
        (added.map(String::from).to_vec(), &json!([digest(&component("fetches.wasm"))]))
    );
    let answer = host.post("/apply", &order).await.expect(200);
    assert_eq!(answer["applied"], false, "{answer}");

    host.upload(component("fetches.wasm")).await;
    let answer = host.post("/apply?dryRun=true", &order).await.expect(200);
    assert_eq!((&answer["missing"], &answer["applied"]), (&json!([]), &json!(false)));
    assert_eq!(answer["verdicts"]["fetcher"]["accepted"], true, "{answer}");
    assert_eq!(host.operator.get("/services/fetcher").await.status, 404);
    assert!(!host.data().join("services/fetcher.redb").exists(), "a dry run leaves nothing");

    let answer = host.post("/apply", &order).await.expect(200);
    assert_eq!((changes(&answer), &answer["applied"]), (added.map(String::from).to_vec(), &json!(true)));
    let called = host.call("fetcher", "fetch", json!({"authority": "127.0.0.1:9"})).await.expect(200);
    assert!(called.as_str().unwrap().contains("ConnectionRefused"), "{called}");
    assert_eq!(history(&host, 2).await, ["fetcher add prices"]);
    assert_eq!(changes(&host.post("/apply", &order).await.expect(200)), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_service_ends_its_calls_and_leaves_its_store_until_it_is_dropped() {
    let outside = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = outside.local_addr().unwrap().to_string();
    let fetcher = FETCHER.replace("127.0.0.1:9", &authority);
    let host = Host::start(&format!("{FRONT}{BACK}{fetcher}")).await;
    let call = host.call("fetcher", "fetch", json!({"authority": authority}));
    let remove = async {
        // The call is under way as soon as it asks for something outside, and it ends when it gets that.
        let (mut asked, _) = outside.accept().await.unwrap();
        assert_eq!(host.delete("/stores/fetcher").await, 409);
        let removed = host.apply(&format!("{FRONT}{BACK}")).await;
        assert_eq!(host.call("fetcher", "fetch", json!({"authority": authority})).await.status, 404);
        asked.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
        (removed, asked)
    };
    let (called, (removed, _asked)) = tokio::join!(call, remove);
    assert_eq!(called.expect(200), "200 hello");
    assert_eq!(changes(&removed), ["fetcher remove its store and its releases are kept"]);
    let stores = |all: &Value| -> Vec<String> {
        let items = all["items"].as_array().unwrap().iter();
        items.map(|one| format!("{} {}", one["service"].as_str().unwrap(), one["inUse"])).collect()
    };
    assert_eq!(stores(&host.get("/stores").await), ["back true", "fetcher false", "front true"]);

    assert_eq!(host.delete("/stores/fetcher").await, 204);
    assert_eq!(stores(&host.get("/stores").await), ["back true", "front true"]);
    assert_eq!(host.delete("/stores/fetcher").await, 404);
    assert_eq!(host.delete("/stores/Fetcher").await, 404);
    assert_eq!(host.kept_components(), [digest(&component("callers.wasm"))]);
    assert_eq!(history(&host, 3).await, ["fetcher remove -", "fetcher drop -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_comes_back_goes_on_with_its_data_and_its_releases() {
    let all = format!("{FRONT}{BACK}{FETCHER}");
    let host = Host::start(&all).await;
    host.write("set key one").await.expect(200);
    let second = marked(&component("callers.wasm"), "second");
    host.deploy("front", second.clone()).await;
    host.apply(FETCHER).await;

    let back = host.apply(&all).await;
    let what = "add it was removed before: its store and releases are used again";
    assert_eq!(changes(&back), [format!("back {what}"), format!("front {what}")]);
    let front = host.get("/services/front").await;
    assert_eq!((&front["live"]["number"], front["kept"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(host.write("get key").await.expect(200), "one");

    // Once more, with another component: that is a release of its own, beside those that it had.
    host.apply(FETCHER).await;
    let third = host.upload(marked(&component("callers.wasm"), "third")).await;
    let components = json!({"front": third});
    let order = json!({"manifest": manifest(&all), "components": components});
    assert_eq!(host.post("/apply", &order).await.expect(200)["applied"], true);
    let front = host.get("/services/front").await;
    assert_eq!((&front["live"]["digest"], &front["live"]["number"]), (&json!(third), &json!(3)));
    assert_eq!(front["kept"].as_array().unwrap().len(), 2);
    assert_eq!(host.write("get key").await.expect(200), "one");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_changes_changes_at_one_instant() {
    let with = |release: usize| {
        let environment = format!("environment = {{ RELEASE = \"{release}\" }}\n");
        format!("{FRONT}{environment}{BACK}{environment}")
    };
    let host = Host::start(&with(1)).await;
    let calls = async {
        let mut seen = Vec::new();
        loop {
            let answer = host.public.get("/front?script=release;back.read%7Brelease%7D").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let (front, back) =
                answer.body.as_str().unwrap().split_once(',').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            assert_eq!(front, back, "one call saw both");
            let last = front == "9";
            seen.push(front);
            if last {
                break seen;
            }
        }
    };
    let applies = async {
        for release in 2..=9 {
            let answer = host.apply(&with(release)).await;
            let expected = ["back settings environment.RELEASE", "front settings environment.RELEASE"];
            assert_eq!(changes(&answer), expected);
        }
    };
    let (seen, ()) = tokio::join!(calls, applies);
    assert!(seen.is_sorted(), "{seen:?}");
    let lines = history(&host, 2).await;
    assert_eq!(lines.len(), 16);
    assert_eq!(lines[0], "back settings environment.RELEASE");
    let front = host.get("/services/front").await;
    assert_eq!((&front["live"]["number"], front["kept"].as_array().unwrap().len()), (&json!(9), 8));
    let figures = &front["figures"]["calls"];
    assert!(figures.as_u64().unwrap() >= seen.len() as u64, "{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_change_under_a_release_that_stays() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let write = async |bytes: usize| host.write(&format!("set key {}", "x".repeat(bytes))).await.status;
    assert_eq!(write(2_000).await, 200);
    let before = host.get("/services/front").await;

    let limits = "limits = { deadline_ms = 200, store_bytes_max = 3000 }\n";
    let answer = host.apply(&format!("{FRONT}{limits}{BACK}")).await;
    let expected = ["front settings limits.deadline_ms", "front settings limits.store_bytes_max"];
    assert_eq!(changes(&answer), expected);
    assert_eq!(write(4_000).await, 503);
    assert_eq!(host.write("sleep 60000").await.status, 504);
    let after = host.get("/services/front").await;
    assert_eq!((&after["live"]["number"], &after["kept"]), (&before["live"]["number"], &json!([])));
    let calls = |service: &Value| service["figures"]["calls"].as_u64().unwrap();
    assert_eq!(calls(&after), calls(&before) + 2, "what was counted is kept");

    // The quota alone needs no release at all.
    let answer = host.apply(&format!("{FRONT}limits = {{ deadline_ms = 200, store_bytes_max = 9000 }}\n{BACK}")).await;
    assert_eq!((changes(&answer), &answer["verdicts"]), (vec![expected[1].into()], &json!({})));
    assert_eq!(write(4_000).await, 200);
    let reasons =
        ["front settings limits.deadline_ms, limits.store_bytes_max", "front settings limits.store_bytes_max"];
    assert_eq!(history(&host, 2).await, reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_come_as_text_and_count_from_then_on() {
    let all = format!("{FRONT}{BACK}");
    let host = Host::start(&all).await;
    let contracts: Vec<_> = wit_files(&workspace().join("host/tests/wit"))
        .unwrap()
        .into_iter()
        .map(|(path, text)| json!({"path": path, "text": text.replace("`GET /front?script`", "`GET /moved?script`")}))
        .collect();
    let order = json!({"manifest": manifest(&all), "contracts": contracts});
    let answer = host.post("/apply", &order).await.expect(200);
    // What `back` imports is a part of its contract too.
    let text = |service: &str| format!("{service} contract the text of test:calls/{service}-service@1.0.0");
    assert_eq!(changes(&answer), [text("back"), text("front")]);
    assert_eq!(host.public.get("/moved?script=say%20here").await.body, "here");
    assert_eq!(host.public.get("/front?script=say%20here").await.status, 405);
    // What is deployed from now on keeps the contract that came, although the folder has another.
    host.deploy("front", marked(&component("callers.wasm"), "second")).await;
    assert_eq!(host.public.get("/moved?script=say%20here").await.body, "here");
    assert_eq!(changes(&host.post("/apply", &order).await.expect(200)), Vec::<String>::new());
}

/// The component's data is of version 2: it writes `key` when it migrates to it.
#[tokio::test(flavor = "multi_thread")]
async fn the_data_of_a_service_that_comes_is_brought_to_what_its_component_writes() {
    let all = format!("{FRONT}{BACK}{FETCHER}");
    let host = Host::start(&all).await;
    host.write("set key one").await.expect(200);
    host.apply(FETCHER).await;
    let migrates = |version: u32, does: &str| variant(&format!("version={version}|pause=5000|migrate={does}"));

    // One whose migration fails does not come, and its data is as it was.
    let apply = async |component: Vec<u8>| {
        let components = json!({"front": host.upload(component).await});
        host.post("/apply", &json!({"manifest": manifest(&all), "components": components})).await
    };
    let refused = apply(migrates(2, "set key two; refuse no")).await;
    assert_eq!(refused.status, 422, "{:#}", refused.body);
    host.apply(&all).await;
    assert_eq!(host.write("get key").await.expect(200), "one");
    host.apply(FETCHER).await;

    apply(migrates(2, "set key two")).await.expect(200);
    assert_eq!(host.write("get key").await.expect(200), "two");
    let front = host.get("/services/front").await;
    assert_eq!((&front["dataVersion"], &front["live"]["dataVersion"]["writes"]), (&json!(2), &json!(2)));

    // The same of one that runs; calls wait for it, and none fails.
    apply(migrates(3, "set key three")).await.expect(200);
    assert_eq!(host.write("get key").await.expect(200), "three");
    // And it is not brought there again when it goes and comes back.
    host.write("set key four").await.expect(200);
    host.apply(FETCHER).await;
    host.apply(&all).await;
    assert_eq!(host.write("get key").await.expect(200), "four");
    assert_eq!(host.get("/services/front").await["dataVersion"], 3);
}

/// The order that names this component for `front`.
fn front_is(component: &[u8]) -> Value {
    json!({"manifest": manifest(&format!("{FRONT}{BACK}")), "components": {"front": digest(component)}})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_takes_back_no_live_deploy_unless_it_is_told() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let (first, deployed, next) = (component("callers.wasm"), variant("a"), variant("b"));
    host.deploy("front", deployed.clone()).await;
    host.upload(next.clone()).await;
    let live = async || host.get("/services/front").await["live"]["digest"].clone();
    for wanted in [&first, &next] {
        let kept = host.post("/apply", &front_is(wanted)).await.expect(200);
        let [kept] = kept["changes"].as_array().unwrap().as_slice() else { panic!("{kept:#}") };
        assert_eq!((&kept["what"], &kept["to"]), (&json!("keeps"), &json!(digest(wanted))));
        assert!(kept["detail"].as_str().unwrap().contains("--reset-releases"), "{kept:#}");
        assert_eq!(live().await, digest(&deployed));
    }
    let told = host.post("/apply?resetReleases=true", &front_is(&next)).await.expect(200);
    assert_eq!(changes(&told), ["front deploy "]);
    assert_eq!(live().await, digest(&next));
    // What an apply left is replaced by the next one.
    host.upload(first.clone()).await;
    host.post("/apply", &front_is(&first)).await.expect(200);
    assert_eq!(live().await, digest(&first));
    // A rollback is not taken back either, and a manifest that agrees with a deploy is one from then on.
    host.operator.post("/services/front/rollback", "").await.expect(200);
    host.post("/apply", &front_is(&first)).await.expect(200);
    assert_eq!(live().await, digest(&next));
    host.post("/apply", &front_is(&next)).await.expect(200);
    host.post("/apply", &front_is(&first)).await.expect(200);
    assert_eq!(live().await, digest(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_is_added_and_removed_while_the_others_stay_as_they_are() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    let fetches = host.upload(component("fetches.wasm")).await;
    // This manifest has other limits for `front`, and no `back`.
    let text = manifest(&format!("{FRONT}[services.front.limits]\ndeadline_ms = 7\n{FETCHER}"));
    let order = json!({"manifest": text, "component": fetches, "reason": "prices"});
    let put = async |path: &str| {
        let json = host.operator.with_header("content-type", "application/json");
        json.send("PUT", path, order.to_string()).await
    };
    let planned = put("/services/fetcher?dryRun=true").await.expect(200);
    assert_eq!((changes(&planned), &planned["applied"]), (vec!["fetcher add ".to_owned()], &json!(false)));
    assert_eq!(planned["verdicts"]["fetcher"]["accepted"], true, "{planned:#}");
    assert_eq!(host.operator.get("/services/fetcher").await.status, 404);
    let added = put("/services/fetcher").await.expect(200);
    assert_eq!((changes(&added), &added["applied"]), (vec!["fetcher add ".to_owned()], &json!(true)));
    assert_eq!(changes(&put("/services/fetcher").await.expect(200)), Vec::<String>::new());
    assert_eq!(put("/services/blog").await.status, 422, "it has no section");

    let needed = host.operator.send("DELETE", "/services/back", "").await;
    assert_eq!(needed.status, 409, "{:#}", needed.body);
    let removed = host.operator.send("DELETE", "/services/fetcher?reason=old", "").await.expect(200);
    assert_eq!(changes(&removed), ["fetcher remove its store and its releases are kept"]);
    assert_eq!(host.operator.send("DELETE", "/services/fetcher", "").await.status, 404);
    assert_eq!(history(&host, 2).await, ["fetcher add prices", "fetcher remove old"]);
}

/// Checks that `value` has the members of the schema `name`, and no other ones.
fn check_schema(document: &Value, name: &str, value: &Value) {
    let schema = &document["components"]["schemas"][name];
    let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) else { return };
    for required in schema["required"].as_array().unwrap() {
        assert!(members.contains_key(required.as_str().unwrap()), "{name} has no {required}: {value:#}");
    }
    for (member, value) in members {
        let property = properties.get(member).unwrap_or_else(|| panic!("{name} describes no {member}"));
        let of = |property: &Value| property["$ref"].as_str().and_then(|of| of.rsplit('/').next()).map(str::to_owned);
        if let Some(name) = of(property) {
            check_schema(document, &name, value);
        }
        if let Some(name) = of(&property["items"]) {
            value.as_array().unwrap().iter().for_each(|item| check_schema(document, &name, item));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_members_that_the_document_describes() {
    let host = Host::start(&format!("{FRONT}{BACK}")).await;
    host.operator.post("/services/front/releases?weight=10&reason=x", variant("a")).await.expect(201);
    host.write("variant").await;
    host.operator.post_json("/tokens", &json!({"name": "ci", "role": "viewer"})).await.expect(201);
    let document = host.operator.with_token("").get("/openapi.json").await.expect(200);
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let content = &operations["get"]["responses"]["200"]["content"]["application/json"];
        if path.ends_with("/entry") || path == "/cluster" {
            // One needs the key of an entry, and the other one a cluster.
            continue;
        }
        let Some(schema) = content["schema"]["$ref"].as_str() else { continue };
        let answer = host.operator.get(&path.replace("{service}", "front")).await.expect(200);
        check_schema(&document, schema.rsplit('/').next().unwrap(), &answer);
        checked += 1;
    }
    assert!(checked >= 14, "{checked}");
}
