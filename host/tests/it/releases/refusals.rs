//! Every way in which a deploy is refused, by a component made for it: what was live goes on, and one line is left.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use switchyard::config::SignedRelease;
use switchyard::names::{Digest, ServiceName};

use super::components::{digest, dummy, marked, says, variant};
use super::{Answer, BACK, FRONT, Rig, Setup};
use crate::guest::{component, workspace};

/// Two services one of which calls the other, one that can be asked, and one that only starts.
const SHIFT: &str = "package test:shift@1.0.0;
interface give { give: func(of: u32) -> u32; }
interface take { take: func() -> u32; }
interface ask {
    /// `read`
    ask: func() -> u32;
}
world giver { export give; }
world taker { import give; export take; }
world asked { export ask; }
world starts {}
";

async fn shift() -> Rig {
    let setup = Setup::new("");
    setup.contract("shift", SHIFT);
    let rig = ["giver", "taker", "asked", "starts"]
        .iter()
        .fold(setup, |setup, world| setup.service(world, &format!("test:shift/{world}@1.0.0"), &dummy(SHIFT, world)));
    let fetches = "package test:fetches@1.0.0;
        interface fetches { fetch: func(authority: string) -> string; }
        world fetcher { export fetches; }";
    rig.service("fetcher", "test:fetches/fetcher@1.0.0", &dummy(fetches, "fetcher")).start().await
}

