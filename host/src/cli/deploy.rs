//! `switchyard deploy`: gives a service a new release, or several services new ones as one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::arguments::{Assignment, Deploy, Percent};
use super::component::Component;
use super::documents::{Deployed, DeployedSet, Verdict};
use super::failure::{Failure, Kind, Outcome};
use super::request::Request;
use super::target::Target;
use super::{standing, verdict};

const ONE_OR_SET: &str = "name a service and its component, or several with --set SERVICE=FILE";

pub(super) fn run(target: &Target, command: &Deploy) -> Outcome {
    match (&command.service, &command.file) {
        (Some(service), Some(file)) => {
            rising(&command.steps)?;
            let component = Component::read(file, command.signature.as_deref())?;
            one(target, command, service, &component)
        }
        _ if command.set.is_empty() => Err(Failure::text(Kind::Usage, ONE_OR_SET)),
        _ => set(target, command),
    }
}

/// Steps go up: a share that falls is no step towards all of the calls.
fn rising(steps: &[Percent]) -> Result<(), Failure> {
    match steps.is_sorted_by(|one, next| one < next) {
        true => Ok(()),
        false => Err(Failure::text(Kind::Usage, "each step must be larger than the one before: --steps 1%,10%,50%")),
    }
}

fn one(target: &Target, command: &Deploy, service: &str, component: &Component) -> Outcome {
    let request = Request::post(&["services", service, "releases"])
        .query("weight", command.weight)
        .query("header", command.header.iter())
        .query("shadow", command.shadow)
        .query("steps", steps(&command.steps))
        .query("every", command.every)
        .query("reason", command.reason.iter())
        .query("grant", &command.grant)
        .after_intents(command.after_intents)
        .flag("dryRun", command.dry_run)
        .component(component, format!("the host compiles and judges {}", component.name));
    let answer = request.send(target)?.judged(command.json)?;
    let deployed: Deployed = answer.read()?;
    if !deployed.verdict.accepted {
        let result = if command.json { answer.text() } else { verdict::text(&deployed.verdict) };
        return Err(refused([service], component.digest.to_string()).with_result(result));
    }
    if command.json {
        return Ok(answer.text());
    }
    if command.dry_run {
        return Ok(format!("{}\n  nothing is deployed: this was a dry run", verdict::text(&deployed.verdict)));
    }
    Ok(done(target, service, &deployed))
}

fn steps(steps: &[Percent]) -> Option<String> {
    let steps: Vec<_> = steps.iter().map(Percent::to_string).collect();
    (!steps.is_empty()).then(|| steps.join(","))
}

/// What the deploy did. Its success does not depend on what the host can tell of the service afterwards.
fn done(target: &Target, service: &str, deployed: &Deployed) -> String {
    let release = deployed.release.as_ref().map_or(deployed.verdict.digest.clone(), standing::named);
    let now = Request::get(&["services", service]).send(target).and_then(|answer| answer.accepted(false)?.read());
    let standing = match now {
        Ok(now) => standing::text(&now),
        Err(_) => format!("{service}: {release} is deployed"),
    };
    let mut lines = vec![standing];
    if deployed.unchanged {
        lines.push("  nothing changed: it was there before".into());
    }
    lines.extend(verdict::notes(&deployed.verdict));
    lines.join("\n")
}

fn refused<'a>(services: impl IntoIterator<Item = &'a str>, what: impl std::fmt::Display) -> Failure {
    let services: Vec<_> = services.into_iter().collect();
    let keep = if services.len() == 1 { "keeps its release" } else { "keep their releases" };
    Failure::text(Kind::Refused, format!("{what} is refused: {} {keep}", services.join(", ")))
}

