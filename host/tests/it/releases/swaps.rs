//! Swaps in full: what is live then, what is kept to go back to, and what a restart finds.

use serde_json::json;

use super::components::{digest, says, variant};
use super::{Rig, digests};

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_makes_a_release_live_and_the_same_once_more_changes_nothing() {
    let rig = Rig::pair("").await;
    assert_eq!(rig.look("variant").await, "1");
    let next = says("2");
    let made = rig.deploy("front", "?reason=because%20so", next.clone()).await.expect(201);
    assert_eq!((&made["unchanged"], &made["release"]["digest"]), (&json!(false), &json!(digest(&next))));
    assert_eq!(made["verdict"]["accepted"], true);
    assert_eq!(rig.look("variant; back.read{variant}").await, "2,1");
    let same = rig.deploy("front", "", next.clone()).await.expect(200);
    assert_eq!((&same["unchanged"], &same["release"]["number"]), (&json!(true), &json!(2)));
    let by_digest = json!({ "digest": digest(&next) });
    let same = rig.operator.post_json("/services/front/releases", &by_digest).await.expect(200);
    assert_eq!(same["unchanged"], true);

    let service = rig.service("front").await;
    assert_eq!((&service["live"]["number"], &service["live"]["by"]), (&json!(2), &json!("admin")));
    assert_eq!(digests(&service["kept"]), [digest(&says("1"))]);
    assert_eq!(rig.told("front").await, ["deploy"]);
    let line = rig.history().await.pop().unwrap();
    let (from, to) = (digest(&says("1")), digest(&next));
    assert_eq!((&line["from"], &line["to"], &line["reason"]), (&json!(from), &json!(to), &json!("because so")));
    assert_eq!((&line["who"], &line["verdict"]["accepted"]), (&json!("admin"), &json!(true)));
    assert!(line["verdict"]["text"].as_str().unwrap().starts_with("accepted"), "{line:#}");
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_judges_and_leaves_nothing() {
    let rig = Rig::pair("").await;
    let judged = rig.deploy("front", "?dryRun=true", says("2")).await.expect(200);
    assert_eq!((&judged["verdict"]["accepted"], judged.get("release")), (&json!(true), None));
    let refused = rig.deploy("front", "?dryRun=true", variant("smoke=panic")).await.expect(422);
    assert_eq!(refused["verdict"]["accepted"], false);
    assert_eq!(rig.look("variant").await, "1");
    assert!(rig.told("front").await.is_empty());
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_back_one_release_and_once_more_one_further() {
    let rig = Rig::pair("").await;
    for release in ["2", "3", "4"] {
        rig.deploy("front", "", says(release)).await.expect(201);
    }
    for (live, kept) in [("3", vec!["4", "2", "1"]), ("2", vec!["3", "4", "1"]), ("1", vec!["2", "3", "4"])] {
        let service = rig.change("front", "rollback").await.expect(200);
        assert_eq!(rig.look("variant").await, live);
        let kept: Vec<_> = kept.into_iter().map(|release| digest(&says(release))).collect();
        assert_eq!(digests(&service["kept"]), kept);
        rig.nothing_is_left_over().await;
    }
    let nothing = rig.change("front", "rollback").await;
    assert_eq!((nothing.status, nothing.detail()), (409, "Front has no earlier release."));
    assert_eq!(rig.told("front").await, ["deploy", "deploy", "deploy", "rollback", "rollback", "rollback"]);
    // What was left stays kept: the operator goes forward again by naming it.
    rig.change("front", &format!("rollback?to={}", digest(&says("4")))).await.expect(200);
    assert_eq!(rig.look("variant").await, "4");
    assert_eq!(rig.deploy("front", "", says("5")).await.expect(201)["release"]["number"], 5);
    // And then a rollback goes to what was live before, not to what was left.
    rig.change("front", "rollback").await.expect(200);
    assert_eq!(rig.look("variant").await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_to_the_release_whose_digest_begins_so() {
    let rig = Rig::pair("").await;
    for release in ["2", "3"] {
        rig.deploy("front", "", says(release)).await.expect(201);
    }
    let first = digest(&says("1"));
    let unknown = rig.change("front", "rollback?to=sha256:00000000").await;
    assert_eq!((unknown.status, unknown.detail()), (409, "Front has no earlier release sha256:00000000."));
    let (_, hex) = first.split_at("sha256:".len());
    rig.change("front", &format!("rollback?to={}&reason=x", &hex[..8])).await.expect(200);
    assert_eq!(rig.look("variant").await, "1");
    let kept = [digest(&says("3")), digest(&says("2"))];
    assert_eq!(digests(&rig.service("front").await["kept"]), kept);
    assert_eq!(rig.change("front", "rollback").await.status, 409, "what was left is gone to only by its name");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_ten_releases_are_kept() {
    let rig = Rig::pair("").await;
    for release in 2..=13 {
        rig.deploy("front", "", says(&release.to_string())).await.expect(201);
    }
    let kept: Vec<_> = (3..=12).rev().map(|release| digest(&says(&release.to_string()))).collect();
    assert_eq!(digests(&rig.service("front").await["kept"]), kept);
    rig.nothing_is_left_over().await;
    // A candidate that becomes live moves the oldest one out, too.
    rig.deploy("front", "?weight=5", says("14")).await.expect(201);
    rig.change("front", "promote").await.expect(200);
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_goes_on_with_the_releases_that_are_recorded() {
    let rig = Rig::pair("").await;
    rig.deploy("front", "", says("2")).await.expect(201);
    rig.deploy("front", "", says("3")).await.expect(201);
    rig.change("front", "rollback").await.expect(200);
    rig.deploy("back", "?weight=30&header=x-try=yes&reason=try", says("4")).await.expect(201);
    let (front, back, lines) = (rig.service("front").await, rig.service("back").await, rig.history().await);
    let setup = rig.stop().await;
    // The manifest names the component of the first release: what it is now is for a deploy to say.
    std::fs::write(setup.path("front.wasm"), says("5")).unwrap();
    std::fs::remove_file(setup.path("back.wasm")).unwrap();
    let rig = setup.start().await;
    assert_eq!(rig.look("variant").await, "2");
    let of = |service: &serde_json::Value| {
        let candidate = &service["candidate"];
        let rollout = ["digest", "number", "by", "reason", "share", "header", "phase", "step", "steps"];
        let rollout = rollout.map(|member| candidate[member].clone());
        (service["live"]["number"].clone(), service["live"]["digest"].clone(), service["kept"].clone(), rollout)
    };
    assert_eq!(of(&rig.service("front").await), of(&front));
    assert_eq!(of(&rig.service("back").await), of(&back));
    assert_eq!(rig.history().await, lines);
    assert_eq!(super::look(&rig.public.with_header("x-try", "yes"), "back.read{variant}").await, "4");
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_nobody_recorded_is_gone_after_a_restart() {
    let rig = Rig::pair("").await;
    let setup = rig.stop().await;
    let kept = super::files(&setup.path("data/components"));
    // As a host leaves it that was killed between the file and the record, or in the middle of the file.
    let stray = digest(&says("2")).replace("sha256:", "");
    std::fs::write(setup.path("data/components").join(stray + ".wasm"), says("2")).unwrap();
    std::fs::write(setup.path("data/components/.tmpAbC123"), b"half").unwrap();
    let rig = setup.start().await;
    assert_eq!(super::files(&rig.setup.path("data/components")), kept);
    assert_eq!(rig.look("variant").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_component_is_said_and_nothing_starts() {
    let rig = Rig::pair("").await;
    let setup = rig.stop().await;
    let name = digest(&says("1")).replace("sha256:", "") + ".wasm";
    std::fs::write(setup.path("data/components").join(name), says("2")).unwrap();
    let error = setup.try_start().await.err().unwrap();
    assert!(error.contains("is damaged"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_by_many_at_once_come_one_after_the_other() {
    let rig = Rig::pair("").await;
    let deployers = (2..8).map(async |release: usize| {
        let service = if release.is_multiple_of(2) { "front" } else { "back" };
        for _ in 0..4 {
            let deployed = rig.deploy(service, "", says(&release.to_string())).await;
            assert!(matches!(deployed.status, 200 | 201 | 409), "{:#}", deployed.body);
            assert!(matches!(rig.change(service, "rollback").await.status, 200 | 409));
        }
    });
    futures::future::join_all(deployers).await;
    for service in ["front", "back"] {
        let lines = rig.history().await;
        let lines = lines.iter().filter(|line| line["service"] == service);
        let mut live = json!(digest(&says("1")));
        for line in lines.skip(1) {
            assert_eq!(line["from"], live, "each change began where the one before ended");
            live = line["to"].clone();
        }
        assert_eq!(rig.service(service).await["live"]["digest"], live);
    }
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_swaps_make_calls_wait_for_is_in_the_metrics() {
    let rig = Rig::pair("").await;
    // Other hosts of this process count there too.
    let count = async |what: &str| -> u64 {
        let metrics = rig.operator.get("/metrics").await.expect(200);
        let name = format!("switchyard_swap_pause_seconds_count{{what=\"{what}\"}} ");
        let count = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix(&name));
        count.map_or(0, |count| count.parse().unwrap())
    };
    let (moved, held) = (count("pointer").await, count("held").await);
    rig.deploy("front", "", says("2")).await.expect(201);
    rig.change("front", "rollback").await.expect(200);
    assert!(count("pointer").await >= moved + 2);
    rig.deploy("front", "", variant("call=say 3|version=1|pause=5000|migrate=set form 1")).await.expect(201);
    assert!(count("pointer").await >= moved + 3 && count("held").await > held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_release_whose_component_is_missing_is_shown_as_such_and_not_gone_back_to() {
    let rig = Rig::pair("").await;
    for release in ["2", "3"] {
        rig.deploy("front", "", says(release)).await.expect(201);
    }
    let setup = rig.stop().await;
    let file = setup.path(&format!("data/components/{}.wasm", digest(&says("2")).replace("sha256:", "")));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    crate::log::capture();
    let rig = setup.start().await;
    let logged = crate::log::take();
    let named = format!("path={}", file.display());
    assert!(logged.contains("a file of an earlier release is missing") && logged.contains(&named), "{logged}");
    assert_eq!(rig.look("variant").await, "3");
    let kept = &rig.service("front").await["kept"];
    assert_eq!((&kept[0]["missing"], kept[1].get("missing")), (&json!(true), None), "{kept:#}");
    let refused = rig.change("front", "rollback").await;
    let said = format!("Release 2 of front cannot run, because {} is missing", file.display());
    assert!(refused.status == 409 && refused.detail().starts_with(&said), "{refused:?}");
    // A deploy of the same component writes it again.
    rig.deploy("front", "", says("2")).await.expect(201);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    let setup = rig.stop().await;
    std::fs::remove_file(&file).unwrap();
    let error = setup.try_start().await.map(drop).unwrap_err();
    assert!(error.contains(&format!("cannot read {}", file.display())), "of the live release: {error}");
}