/// The names of the checks that a verdict failed.
fn failed(verdict: &Value) -> Vec<&str> {
    let failed = verdict["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false);
    failed.map(|check| check["name"].as_str().unwrap()).collect()
}

/// That `answer` refuses a deploy to `service` at the check `check`, for a reason that has all of `words` in it, and that
/// nothing but a line of the history came of it.
#[track_caller]
pub(super) fn refused(answer: Answer, check: &str, words: &[&str]) -> Value {
    let text = answer.detail().to_owned();
    let body = answer.expect(422);
    assert_eq!(failed(&body["verdict"]).first(), Some(&check), "{text}");
    assert_eq!(body["verdict"]["text"], json!(text));
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
    body["verdict"].clone()
}

impl Rig {
    /// Deploys what must be refused.
    pub(super) async fn refuse(
        &self,
        service: &str,
        query: &str,
        component: Vec<u8>,
        check: &str,
        words: &[&str],
    ) -> Value {
        let (before, lines) = (self.service(service).await, self.history().await);
        let proposed = digest(&component);
        let verdict = refused(self.deploy(service, query, component).await, check, words);
        self.only_a_line_is_left(service, &before, &lines).await;
        let line = self.history().await.pop().unwrap();
        assert_eq!((&line["what"], &line["to"], &line["verdict"]), (&json!("refused"), &json!(proposed), &verdict));
        verdict
    }

    async fn only_a_line_is_left(&self, service: &str, before: &Value, lines: &[Value]) {
        let after = self.service(service).await;
        for member in ["live", "kept", "candidate", "dataVersion"] {
            assert_eq!(after[member]["digest"], before[member]["digest"], "{member}");
            assert_eq!(after[member]["number"], before[member]["number"], "{member}");
        }
        let now = self.history().await;
        assert_eq!((now.len(), &now[..lines.len()]), (lines.len() + 1, lines));
        self.nothing_is_left_over().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_keep_the_contract_is_refused() {
    let rig = shift().await;
    let giver = |from: &str, to: &str| dummy(&SHIFT.replacen(from, to, 1), "giver");
    let check = async |component: Vec<u8>, words: &[&str]| rig.refuse("giver", "", component, "contract", words).await;
    check(b"hello".to_vec(), &["expected", "found"]).await;
    check(Vec::new(), &[]).await;
    check(wat::parse_str("(module)").unwrap(), &["module"]).await;
    let cut = dummy(SHIFT, "giver");
    check(cut[..cut.len() / 2].to_vec(), &[]).await;
    check(giver("world giver { export give; }", "world giver {}"), &["test:shift/give@1.0.0"]).await;
    check(giver("give: func(of: u32) -> u32;", "other: func();"), &["give@1.0.0", "give"]).await;
    check(giver("of: u32", "of: u64"), &["u64", "u32"]).await;
    let imports = giver("world giver {", "interface else { else: func(); } world giver { import else;");
    check(imports, &["test:shift/else@1.0.0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_start_or_answer_is_refused() {
    let rig = shift().await;
    let traps =
        "(component (core module $m (func $begin unreachable) (start $begin)) (core instance (instantiate $m)))";
    rig.refuse("starts", "", wat::parse_str(traps).unwrap(), "start", &["does not start", "unreachable"]).await;
    // Every function of these traps. The live release of `asked` is no better, so nothing gets worse.
    let silent = marked(&dummy(SHIFT, "asked"), "again");
    rig.deploy("asked", "", silent).await.expect(201);

    let rig = Rig::pair("limits.deadline_ms = 500").await;
    let calls = std::fs::read_to_string(workspace().join("host/tests/wit/calls/calls.wit")).unwrap();
    for words in [["front@1.0.0#look", "does not answer"], ["front@1.0.0#act", "0 functions answered"]] {
        rig.refuse("front", "", dummy(&calls, "front-service"), "start", &words).await;
    }
    let check = async |smoke: &str, words: &[&str]| {
        rig.refuse("front", "", variant(&format!("smoke={smoke}")), "start", words).await;
        assert_eq!(rig.look("variant").await, "1");
    };
    check("panic at the disco", &["trapped", "#look"]).await;
    check("set a b", &["#look"]).await;
    check("spin", &["deadline"]).await;
    check("emit x", &["#look"]).await;
    // An error of the contract is an answer, and so is a call of another service.
    rig.deploy("front", "?answersMayDiffer=true", variant("smoke=refuse nothing today")).await.expect(201);
    rig.deploy("front", "?answersMayDiffer=true", variant("smoke=back.read{say x}")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_reaches_out_is_refused_without_a_grant() {
    let rig = shift().await;
    let fetches = component("fetches.wasm");
    let words = ["wasi:http/outgoing-handler", "--grant"];
    let verdict = rig.refuse("fetcher", "", fetches.clone(), "grants", &words).await;
    assert!(!verdict["asks"]["needsGrant"].as_array().unwrap().is_empty(), "{verdict:#}");
    rig.deploy("fetcher", "?grant=127.0.0.1:1", fetches.clone()).await.expect(201);
    // What the live release was granted, the next one has.
    rig.deploy("fetcher", "", marked(&fetches, "next")).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_live_caller_is_refused_but_with_that_caller() {
    let rig = shift().await;
    let wit = SHIFT.replacen("of: u32", "of: u32, %and: u32", 1);
    rig.setup.contract("shift", &wit);
    let (giver, taker) = (dummy(&wit, "giver"), dummy(&wit, "taker"));
    let verdict = rig.refuse("giver", "", giver.clone(), "compatibility", &["taker", "--set", "give"]).await;
    let broken = &verdict["compatibility"];
    assert_eq!((&broken["level"], &broken["bump"]), (&json!("breaking"), &json!("major")));
    assert_eq!(broken["breaks"][0]["service"], "taker");
    // Nor does the caller go first.
    assert_eq!(rig.deploy("taker", "", taker.clone()).await.status, 422);
    let set = rig.deploy_set(&[("giver", giver.clone()), ("taker", taker.clone())]).await.expect(201);
    assert_eq!((&set["releases"]["giver"]["number"], &set["releases"]["taker"]["number"]), (&json!(2), &json!(2)));
    rig.nothing_is_left_over().await;
    // Nor can one of them go back alone.
    let back = rig.change("giver", "rollback").await;
    assert_eq!(back.status, 409, "{:#}", back.body);
    assert!(back.detail().starts_with("Taker would not fit"), "{}", back.detail());
    let rig = rig.restart().await;
    assert_eq!(rig.service("giver").await["live"]["number"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_set_all_or_nothing_is_made_live() {
    let rig = Rig::pair("").await;
    let (before, lines) = (rig.service("back").await, rig.history().await.len());
    let refused = rig.deploy_set(&[("front", says("2")), ("back", variant("smoke=panic"))]).await.expect(422);
    let verdicts = &refused["verdicts"];
    assert_eq!((&verdicts["front"]["accepted"], &verdicts["back"]["accepted"]), (&json!(true), &json!(false)));
    assert_eq!(rig.look("variant; back.read{variant}").await, "1,1");
    assert_eq!(rig.service("back").await["live"]["number"], before["live"]["number"]);
    assert_eq!(rig.history().await.len(), lines + 2, "a line for each of the set");
    rig.nothing_is_left_over().await;
    let set = rig.deploy_set(&[("front", says("2")), ("back", says("1"))]).await.expect(201);
    assert_eq!((&set["unchanged"], &set["releases"]["back"]["number"]), (&json!(false), &json!(1)));
    assert_eq!(rig.look("variant; back.read{variant}").await, "2,1");
    assert_eq!(rig.told("back").await, ["refused"], "what is live already is not deployed again");
    assert_eq!(rig.deploy_set(&[("front", says("2")), ("back", says("1"))]).await.expect(200)["unchanged"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_goes_wrong_is_refused() {
    let rig = Rig::pair("").await;
    rig.write("front", "set a b").await;
    let check = async |text: &str, words: &[&str]| {
        rig.refuse("front", "", variant(text), "data", words).await;
        assert_eq!(rig.look("get a; variant").await, "b,1");
        assert_eq!(rig.service("front").await["dataVersion"], 0);
    };
    check("version=1|pause=500|migrate=set a c; refuse the moon is wrong", &["the moon is wrong"]).await;
    check("version=1|pause=500|migrate=set a c; panic", &["trapped"]).await;
    check("version=1|pause=100|migrate=set a c; spin", &["deadline"]).await;
    check("version=1|pause=500|migrate=set a c; back.write{set d e}", &["back"]).await;
    check("version=1|pause=500|migrate=set a c; emit x", &["emitted"]).await;
    check("version=1|pause=30001", &["30001 ms", "30000 ms"]).await;
    rig.refuse("front", "?weight=5", variant("version=1|pause=500"), "data", &["in full"]).await;
    assert_eq!(rig.write("back", "get d").await, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_has_moved_on_is_for_nobody_who_does_not_read_it() {
    let rig = Rig::pair("").await;
    let deployed = rig.deploy("front", "", variant("version=2|reads=3|pause=500|call=say 2")).await.expect(201);
    assert_eq!(deployed["release"]["dataVersion"], json!({ "format": "callers", "writes": 2, "readsUpTo": 3 }));
    // A store without data would be of any version.
    rig.write("front", "set a b").await;
    rig.refuse("front", "", says("3"), "data", &["reads version 2", "up to version 0"]).await;
    rig.refuse("front", "?shadow=100", variant("version=1|reads=1"), "data", &["up to version 1"]).await;
    // An earlier version that reads it is welcome.
    rig.deploy("front", "", variant("version=1|reads=2|call=say 1")).await.expect(201);
    assert_eq!(rig.service("front").await["dataVersion"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_keeps_the_contract_of_the_live_release() {
    let rig = shift().await;
    let wit = SHIFT.replacen("give: func(of: u32) -> u32;", "give: func(of: u32) -> u32; more: func();", 1);
    rig.setup.contract("shift", &wit);
    rig.refuse("giver", "?weight=5", dummy(&wit, "giver"), "compatibility", &["in full"]).await;
    // The contract is no reason to refuse it in full, but its new function traps.
    let verdict = rig.refuse("giver", "", dummy(&wit, "giver"), "start", &["#more", "does not answer"]).await;
    assert_eq!(verdict["compatibility"]["bump"], "minor");
}

/// A key, and its public half as a manifest has it.
fn key() -> (Ed25519KeyPair, String) {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let public = format!("ed25519:{}", BASE64.encode(pair.public_key().as_ref()));
    (pair, public)
}

/// What `by` signs with a number: that `component` may be a release of `service`.
fn signature(by: &Ed25519KeyPair, service: &str, contract: &str, number: u64, component: &[u8]) -> String {
    let (service, component) = (ServiceName::parse(service).unwrap(), Digest::of(component));
    let release = SignedRelease { service: &service, contract, component: &component };
    format!("{number}:{}", BASE64.encode(by.sign(release.message(number).as_bytes()).as_ref()))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_signatures_are_asked_for_only_what_a_signer_signed_runs() {
    let ((ours, public), (theirs, _)) = (key(), key());
    let setup = Setup::pair(&format!("deploy.signers = [\"{public}\"]"));
    // The first start asks for them too.
    let error = async |setup: Setup| {
        let path = setup.path("back.wasm.sig");
        (setup.try_start().await.err().unwrap(), path)
    };
    let (told, path) = error(setup).await;
    assert!(told.contains("there is no signature") && told.contains(path.to_str().unwrap()), "{told}");

    let setup = Setup::pair(&format!("deploy.signers = [\"{public}\"]"));
    let first = |service: &str, contract: &str| signature(&ours, service, contract, 5, &says("1"));
    std::fs::write(setup.path("front.wasm.sig"), first("front", FRONT)).unwrap();
    std::fs::write(setup.path("back.wasm.sig"), first("front", FRONT)).unwrap();
    let (told, _) = error(setup).await;
    assert!(told.contains("component of back") && told.contains("for another service"), "{told}");

    let setup = Setup::pair(&format!("deploy.signers = [\"{public}\"]"));
    std::fs::write(setup.path("front.wasm.sig"), first("front", FRONT)).unwrap();
    std::fs::write(setup.path("back.wasm.sig"), first("back", BACK)).unwrap();
    let rig = setup.start().await;
    let deploy = async |query: &str, signature: &str, component: Vec<u8>| {
        let operator = rig.operator.with_header("switchyard-signature", signature);
        operator.post(&format!("/services/front/releases{query}"), component).await
    };
    let next = says("2");
    rig.refuse("front", "", next.clone(), "signature", &["no signature", "switchyard sign"]).await;
    let of = |by: &Ed25519KeyPair, number: u64, component: &[u8]| signature(by, "front", FRONT, number, component);
    for (signature, words) in [
        (of(&theirs, 6, &next), "by none of them"),
        (of(&ours, 6, &says("3")), "another service, contract, number or component"),
        (signature(&ours, "back", FRONT, 6, &next), "another service"),
        (signature(&ours, "front", BACK, 6, &next), "another service"),
        (of(&ours, 6, &next).replace("6:", "7:"), "another service"),
        (of(&ours, 4, &next), "number 4, after one with 5"),
    ] {
        let (before, lines) = (rig.service("front").await, rig.history().await);
        refused(deploy("", &signature, next.clone()).await, "signature", &[words]);
        rig.only_a_line_is_left("front", &before, &lines).await;
    }
    assert_eq!(deploy("", "rubbish", next.clone()).await.status, 400);
    assert_eq!(rig.look("variant").await, "1");
    deploy("", &of(&ours, 6, &next), next.clone()).await.expect(201);
    assert_eq!(rig.look("variant").await, "2");

    // An old component comes back with its old signature only if the operator says so; a rollback says it.
    refused(deploy("", &first("front", FRONT), says("1")).await, "signature", &["number 5, after one with 6"]);
    deploy("?allowOldSignature=true", &first("front", FRONT), says("1")).await.expect(201);
    rig.change("front", "rollback").await.expect(200);
    assert_eq!(rig.look("variant").await, "2");

    let mut set = json!({ "set": { "front": { "digest": digest(&next) }, "back": { "digest": digest(&next) } } });
    assert_eq!(rig.operator.post_json("/releases", &set).await.status, 422);
    set["signatures"] = json!({ "front": of(&ours, 6, &next), "back": signature(&ours, "back", BACK, 6, &next) });
    rig.operator.post_json("/releases", &set).await.expect(201);

    // Who signed it counts at a rollback too, by the signers of now.
    let (_, others) = key();
    let setup = rig.stop().await.with_keys(&public, &others);
    let rig = setup.start().await;
    let refused = rig.change("back", "rollback").await;
    assert_eq!((refused.status, refused.detail().contains("`force`")), (409, true), "{}", refused.detail());
    rig.change("back", "rollback?force=true").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_brings_no_component_that_no_signer_signed() {
    let (ours, public) = key();
    let setup = Setup::pair(&format!("deploy.signers = [\"{public}\"]"));
    let of = |number: u64, component: &[u8]| signature(&ours, "front", FRONT, number, component);
    std::fs::write(setup.path("front.wasm.sig"), of(1, &says("1"))).unwrap();
    std::fs::write(setup.path("back.wasm.sig"), signature(&ours, "back", BACK, 1, &says("1"))).unwrap();
    let rig = setup.start().await;
    let next = says("2");
    rig.operator.send("PUT", "/components", next.clone()).await.expect(200);
    let manifest = std::fs::read_to_string(rig.setup.path("switchyard.toml")).unwrap();
    let mut order = json!({ "manifest": manifest, "components": { "front": digest(&next) } });
    for (signature, words) in [(None, "no signature"), (Some(of(2, &says("3"))), "another service, contract, number")] {
        order["signatures"] = signature.map_or_else(|| json!({}), |signature| json!({ "front": signature }));
        refused(rig.operator.post_json("/apply", &order).await, "signature", &[words]);
        assert_eq!(rig.look("variant").await, "1");
    }
    order["signatures"] = json!({ "front": of(2, &next) });
    assert_eq!(rig.operator.post_json("/apply", &order).await.expect(200)["applied"], true);
    assert_eq!(rig.look("variant").await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_starts_with_no_component_that_does_not_fit() {
    let broken = Setup::new("").service("front", FRONT, b"hello").service("back", BACK, &says("1"));
    let error = broken.try_start().await.err().unwrap();
    assert!(error.contains("does not keep its contract"), "{error}");
    let alone = Setup::new("").service("front", FRONT, &says("1"));
    let error = alone.try_start().await.err().unwrap();
    assert!(error.contains("test:calls/back"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_with_slots_for_an_unknown_function_is_refused() {
    let service = |function: &str| {
        let slots = format!("limits.function_calls_in_flight_max = {{ {function} = 2 }}");
        Setup::pair("").with(&slots)
    };
    let error = service("raed").try_start().await.err().expect("a refusal");
    assert!(error.contains("`services.back.limits.function_calls_in_flight_max` names `raed`"), "{error}");
    assert!(error.contains("did you mean `read`?"), "{error}");
    service("read").start().await.stop().await;
}