/// Uploads all components, and swaps them as one.
fn set(target: &Target, command: &Deploy) -> Outcome {
    let components = read(&command.set)?;
    for component in components.values() {
        let upload = Request::put(&["components"]).component(component, format!("the host keeps {}", component.name));
        upload.send(target)?.accepted(command.json)?;
    }
    let request = Request::post(&["releases"]).json(&order(&components, command));
    let answer = request.send(target)?.judged(command.json)?;
    let deployed: DeployedSet = answer.read()?;
    if !answer.status.is_success() || deployed.verdicts.values().any(|verdict| !verdict.accepted) {
        let result = if command.json { answer.text() } else { all(&deployed.verdicts) };
        return Err(refused(components.keys().map(String::as_str), "the set").with_result(result));
    }
    Ok(if command.json { answer.text() } else { swapped(&deployed) })
}

fn read(set: &[Assignment]) -> Result<BTreeMap<String, Component>, Failure> {
    let mut components = BTreeMap::new();
    for Assignment { service, file } in set {
        if components.insert(service.clone(), Component::read(file, None)?).is_some() {
            return Err(Failure::text(Kind::Usage, format!("{service} is in the set twice")));
        }
    }
    Ok(components)
}

/// The body of the request that swaps `components`.
fn order(components: &BTreeMap<String, Component>, command: &Deploy) -> Value {
    let digests: Map<_, _> = components
        .iter()
        .map(|(service, component)| (service.clone(), json!({"digest": component.digest.to_string()})))
        .collect();
    let signed = |(service, component): (&String, &Component)| {
        component.signature.map(|signature| (service.clone(), signature.to_string().into()))
    };
    let signatures: Map<_, _> = components.iter().filter_map(signed).collect();
    let mut order = json!({"set": digests});
    let options = [
        ("reason", command.reason.clone().map(Value::from)),
        ("grants", (!command.grant.is_empty()).then(|| json!(command.grant))),
        ("signatures", (!signatures.is_empty()).then_some(Value::Object(signatures))),
    ];
    if let Some(order) = order.as_object_mut() {
        order.extend(options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    order
}

/// The verdicts, the refusals first.
pub(super) fn all(verdicts: &BTreeMap<String, Verdict>) -> String {
    let (accepted, refused): (Vec<_>, Vec<_>) = verdicts.values().partition(|verdict| verdict.accepted);
    refused.into_iter().chain(accepted).map(verdict::text).collect::<Vec<_>>().join("\n")
}

fn swapped(deployed: &DeployedSet) -> String {
    let mut lines = Vec::new();
    for (service, release) in &deployed.releases {
        lines.push(format!("{service} runs {}", standing::named(release)));
        lines.extend(deployed.verdicts.get(service).into_iter().flat_map(verdict::notes));
        lines.push(format!("  the way back:  switchyard rollback {service}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::arguments::Command;
    use super::super::fake_host::{FakeHost, Seen, lines, parsed};
    use super::*;
    use crate::config::Signature;
    use crate::names::Digest;

    /// Runs `line` with the files `a.wasm` and `b.wasm` of `folder` for those of the same name.
    fn run_in(folder: &Path, host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
        let place = |name: &str| folder.join(name).display().to_string();
        for name in ["a.wasm", "b.wasm"] {
            std::fs::write(place(name), name).expect("a component");
        }
        let line = line.replace("a.wasm", &place("a.wasm")).replace("b.wasm", &place("b.wasm"));
        let Command::Deploy(command) = parsed(&line) else { panic!("{line}") };
        host.run(|target| run(target, &command))
    }

    fn deploy(host: FakeHost, line: &str) -> (Outcome, Vec<Seen>) {
        let folder = tempfile::tempdir().expect("a folder");
        run_in(folder.path(), host, line)
    }

    fn digest(name: &str) -> String {
        Digest::of(name.as_bytes()).to_string()
    }

    fn verdict_of(service: &str, accepted: bool) -> Value {
        let check = json!({"name": "contract", "passed": accepted, "detail": ""});
        json!({"accepted": accepted, "service": service, "digest": digest("a.wasm"), "world": "w", "checks": [check]})
    }

    fn deployed(unchanged: bool) -> Value {
        json!({"release": {"number": 2, "digest": digest("a.wasm")}, "verdict": verdict_of("cart", true), "unchanged": unchanged})
    }

    fn cart() -> Value {
        json!({"name": "cart", "live": {"number": 2, "digest": "sha256:bb"}, "kept": [{"number": 1, "digest": "sha256:aa"}]})
    }

    #[test]
    fn options_travel_in_the_query_and_the_component_in_the_body() {
        let check = |options: &str, query: &str| {
            let host = FakeHost::new().answer(200, json!({"verdict": verdict_of("cart", true)}));
            let (outcome, seen) = deploy(host, &format!("switchyard deploy cart a.wasm --dry-run{options}"));
            outcome.expect("accepted");
            assert_eq!(lines(&seen), [format!("POST /services/cart/releases?{query}dryRun=true")]);
            assert_eq!((seen[0].text(), seen[0].header("content-type")), ("a.wasm", Some("application/wasm")));
            assert_eq!(seen[0].header("switchyard-signature"), None);
        };
        check("", "");
        check(" --weight 5%", "weight=5&");
        check(" --shadow", "shadow=100&");
        check(" --shadow 0.5 --header x-cart=next", "header=x-cart%3Dnext&shadow=0.5&");
        check(" --steps 1%,10%,50% --every 2m", "steps=1%2C10%2C50&every=120&");
        check(" --grant a.example --grant b --reason x&y", "reason=x%26y&grant=a.example&grant=b&");
    }

    #[test]
    fn what_runs_after_a_deploy_is_told_with_the_way_back() {
        let host = FakeHost::new().answer(201, deployed(false)).answer(200, cart());
        let (outcome, seen) = deploy(host, "switchyard deploy cart a.wasm");
        let told = "\
cart runs sha256:bb (release 2)
  before it:     sha256:aa (release 1)
  the way back:  switchyard rollback cart";
        assert_eq!(outcome.expect("deployed"), told);
        assert_eq!(lines(&seen), ["POST /services/cart/releases", "GET /services/cart"]);

        let host = FakeHost::new().answer(200, deployed(true)).answer(200, cart());
        let (outcome, _) = deploy(host, "switchyard deploy cart a.wasm");
        assert_eq!(outcome.expect("deployed"), format!("{told}\n  nothing changed: it was there before"));

        // What was deployed stays deployed, whatever the host can tell afterwards.
        let (outcome, _) = deploy(FakeHost::new().answer(201, deployed(false)), "switchyard deploy cart a.wasm");
        assert_eq!(outcome.expect("deployed"), format!("cart: {} (release 2) is deployed", digest("a.wasm")));

        let (outcome, _) = deploy(FakeHost::new().answer(201, deployed(false)), "switchyard deploy cart a.wasm --json");
        assert_eq!(outcome.expect("deployed"), deployed(false).to_string());
    }

    #[test]
    fn a_refusal_shows_its_verdict_and_that_nothing_changed() {
        let problem = json!({"title": "Refused", "status": 422, "verdict": verdict_of("cart", false)});
        let (outcome, _) = deploy(FakeHost::new().answer(422, &problem), "switchyard deploy cart a.wasm");
        let failure = outcome.expect_err("a refusal");
        assert_eq!(failure.kind, Kind::Refused);
        assert_eq!(failure.to_string(), format!("error: {} is refused: cart keeps its release", digest("a.wasm")));
        assert!(failure.result.contains("  FAILED  contract\n"), "{}", failure.result);

        let (outcome, _) = deploy(FakeHost::new().answer(422, &problem), "switchyard deploy cart a.wasm --json");
        assert_eq!(outcome.expect_err("a refusal").result, problem.to_string());
        // A dry run answers with a success that has a refusal in it.
        let host = FakeHost::new().answer(200, json!({"verdict": verdict_of("cart", false)}));
        let (outcome, _) = deploy(host, "switchyard deploy cart a.wasm --dry-run");
        assert_eq!(outcome.expect_err("a refusal").kind, Kind::Refused);
        // Not every 422 is a verdict.
        let host = FakeHost::new().answer(422, json!({"detail": "weight"}));
        let (outcome, _) = deploy(host, "switchyard deploy cart a.wasm");
        assert!(outcome.expect_err("a refusal").to_string().ends_with(": weight"));
    }

    #[test]
    fn the_signature_beside_a_component_goes_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let signature = Signature::from_bytes([7; 64]).to_string();
        std::fs::write(folder.path().join("a.wasm.sig"), &signature).expect("a signature");
        let host = FakeHost::new().answer(201, deployed(false));
        let (_, seen) = run_in(folder.path(), host, "switchyard deploy cart a.wasm --json");
        assert_eq!(seen[0].header("switchyard-signature"), Some(signature.as_str()));

        let set =
            FakeHost::new().answer(201, "{}").answer(201, "{}").answer(201, json!({"releases": {}, "verdicts": {}}));
        let (_, seen) = run_in(folder.path(), set, "switchyard deploy --set cart=a.wasm inventory=b.wasm");
        assert_eq!(seen[2].json()["signatures"], json!({"cart": signature}));
    }

    #[test]
    fn a_set_is_uploaded_and_then_swapped_as_one() {
        let answer = json!({
            "releases": {"cart": {"number": 2, "digest": "sha256:aa"}, "inventory": {"number": 5, "digest": "sha256:bb"}},
            "verdicts": {"cart": verdict_of("cart", true), "inventory": verdict_of("inventory", true)},
        });
        let host = FakeHost::new().answer(201, "{}").answer(200, "{}").answer(201, answer);
        let line = "switchyard deploy --set inventory=b.wasm cart=a.wasm --reason bundles --grant x";
        let (outcome, seen) = deploy(host, line);
        let told = "\
cart runs sha256:aa (release 2)
  the way back:  switchyard rollback cart
inventory runs sha256:bb (release 5)
  the way back:  switchyard rollback inventory";
        assert_eq!(outcome.expect("swapped"), told);
        assert_eq!(lines(&seen), ["PUT /components", "PUT /components", "POST /releases"]);
        assert_eq!([seen[0].text(), seen[1].text()], ["a.wasm", "b.wasm"]);
        let set = json!({"cart": {"digest": digest("a.wasm")}, "inventory": {"digest": digest("b.wasm")}});
        assert_eq!(seen[2].json(), json!({"set": set, "reason": "bundles", "grants": ["x"]}));
    }

    #[test]
    fn a_set_is_refused_as_one() {
        let verdicts = json!({"cart": verdict_of("cart", true), "inventory": verdict_of("inventory", false)});
        let host = || FakeHost::new().answer(201, "{}").answer(201, "{}");
        let line = "switchyard deploy --set cart=a.wasm inventory=b.wasm";
        let (outcome, _) = deploy(host().answer(422, json!({"verdicts": verdicts})), line);
        let failure = outcome.expect_err("a refusal");
        assert_eq!(failure.to_string(), "error: the set is refused: cart, inventory keep their releases");
        assert!(failure.result.starts_with("refused: "), "{}", failure.result);
        assert!(failure.result.contains("\naccepted: "), "{}", failure.result);

        let (outcome, seen) = deploy(FakeHost::new().answer(507, "{}"), line);
        assert_eq!((outcome.is_err(), lines(&seen)), (true, vec!["PUT /components"]));
    }

    #[test]
    fn a_command_line_that_makes_no_sense_reaches_no_host() {
        for line in [
            "switchyard deploy --set cart=a.wasm cart=b.wasm",
            "switchyard deploy cart a.wasm --steps 10,5",
            "switchyard deploy cart a.wasm --signature none.sig",
            "switchyard deploy cart none.wasm",
        ] {
            let (outcome, seen) = deploy(FakeHost::new().answer(200, "{}"), line);
            assert_eq!((outcome.expect_err(line).kind, seen.len()), (Kind::Usage, 0), "{line}");
        }
    }
}
