use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};
use crate::names::Digest;

const MANIFEST: &str = "[services.cart]\ncontract = \"shop:cart/cart-service@1.0.0\"\ncomponent = \"cart.wasm\"\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("switchyard.toml", MANIFEST);
    write("cart.wasm", "wasm");
    std::fs::create_dir_all(folder.path().join("wit/cart")).expect("a folder");
    write("wit/cart/cart.wit", "package shop:cart;");
    folder
}

/// Runs `switchyard apply` with `options` in `folder`. Returns the outcome, the question to the operator, and the
/// requests to the host.
fn applied(host: FakeHost, folder: &Path, options: &str, yes: bool) -> (Outcome, String, Vec<Seen>) {
    let line = format!("switchyard apply --manifest {}{options}", folder.join("switchyard.toml").display());
    let Command::Apply(command) = parsed(&line) else { panic!("{line}") };
    let mut asked = String::new();
    let (outcome, seen) = host.run(|target| {
        run(target, &command, |question| {
            asked = question.replace(&target.url, "URL");
            if yes { Ok(()) } else { Err(Failure::text(Kind::Refused, "no")) }
        })
    });
    (outcome, asked, seen)
}

fn digest() -> String {
    Digest::of(b"wasm").to_string()
}

fn planned(applied: bool) -> Value {
    let change = json!({"service": "cart", "what": "deploy", "from": format!("sha256:{}", "a".repeat(64)), "to": digest(), "detail": ""});
    let missing = if applied { json!([]) } else { json!([digest()]) };
    json!({"changes": [change], "missing": missing, "verdicts": {}, "applied": applied})
}

#[test]
fn a_plan_is_shown_and_applied_when_it_is_confirmed() {
    let folder = folder();
    let mut complete = planned(false);
    complete["missing"] = json!([]);
    let host = FakeHost::new().answer(200, planned(false)).answer(201, "{}").answer(200, complete);
    let (outcome, asked, seen) = applied(host.answer(200, planned(true)), folder.path(), " --reason totals", true);
    let change = "  ~  cart  deploy  aaaaaaaaaaaa → 6c9b95ce8b6c".replace("6c9b95ce8b6c", &digest()[7..19]);
    assert_eq!(outcome.expect("applied"), format!("applied: 1 change\n{change}"));
    assert_eq!(asked, format!("1 change\n{change}\nApply this to URL?"));
    assert_eq!(lines(&seen), ["POST /apply?dryRun=true", "PUT /components", "POST /apply?dryRun=true", "POST /apply"]);
    let order = json!({
        "manifest": MANIFEST, "components": {"cart": digest()},
        "contracts": [{"path": "cart/cart.wit", "text": "package shop:cart;"}], "reason": "totals",
    });
    assert_eq!((seen[0].json(), seen[3].json()), (order.clone(), order));
    assert_eq!((seen[1].text(), seen[1].header("content-type")), ("wasm", Some("application/wasm")));
}

#[test]
fn without_a_yes_nothing_is_applied() {
    let folder = folder();
    let host = FakeHost::new().answer(200, planned(true));
    let (outcome, asked, seen) = applied(host, folder.path(), "", false);
    assert_eq!(outcome.expect_err("not confirmed").kind, Kind::Refused);
    assert_eq!((asked.is_empty(), seen.len()), (false, 1));
}

#[test]
fn a_dry_run_and_a_host_that_is_there_already_ask_nothing() {
    let folder = folder();
    let nothing = json!({"changes": [], "missing": [], "verdicts": {}, "applied": false});
    let check = |options: &str, plan: &Value, render: &str| {
        let (outcome, asked, seen) = applied(FakeHost::new().answer(200, plan), folder.path(), options, true);
        assert_eq!((outcome.expect("told").as_str(), asked.as_str()), (render, ""), "{options}");
        assert_eq!(lines(&seen), ["POST /apply?dryRun=true"]);
    };
    check("", &nothing, "nothing to do: the host matches the manifest");
    check(" --dry-run", &nothing, "nothing to do: the host matches the manifest");
    check(" --dry-run --json", &planned(true), &planned(true).to_string());
}

