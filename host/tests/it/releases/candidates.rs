//! Candidates: who gets one, how its share grows, and how the host promotes it or takes it out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::components::{digest, dummy, marked, says, variant};
use super::http::Client;
use super::{Rig, Setup, digests, look, until};

/// Enough calls to judge by in a moment.
const SOON: &str = "deploy.candidate_calls_min = 20";

/// Clients of the same host, each at an address of its own.
fn clients(rig: &Rig, count: u8) -> Vec<Client> {
    (1..=count).map(|last| rig.client_from([127, 0, 3, last])).collect()
}

/// Whether `taken` of `all` is as likely as a share of `percent` percent makes it: within four standard deviations of a
/// binomial distribution. Who gets a candidate is fixed by its digest, so that this passes always or never.
#[track_caller]
fn is_a_share_of(percent: f64, taken: usize, all: usize) {
    let (share, all) = (percent / 100.0, all as f64);
    let deviation = (all * share * (1.0 - share)).sqrt();
    assert!((taken as f64 - all * share).abs() < 4.0 * deviation, "{taken} of {all} for {percent} %");
}

/// Has clients call until `holds` of the service `front`.
async fn call_until(rig: &Rig, what: &str, scripts: &[&str], holds: impl Fn(&Value) -> bool) {
    let clients = clients(rig, 40);
    until(what, async || {
        for (client, script) in clients.iter().zip(scripts.iter().cycle()) {
            let _whatever_it_says = look(client, script).await;
        }
        holds(&rig.service("front").await)
    })
    .await;
}

