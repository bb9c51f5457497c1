//! Formats of data: what a verdict says of them, and what it takes to run a release over data of another one.

use serde_json::{Value, json};

use super::components::{digest, dummy, marked, says, shelf, variant};
use super::handovers::{CONTRACT, host};
use super::{Answer, Rig, Setup, refusals, until};
use crate::guest::component;

/// The contract of the shelf, for a component that does not say what its data is.
const SHELF: &str = "package test:shelf@1.0.0;
interface shelf {
    get: func(key: string) -> option<string>;
    all: func() -> list<tuple<string, string>>;
    put: func(key: string, text: string);
    remove: func(key: string);
    fill: func(prefix: string, count: u32);
}
world shelf-service { export shelf; }";

/// What a verdict says of the data.
#[track_caller]
fn data(verdict: &Value) -> &str {
    let check = verdict["checks"].as_array().unwrap().iter().find(|check| check["name"] == "data");
    check.unwrap_or_else(|| panic!("the data is not checked: {verdict:#}"))["detail"].as_str().unwrap()
}

#[track_caller]
fn accepted(answer: Answer) -> Value {
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.body["verdict"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_names_the_format_and_the_version_and_how_the_release_fits_them() {
    let rig = Rig::pair("").await;
    let tried = async |query: &str, text: &str| rig.deploy("front", query, variant(text)).await;
    let empty = accepted(tried("?dryRun=true", "format=other").await);
    assert_eq!(data(&empty), "there is no data; it writes the format other");
    rig.write("front", "set n 1").await;
    let same = accepted(tried("?dryRun=true", "call=say 2").await);
    assert_eq!(data(&same), "same: the format callers, and the data is of version 0");
    let migrates = accepted(tried("", "version=1|pause=5000|migrate=set form new").await);
    assert_eq!(
        data(&migrates),
        "migrates: the migration from version 0 to 1 passes on a snapshot; a rollback then goes only to a release that \
         reads version 1, unless forced"
    );
    let too_new = refusals::refused(tried("", "call=say 2").await, "data", &["one that reads version 1"]);
    assert_eq!(data(&too_new), "a component that reads data up to version 0");
    // It has no state interface, so there is no handover.
    let words = ["a component that reads the format callers", "--data-compatible"];
    let other = refusals::refused(tried("", "format=other|version=1").await, "data", &words);
    assert_eq!(data(&other), "the format other");
    let rig = host("layout=a").await;
    rig.put("n", "1").await;
    let words = ["a component that reads the format shelf-a", "`--handover` copies the data"];
    let handover = refusals::refused(rig.deploy("shelf", "", shelf("layout=b")).await, "data", &words);
    assert_eq!(data(&handover), "needs a handover: the format shelf-b");
}

/// A release over data that another format has, with a deploy for which the operator vouches.
async fn over_another_format() -> (Rig, Vec<u8>) {
    let rig = Rig::pair("").await;
    rig.write("front", "set n 1").await;
    let other = variant("call=say 2|format=other");
    refusals::refused(rig.deploy("front", "", other.clone()).await, "data", &["--data-compatible"]);
    let verdict = accepted(rig.deploy("front", "?dataCompatible=true", other.clone()).await);
    assert_eq!(data(&verdict), VOUCHED);
    assert_eq!(rig.look("get n; variant").await, "1,2");
    (rig, other)
}

const VOUCHED: &str = "same: the format other, and the data is of version 0; the operator vouches for that";

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_vouches_for_a_format_and_the_history_has_it() {
    let (rig, other) = over_another_format().await;
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["who"], &line["to"]), (&json!("deploy"), &json!("admin"), &json!(digest(&other))));
    assert_eq!(data(&line["verdict"]), VOUCHED);
    // So it is with a migration of that data.
    let migrates = variant("format=third|version=1|pause=5000|migrate=set form new");
    let verdict = accepted(rig.deploy("front", "?dataCompatible=true", migrates).await);
    assert!(data(&verdict).contains("passes on a snapshot; the operator vouches for that; "), "{verdict:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployer_does_not_vouch_for_a_format() {
    let rig = Rig::pair("").await;
    rig.write("front", "set n 1").await;
    let (deployer, _) = rig.token("ci", "deployer", &["front"]).await;
    for query in ["?dataCompatible=true", "?dataCompatible=true&dryRun=true"] {
        let path = format!("/services/front/releases{query}");
        deployer.post(&path, variant("call=say 2|format=other")).await.expect(403);
    }
    let uploaded = rig.operator.send("PUT", "/components", says("2")).await.expect(200);
    let set = json!({ "set": { "front": { "digest": uploaded["digest"] } } });
    deployer.post_json("/releases?dataCompatible=true", &set).await.expect(403);
    assert_eq!(rig.look("variant").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_over_data_of_another_format_is_refused_unless_it_is_forced() {
    let (rig, _) = over_another_format().await;
    let refused = rig.change("front", "rollback").await;
    let words = ["the data of front has the format other", "the release writes the format callers", "`force`"];
    assert!(words.iter().all(|word| refused.detail().to_lowercase().contains(word)), "{refused:?}");
    refused.expect(409);
    // A restart changes nothing of that.
    let rig = rig.restart().await;
    rig.change("front", "rollback").await.expect(409);
    assert_eq!(rig.look("get n; variant").await, "1,2");
    rig.change("front", "rollback?force=true").await.expect(200);
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["figures"]), (&json!("rollback"), &json!({ "dataForced": true })), "{line:#}");
    assert_eq!(rig.look("get n; variant").await, "1,1");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_vouches_for_data_of_components_that_name_no_format() {
    let own = component("emits.wasm");
    let rig = Setup::new("").service("source", "test:events/source-service", &own).start().await;
    let call = async |function: &str, arguments: Value| {
        rig.operator.post_json(&format!("/services/source/call/{function}"), &arguments).await.expect(200)
    };
    call("run", json!({ "script": "set n 1" })).await;
    assert_eq!(call("look", json!({ "key": "n" })).await, "1");
    let verdict = accepted(rig.deploy("source", "", marked(&own, "again")).await);
    let nobody = "nobody vouches for the format: neither it nor the releases before it name one";
    assert_eq!(data(&verdict), format!("{nobody}, and the data is of version 0"));
    let warning = format!("{nobody}: whether it reads the data is only known from the calls below");
    assert_eq!(verdict["warnings"], json!([warning]));
    // The calls are shown with that.
    let checks = verdict["checks"].as_array().unwrap();
    let answers = checks.iter().find(|check| check["name"] == "answers").unwrap();
    assert_eq!(answers["detail"], "1 recent calls compared, all with the same answer (look)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_with_a_format_replaces_one_without_only_where_there_is_no_data() {
    let start = async || Setup::new("").service("shelf", CONTRACT, &dummy(SHELF, "shelf-service")).start().await;
    let rig = start().await;
    let verdict = accepted(rig.deploy("shelf", "", shelf("layout=a")).await);
    assert_eq!(data(&verdict), "there is no data; it writes the format shelf-a");
    let rig = start().await;
    rig.operator.send("PUT", "/services/shelf/entry?key=n", "1").await.expect(200);
    let words = ["a component that reads a format that nobody names", "--data-compatible"];
    let refused = refusals::refused(rig.deploy("shelf", "", shelf("layout=a")).await, "data", &words);
    assert_eq!(data(&refused), "the format shelf-a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_leads_to_data_of_the_version_that_it_had() {
    let rig = host("layout=a|version=2").await;
    rig.put("n", "1").await;
    // A release that writes version 1 and reads version 2 leaves the data at version 2.
    accepted(rig.deploy("shelf", "", shelf("layout=a|version=1|reads=2")).await);
    rig.hand_over("layout=b").await;
    until("the way back", async || rig.change("shelf", "rollback").await.status == 200).await;
    rig.change("shelf", "settle").await.expect(200);
    assert_eq!(rig.service("shelf").await["dataVersion"], 2);
    refusals::refused(
        rig.deploy("shelf", "", shelf("layout=a|version=1")).await,
        "data",
        &["one that reads version 2"],
    );
    rig.change("shelf", "rollback").await.expect(200);
}