#[test]
fn a_dry_run_uploads_what_is_missing_so_that_it_is_judged() {
    let folder = folder();
    let mut judged = planned(true);
    judged["verdicts"] = json!({"cart": {"accepted": true, "service": "cart", "digest": digest(), "world": "w"}});
    let host = FakeHost::new().answer(200, planned(false)).answer(201, "{}").answer(200, judged);
    let (outcome, asked, seen) = applied(host, folder.path(), " --dry-run", true);
    assert!(outcome.expect("a plan").ends_with("\naccepted: cart"));
    assert_eq!(lines(&seen), ["POST /apply?dryRun=true", "PUT /components", "POST /apply?dryRun=true"]);
    assert_eq!(asked, "");
}

#[test]
fn one_service_is_added_or_removed_and_the_others_are_not_named() {
    let folder = folder();
    let manifest = folder.path().join("switchyard.toml");
    let run = |line: &str| {
        let line = format!("{line} --yes --reason why --manifest {}", manifest.display());
        let host = FakeHost::new().answer(200, planned(true)).answer(200, planned(true));
        let (outcome, seen) = host.run(|target| match parsed(&line) {
            Command::Add(command) => add(target, &command, |_| Ok(())),
            Command::Remove(command) => remove(target, &command, |_| Ok(())),
            other => panic!("{other:?}"),
        });
        (outcome, seen)
    };
    let (outcome, seen) = run("switchyard add cart");
    assert!(outcome.expect("added").starts_with("applied: "));
    assert_eq!(lines(&seen), ["PUT /services/cart?dryRun=true", "PUT /services/cart"]);
    let order = seen[1].json();
    assert_eq!((&order["component"], &order["reason"]), (&json!(digest()), &json!("why")));
    let (outcome, seen) = run("switchyard remove cart");
    assert!(outcome.expect("removed").starts_with("applied: "));
    assert_eq!(lines(&seen), ["DELETE /services/cart?reason=why&dryRun=true", "DELETE /services/cart?reason=why"]);
    let (outcome, seen) = run("switchyard add blog");
    let failure = outcome.expect_err("it has no section").to_string();
    assert!(failure.contains("has no section [services.blog]") && seen.is_empty(), "{failure}");
}

#[test]
fn a_refused_component_ends_it_before_anything_is_asked() {
    let folder = folder();
    let mut refused = planned(false);
    refused["verdicts"] = json!({"cart": {"accepted": false, "service": "cart", "digest": digest(), "world": "w"}});
    for status in [200, 422] {
        let (outcome, asked, _) = applied(FakeHost::new().answer(status, &refused), folder.path(), "", true);
        let failure = outcome.expect_err("a refusal");
        assert_eq!(failure.to_string(), "error: nothing is applied: the component of cart is refused");
        assert!(failure.result.contains("cannot replace the live release of cart"), "{}", failure.result);
        assert_eq!(asked, "");
    }
}

#[test]
fn a_component_that_changes_meanwhile_is_not_uploaded() {
    let folder = folder();
    let mut other = planned(false);
    other["missing"] = json!([Digest::of(b"another").to_string()]);
    let (outcome, _, seen) = applied(FakeHost::new().answer(200, other), folder.path(), "", true);
    let failure = outcome.expect_err("nobody has it").to_string();
    assert!(failure.contains("which no component here is"), "{failure}");
    assert_eq!(seen.len(), 1);
}

#[test]
fn what_is_not_there_to_apply_is_told() {
    let folder = folder();
    std::fs::remove_file(folder.path().join("cart.wasm")).expect("a file");
    let (outcome, _, seen) = applied(FakeHost::new(), folder.path(), "", true);
    let failure = outcome.expect_err("no component");
    assert_eq!((failure.kind, seen.len()), (Kind::Usage, 0));
}