/// The last line of the history of the service `front`.
async fn last_line(rig: &Rig) -> Value {
    let lines = rig.history().await;
    lines.into_iter().rfind(|line| line["service"] == "front").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_the_clients_gets_a_candidate_and_keeps_it() {
    let rig = Rig::pair("").await;
    let made = rig.deploy("front", "?weight=30", says("2")).await.expect(201);
    assert_eq!(made["release"]["number"], 2);
    let (mut answers, clients) = (BTreeMap::<String, usize>::new(), clients(&rig, 200));
    for client in &clients {
        let answer = look(client, "variant").await;
        assert_eq!(look(client, "variant; say x; variant").await, format!("{answer},x,{answer}"));
        *answers.entry(answer).or_default() += 1;
    }
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["1", "2"]);
    is_a_share_of(30.0, answers["2"], clients.len());
    let service = rig.service("front").await;
    let candidate = &service["candidate"];
    assert_eq!(
        (&candidate["phase"], &candidate["share"], &candidate["step"]),
        (&json!("canary"), &json!(0.3), &json!(0))
    );
    let counted = |release: &Value| release["figures"]["calls"].as_u64().unwrap() / 2;
    assert_eq!((counted(&service["live"]), counted(candidate)), (answers["1"] as u64, answers["2"] as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_of_its_clients_gets_and_keeps_its_own_release() {
    let rig = Rig::pair("gateway.trusted_proxies = [\"127.0.0.1/32\"]").await;
    rig.deploy("front", "?weight=30", says("2")).await.expect(201);
    let forwarded = |client: &Client, last: u8| client.with_header("x-forwarded-for", &format!("203.0.113.{last}"));
    let (clients, mut taken) = (200, 0);
    for last in 1..=clients {
        let client = forwarded(&rig.public, last);
        let answer = look(&client, "variant").await;
        assert_eq!(look(&client, "variant").await, answer, "203.0.113.{last}");
        taken += usize::from(answer == "2");
    }
    is_a_share_of(30.0, taken, clients.into());
    // Nobody else may say where its clients are.
    let (direct, mut answers) = (rig.client_from([127, 0, 4, 1]), std::collections::BTreeSet::new());
    for last in 1..=clients {
        answers.insert(look(&forwarded(&direct, last), "variant").await);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_gets_the_same_candidate_wherever_it_signs_in() {
    let rig = Rig::pair("").await;
    let accounts = 200;
    let sessions: Vec<_> = (0..accounts).map(|n| format!("set session/token-{n} account-{n} customer")).collect();
    rig.write("back", &sessions.join("; ")).await;
    rig.deploy("front", "?weight=20", says("2")).await.expect(201);
    let elsewhere = rig.client_from([127, 0, 4, 1]);
    let mut taken = 0;
    for account in 0..accounts {
        let token = format!("token-{account}");
        let answer = look(&rig.public.with_token(&token), "variant; who").await;
        assert!(answer.ends_with(&format!(",account-{account}/customer by a client")), "{answer}");
        assert_eq!(look(&elsewhere.with_token(&token), "variant; who").await, answer);
        taken += usize::from(answer.starts_with('2'));
    }
    is_a_share_of(20.0, taken, accounts);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_the_header_gets_the_candidate_and_without_a_share_nobody_else() {
    let rig = Rig::pair("").await;
    rig.deploy("front", "?header=x-try=yes", says("2")).await.expect(201);
    let asked = |value: &str| rig.public.with_header("x-try", value);
    assert_eq!(look(&asked("yes"), "variant").await, "2");
    assert_eq!(look(&asked("no"), "variant").await, "1");
    for client in clients(&rig, 20) {
        assert_eq!(look(&client, "variant").await, "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_meets_one_release_of_a_service_all_the_way_down() {
    let rig = Rig::pair("").await;
    rig.deploy("front", "?weight=50", says("2")).await.expect(201);
    rig.deploy("back", "?weight=50", says("2")).await.expect(201);
    let mut seen = std::collections::BTreeSet::new();
    for client in clients(&rig, 40) {
        let answer = look(&client, "variant; back.read{variant; front.read{variant}}; back.read{variant}").await;
        let [front, back, below, again] = answer.split(',').collect::<Vec<_>>()[..] else { panic!("{answer}") };
        assert_eq!((front, back), (below, again), "{answer}");
        seen.insert((front.to_owned(), back.to_owned()));
    }
    assert_eq!(seen.len(), 4, "two candidates share no callers by more than chance: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_candidate_is_promoted_step_by_step() {
    let rig = Rig::pair(SOON).await;
    rig.deploy("front", "?steps=20,60&every=1", says("2")).await.expect(201);
    let early = rig.service("front").await["candidate"].clone();
    assert_eq!((&early["steps"], &early["everySeconds"]), (&json!([0.2, 0.6]), &json!(1)));
    assert_eq!(early["judged"]["text"], "0 of 20 calls so far");
    call_until(&rig, "the promotion", &["variant"], |front| front["live"]["number"] == 2).await;
    assert_eq!(rig.told("front").await, ["candidate", "step", "promote"]);
    for line in rig.history().await.iter().rev().take(2) {
        assert_eq!((&line["who"], &line["to"]), (&json!("host"), &json!(digest(&says("2")))));
        let figures = &line["figures"];
        assert!(figures["live"]["calls"].as_u64() >= Some(20) && figures["candidate"]["calls"].as_u64() >= Some(20));
        assert!(figures["text"].as_str().unwrap().starts_with("as good as the live release"), "{figures:#}");
    }
    assert_eq!(rig.look("variant").await, "2");
    rig.change("front", "rollback").await.expect(200);
    assert_eq!(rig.look("variant").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_everybody_gets_is_promoted_too() {
    let rig = Rig::pair(SOON).await;
    for client in clients(&rig, 20) {
        look(&client, "variant").await;
    }
    rig.deploy("front", "?weight=100&every=1", says("2")).await.expect(201);
    call_until(&rig, "the promotion", &["variant"], |front| front["live"]["number"] == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_time_a_candidate_waits_for_its_operator() {
    let rig = Rig::pair(SOON).await;
    rig.deploy("front", "?weight=50", says("2")).await.expect(201);
    let judged = |front: &Value| front["candidate"]["judged"]["opinion"] == "good";
    call_until(&rig, "a good opinion", &["variant"], judged).await;
    assert_eq!(rig.service("front").await["live"]["number"], 1);
    let promoted = rig.change("front", "promote?reason=fine").await.expect(200);
    assert_eq!((&promoted["live"]["number"], promoted.get("candidate")), (&json!(2), None));
    let line = last_line(&rig).await;
    assert_eq!((&line["what"], &line["who"], &line["reason"]), (&json!("promote"), &json!("admin"), &json!("fine")));
    assert_eq!(rig.look("variant").await, "2");
    let nothing = rig.change("front", "promote").await;
    assert_eq!((nothing.status, nothing.detail()), (409, "Front has no candidate."));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_candidate_gets_no_more_calls() {
    let rig = Rig::pair("").await;
    rig.deploy("front", "?weight=100", says("2")).await.expect(201);
    assert_eq!(rig.look("variant").await, "2");
    rig.change("front", "abort?reason=ugly").await.expect(200);
    assert_eq!(rig.look("variant").await, "1");
    assert_eq!(rig.change("front", "abort").await.status, 409);
    assert_eq!(rig.told("front").await, ["candidate", "abort"]);
    rig.nothing_is_left_over().await;
    // The next one takes the place of the one before.
    for release in ["3", "4"] {
        rig.deploy("front", "?weight=100&replace=true", says(release)).await.expect(201);
        assert_eq!(rig.look("variant").await, release);
        rig.nothing_is_left_over().await;
    }
}

/// A candidate that is no good, what its callers ask for, and what the history says of it.
const BAD: [(&str, &[&str], &str); 4] = [
    ("call=panic", &["variant"], "its circuit opened"),
    ("call=panic", &["variant", "say x", "say x"], "of its calls trap"),
    ("call=refuse all", &["variant", "say x"], "of its calls are refused"),
    ("call=sleep 300", &["variant"], "of its calls take longer"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_candidate_is_taken_out() {
    for (text, scripts, why) in BAD {
        // Where the figures are to tell, its circuit must not open before.
        let failures = if why == "its circuit opened" { "" } else { "limits.circuit_failures = 1_000" };
        let rig = Rig::pair(&format!("{SOON}\n{failures}")).await;
        rig.deploy("front", "?weight=50", variant(text)).await.expect(201);
        call_until(&rig, why, scripts, |front| front.get("candidate").is_none()).await;
        let line = last_line(&rig).await;
        assert_eq!((&line["what"], &line["who"]), (&json!("takenOut"), &json!("host")), "{text}");
        assert!(line["reason"].as_str().unwrap().contains(why), "{text}: {line:#}");
        let figures = &line["figures"];
        assert!(figures["candidate"]["calls"].as_u64() >= Some(1), "{text}: {figures:#}");
        for client in clients(&rig, 20) {
            assert_eq!(look(&client, "variant").await, "1", "{text}");
        }
        rig.nothing_is_left_over().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_services_may_have_a_candidate_at_once() {
    let wit = "package test:many@1.0.0; world many {}";
    let setup = Setup::new("");
    setup.contract("many", wit);
    let (one, other) = (dummy(wit, "many"), marked(&dummy(wit, "many"), "other"));
    let names = ["a", "b", "c", "d", "e"];
    let setup = names.iter().fold(setup, |setup, name| setup.service(name, "test:many/many@1.0.0", &one));
    let rig = setup.start().await;
    for name in &names[..4] {
        rig.deploy(name, "?weight=5", other.clone()).await.expect(201);
    }
    let fifth = rig.deploy("e", "?weight=5", marked(&one, "fifth")).await;
    assert_eq!(fifth.status, 409, "{:#}", fifth.body);
    assert_eq!(rig.told("e").await, ["refused"]);
    rig.nothing_is_left_over().await;
    rig.change("b", "abort").await.expect(200);
    rig.deploy("e", "?weight=5", other.clone()).await.expect(201);
    let rig = rig.restart().await;
    assert_eq!(rig.service("e").await["candidate"]["share"], 0.05);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_goes_back_from_a_release_whose_circuit_opens_where_the_manifest_says_so() {
    let keys = "limits.circuit_failures = 5\nlimits.circuit_clients = 1\nlimits.circuit_open_ms = 60_000\n";
    let rig = Rig::pair(&format!("{keys}deploy.rollback_when_circuit_opens = true")).await;
    rig.deploy("front", "", says("2")).await.expect(201);
    rig.deploy("front", "", variant("call=panic")).await.expect(201);
    call_until(&rig, "the way back", &["variant"], |front| front["live"]["digest"] == digest(&says("2"))).await;
    assert_eq!(rig.look("variant").await, "2");
    let line = last_line(&rig).await;
    assert_eq!((&line["what"], &line["who"]), (&json!("rollback"), &json!("host")));
    assert!(line["reason"].as_str().unwrap().contains("circuit"), "{line:#}");
    assert_eq!(digests(&rig.service("front").await["kept"])[0], digest(&variant("call=panic")), "it can be gone to");

    // One step back for each deploy: from what the host went back to, it does not go on by itself.
    let rig = Rig::pair(&format!("{keys}deploy.rollback_when_circuit_opens = true")).await;
    rig.deploy("front", "", variant("call=panic a")).await.expect(201);
    // Only the release that is deployed next may be gone back from.
    call_until(&rig, "the way back", &["variant"], |front| front["live"]["digest"] == digest(&says("1"))).await;
    rig.change("front", &format!("rollback?to={}", digest(&variant("call=panic a")))).await.expect(200);
    call_until(&rig, "an open circuit", &["variant"], |front| front["live"]["circuitOpen"] == true).await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(rig.service("front").await["live"]["digest"], digest(&variant("call=panic a")), "it stays");

    // Nor does it walk on through releases that fail too.
    let rig = Rig::pair(&format!("{keys}deploy.rollback_when_circuit_opens = true")).await;
    rig.deploy("front", "", variant("call=panic a")).await.expect(201);
    rig.deploy("front", "", variant("call=panic b")).await.expect(201);
    let panics = digest(&variant("call=panic a"));
    call_until(&rig, "one step back", &["variant"], |front| front["live"]["digest"] == panics).await;
    call_until(&rig, "an open circuit", &["variant"], |front| front["live"]["circuitOpen"] == true).await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(rig.service("front").await["live"]["digest"], panics, "it stays");

    let rig = Rig::pair(keys).await;
    rig.deploy("front", "", variant("call=panic")).await.expect(201);
    call_until(&rig, "an open circuit", &["variant"], |front| front["live"]["circuitOpen"] == true).await;
    // Longer than the host looks away.
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(rig.service("front").await["live"]["number"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_trial_is_ended_only_on_purpose_and_the_history_has_its_end() {
    let rig = Rig::pair("").await;
    rig.deploy("front", "?weight=100", says("2")).await.expect(201);
    for query in ["", "?weight=5"] {
        let refused = rig.deploy("front", query, says("3")).await;
        assert_eq!(refused.status, 409, "{:#}", refused.body);
        assert!(refused.detail().contains("`--replace`"), "{}", refused.detail());
    }
    assert_eq!(rig.look("variant").await, "2");
    rig.deploy("front", "?dryRun=true", says("3")).await.expect(200);
    rig.deploy("front", "?weight=100&replace=true", says("3")).await.expect(201);
    rig.deploy("front", "?replace=true&reason=now", says("4")).await.expect(201);
    assert_eq!(rig.told("front").await, ["candidate", "replaced", "candidate", "replaced", "deploy"]);
    let history = rig.history().await;
    let ends: Vec<_> = history.iter().filter(|line| line["what"] == "replaced").collect();
    let [first, last] = ends.as_slice() else { panic!("{history:#?}") };
    assert_eq!((&first["from"], &first["to"]), (&json!(digest(&says("2"))), &json!(digest(&says("3")))));
    assert_eq!((&last["from"], &last["to"]), (&json!(digest(&says("3"))), &json!(digest(&says("4")))));
    assert!(last["reason"].as_str().unwrap().contains("ended its trial"), "{last:#}");
    rig.nothing_is_left_over().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_candidate_keeps_its_share_and_another_weight_counts_at_once() {
    let rig = Rig::pair(SOON).await;
    rig.deploy("front", "?steps=20,60&every=1", says("2")).await.expect(201);
    let paused = rig.change("front", "pause?reason=lunch").await.expect(200);
    assert_eq!((&paused["candidate"]["paused"], &paused["candidate"]["step"]), (&json!(true), &json!(0)));
    assert_eq!(rig.change("front", "pause").await.status, 409);
    let judged = |front: &Value| front["candidate"]["judged"]["opinion"] == "good";
    call_until(&rig, "a good opinion", &["variant"], judged).await;
    // Longer than a step, and than the host looks away.
    tokio::time::sleep(std::time::Duration::from_millis(1600)).await;
    assert_eq!(rig.service("front").await["candidate"]["share"], 0.2);
    let weighed = rig.change("front", "weight?weight=30%25&reason=more").await.expect(200);
    assert_eq!(weighed["candidate"]["steps"], json!([0.3, 0.6]));
    assert_eq!((&weighed["candidate"]["share"], &weighed["candidate"]["paused"]), (&json!(0.3), &json!(true)));
    assert_eq!(rig.change("front", "weight").await.status, 400);
    let rig = rig.restart().await;
    assert_eq!(rig.service("front").await["candidate"]["paused"], true, "a restart changes nothing");
    let resumed = rig.change("front", "resume").await.expect(200);
    assert_eq!(resumed["candidate"].get("paused"), None);
    assert_eq!(rig.change("front", "resume").await.status, 409);
    call_until(&rig, "the promotion", &["variant"], |front| front["live"]["number"] == 2).await;
    assert_eq!(rig.told("front").await, ["candidate", "pause", "step", "resume", "step", "promote"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_candidate_is_taken_out_although_it_is_paused() {
    let rig = Rig::pair(SOON).await;
    rig.deploy("front", "?weight=50", variant("call=refuse all")).await.expect(201);
    rig.change("front", "pause").await.expect(200);
    call_until(&rig, "its end", &["variant", "say x"], |front| front.get("candidate").is_none()).await;
    assert_eq!(rig.told("front").await, ["candidate", "pause", "takenOut"]);
}

/// Runs `switchyard deploy front` with `component` and these `options`, and gives its exit code.
async fn deploys(rig: &Rig, component: &[u8], options: &str) -> Option<i32> {
    let folder = rig.setup.folder.path();
    let file = digest(component).replace("sha256:", "") + ".wasm";
    std::fs::write(folder.join(&file), component).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_switchyard"));
    command.args(["deploy", "front", &file, "--data", "data", "--admin"]);
    command.arg(format!("http://{}", rig.operator.address())).args(options.split(' ')).current_dir(folder);
    command.env_remove("SWITCHYARD_ADMIN").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.kill_on_drop(true).status().await.unwrap().code()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_of_a_deploy_that_waits_says_how_its_trial_ended() {
    let rig = Rig::pair(SOON).await;
    assert_eq!(deploys(&rig, &says("2"), "--weight 50% --wait=1s").await, Some(6), "it has not ended");
    let is_candidate = async |component: &[u8]| {
        let due = json!(digest(component));
        until("the candidate", async || rig.service("front").await["candidate"]["digest"] == due).await;
    };
    for (text, action, code) in [("3", "abort", 5), ("4", "promote", 0)] {
        let component = says(text);
        let end = async {
            is_candidate(&component).await;
            rig.change("front", action).await.expect(200);
        };
        let (found, ()) = tokio::join!(deploys(&rig, &component, "--weight 50% --replace --wait"), end);
        assert_eq!(found, Some(code), "{action}");
    }
    let (component, other) = (says("5"), says("6"));
    let replace = async {
        is_candidate(&component).await;
        rig.deploy("front", "?weight=5&replace=true", other).await.expect(201);
    };
    let (code, ()) = tokio::join!(deploys(&rig, &component, "--weight 50% --wait"), replace);
    assert_eq!(code, Some(5), "another one replaced it");
    rig.change("front", "abort").await.expect(200);
    let bad = variant("call=refuse all");
    let calls = async {
        is_candidate(&bad).await;
        call_until(&rig, "its end", &["variant", "say x"], |front| front.get("candidate").is_none()).await;
    };
    let (code, ()) = tokio::join!(deploys(&rig, &bad, "--weight 50% --wait"), calls);
    assert_eq!(code, Some(1), "the host took it out");
}
