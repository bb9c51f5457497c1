//! A restore brings back the applied settings, services and mounts of its number.

use serde_json::json;
use switchyard::contract::wit_files;

use super::restore_with;
use crate::apply::host::{Host, manifest};
use crate::apply::{BACK, FRONT, WEB};
use crate::guest::{component, workspace};
use crate::releases::components::marked;

/// The manifest of the release `release`, mounted there, with the archive that the restore reads.
fn services(release: u32, mount: &str) -> String {
    let front =
        format!("{FRONT}environment = {{ RELEASE = \"{release}\" }}\nlimits = {{ call_depth_max = {release} }}\n");
    format!("{front}{BACK}{}[journal]\narchive = \"archive\"\n", WEB.replace("/web", mount))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_brings_back_the_settings_mounts_and_contracts_of_its_number() {
    let host = Host::start(&services(2, "/web")).await;
    host.backup("monday").await;
    let moved = |text: &str| text.replace("`GET /front?script`", "`GET /moved?script`");
    let contracts = wit_files(&workspace().join("host/tests/wit")).unwrap().into_iter();
    let contracts: Vec<_> = contracts.map(|(path, text)| json!({"path": path, "text": moved(&text)})).collect();
    let order = json!({"manifest": manifest(&services(3, "/web/web")), "contracts": contracts});
    host.post("/apply", &order).await.expect(200);
    let number = host.backup("tuesday").await["number"].to_string();
    let without = format!("{FRONT}{BACK}[journal]\narchive = \"archive\"\n");
    host.apply(&without).await;

    // From the earlier backup by the journal, and from the later one as it is: with the last manifest, and another one.
    let old = ["--archive", "archive", "--old-data", "old", "--at", &number];
    let line: Vec<_> = ["monday"].iter().chain(&old).copied().collect();
    let host = restore_with(host.stop().await, "old", &line, &without).await;
    check(&host).await;
    let host = restore_with(host.stop().await, "second", &["tuesday"], &services(2, "/web")).await;
    check(&host).await;
}

async fn check(host: &Host) {
    assert_eq!(host.public.get("/moved?script=release").await.body, "3");
    assert_eq!(host.public.get("/web/web/greeting").await.status, 200);
    assert_eq!(host.public.get("/web/greeting").await.status, 404);
    // What is deployed is judged by the contracts that were applied then.
    host.deploy("front", marked(&component("callers.wasm"), "other")).await;
    assert_eq!(host.public.get("/moved?script=release").await.body, "3");
}
