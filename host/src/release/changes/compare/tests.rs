//! Tests of the plan as tables: two manifests, and their differences.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::config::{AppliedSettings, Flags, Grant, load};
use crate::contract::Contracts;
use crate::release::records::record::DataFormat;

const FRONT: &str = "[services.front]\ncontract = \"test:calls/front-service@1.0.0\"\ncomponent = \"front.wasm\"\n";
const BACK: &str = "[services.back]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"back.wasm\"\n";
const WEB: &str = "[services.web]\nmount = \"/web\"\ncomponent = \"web.wasm\"\n";
const SERVED: &str = "[services.web]\ncontract = \"test:calls/back-service@1.0.0\"\ncomponent = \"web.wasm\"\n";

/// The present or the wanted state of a host, given by a manifest.
#[derive(Debug, Clone)]
struct Side {
    manifest: Manifest,
    components: BTreeMap<ServiceName, Digest>,
    worlds: BTreeMap<ServiceName, Arc<World>>,
    /// The grants of releases in addition to those of the manifest.
    granted: Vec<Grant>,
    removed: BTreeMap<ServiceName, ReleaseRecord>,
    has_candidate: bool,
}

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("a name")
}

fn contracts() -> Contracts {
    Contracts::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wit")).expect("contracts")
}

impl Side {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("switchyard.toml");
        std::fs::write(&path, text).expect("a manifest");
        let mut manifest = load(&path, &[], Flags::default()).expect("a good manifest").manifest;
        // Makes its paths comparable with those of any other manifest of the test.
        let here = |path: &mut PathBuf| *path = path.strip_prefix(folder.path()).expect("a path there").to_owned();
        let Manifest { host, gateway, services, .. } = &mut manifest;
        let paths = [&mut host.wit, &mut host.data].into_iter().chain(&mut host.backup_folders);
        paths.chain(&mut gateway.assets).for_each(here);
        services.values_mut().for_each(|service| here(&mut service.component));
        let contracts = contracts();
        let world = |contract: &String| contracts.world(contract).expect("a world");
        let worlds =
            manifest.services.iter().filter_map(|(name, one)| Some((name.clone(), world(one.contract.as_ref()?))));
        let worlds = worlds.collect();
        let components = manifest.services.keys().map(|name| (name.clone(), Digest::of(name.as_str().as_bytes())));
        let components = components.collect();
        let (granted, removed) = Default::default();
        Self { manifest, components, worlds, granted, removed, has_candidate: false }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn release(&self, service: &ServiceName) -> ReleaseRecord {
        let settings = &self.manifest.services[service];
        ReleaseRecord {
            number: 1,
            digest: self.components[service],
            contracts: settings.contract.as_ref().map(|_| Digest::of(b"contracts")),
            world: "w".into(),
            deployed_at: 0,
            by: "admin".into(),
            reason: None,
            environment: settings.environment.clone(),
            outbound_hosts: joined(&settings.outbound_hosts, &self.granted),
            granted: self.granted.clone(),
            data: DataFormat::default(),
            signature: None,
            was_left: false,
        }
    }

    /// Runs `question` on the step from this side to `target`.
    fn to<T>(&self, target: &Self, question: impl FnOnce(&Present<'_>, &Target<'_>) -> T) -> T {
        let releases: BTreeMap<_, _> = self.manifest.services.keys().map(|name| (name, self.release(name))).collect();
        let http = World::http();
        let services = releases.iter().map(|(name, release)| {
            let world = self.worlds.get(*name).map_or(&http, AsRef::as_ref);
            (*name, Serving { release, world, has_candidate: self.has_candidate })
        });
        let present =
            Present { manifest: &self.manifest, services: services.collect(), removed: self.removed.iter().collect() };
        let target = Target { manifest: &target.manifest, components: &target.components, worlds: &target.worlds };
        question(&present, &target)
    }
}

/// Each difference as a line, and the effect on the services as one text.
fn texts(comparison: &Comparison) -> (Vec<String>, String) {
    let short = |text: &Option<String>| match text {
        Some(text) if text.starts_with("sha256:") => text[7..13].to_owned(),
        Some(text) => text.clone(),
        None => "-".into(),
    };
    let lines = comparison.differences.iter().map(|one| {
        let service = one.service.as_ref().map_or("host", ServiceName::as_str);
        format!("{service} {:?} {} > {} {}", one.what, short(&one.from), short(&one.to), one.detail)
            .trim_end()
            .to_owned()
    });
    let actions: Vec<_> = comparison.actions.iter().map(|(name, action)| format!("{name} {action:?}")).collect();
    (lines.collect(), actions.join(", "))
}

fn hex(text: &str) -> String {
    Digest::of(text.as_bytes()).hex()[..6].to_owned()
}

fn check(present: &Side, target: &Side, lines: &[&str], actions: &str) {
    let comparison = present.to(target, compare);
    assert_eq!(texts(&comparison), (lines.iter().map(|line| (*line).to_owned()).collect(), actions.to_owned()));
}

#[test]
fn what_is_wanted_already_needs_nothing() {
    let both = Side::new(&format!("{FRONT}{BACK}{WEB}"));
    check(&both, &both, &[], "");
    let granted = both.clone().with(|side| side.granted = vec![Grant::parse("granted.example").expect("a host")]);
    check(&granted, &both, &[], "");
    let candidate = both.clone().with(|side| side.has_candidate = true);
    check(&candidate, &both, &[], "");
    let elsewhere = Side::new(&format!("{FRONT}{BACK}{WEB}").replace("front.wasm", "other/front.wasm"));
    check(&both, &elsewhere, &[], "");
}

#[test]
fn services_come_and_go() {
    let (front, both) = (Side::new(FRONT), Side::new(&format!("{FRONT}{BACK}")));
    let back = hex("back");
    check(&front, &both, &[&format!("back Add - > {back}")], "back Add");
    let removed = format!("back Remove {back} > - its store and its releases are kept");
    check(&both, &front, &[&removed], "back Remove");
    let record = both.release(&name("back"));
    let again = front.with(|side| side.removed = [(name("back"), record)].into());
    let line = format!("back Add {back} > {back} it was removed before: its store and releases are used again");
    check(&again, &both, &[&line], "back Add");
}

#[test]
fn a_service_gets_what_its_component_contract_and_settings_say() {
    let host = Side::new(FRONT);
    let of = |more: &str| Side::new(&format!("{FRONT}{more}"));
    let front = hex("front");

    let other = host.clone().with(|side| side.components = [(name("front"), Digest::of(b"other"))].into());
    check(&host, &other, &[&format!("front Deploy {front} > {}", hex("other"))], "front Deploy");
    let canary = host.clone().with(|side| side.has_candidate = true);
    let line = format!("front Deploy {front} > {} its candidate is removed", hex("other"));
    check(&canary, &other, &[&line], "front Deploy");

    let text = host.clone().with(|side| {
        let world = side.worlds.get_mut(&name("front")).expect("a world");
        *world = Arc::new(World { docs: "Another text.".into(), ..World::clone(world) });
    });
    let line = "front Contract - > - the text of test:calls/front-service@1.0.0";
    check(&host, &text, &[line], "front Deploy");
    let renamed = host.clone().with(|side| {
        side.worlds = [(name("front"), contracts().world("test:calls/back-service").expect("a world"))].into();
    });
    let line = "front Contract test:calls/front-service@1.0.0 > test:calls/back-service@1.0.0";
    check(&host, &renamed, &[line], "front Deploy");

    let configured = of("environment = { COLOUR = \"secret\" }\n");
    check(&host, &configured, &["front Settings - > - environment.COLOUR"], "front Configure");
    check(&configured, &host, &["front Settings - > - environment.COLOUR"], "front Configure");
    let bounded = of("limits = { deadline_ms = 7, store_bytes_max = 9 }\n");
    let lines = ["front Settings 5000 > 7 limits.deadline_ms", "front Settings 10737418240 > 9 limits.store_bytes_max"];
    check(&host, &bounded, &lines, "front Bounds");
    check(&canary, &of("limits = { store_bytes_max = 9 }\n"), &lines[1..], "front Beside");
}

#[test]
fn limits_of_all_services_count_where_a_service_has_none_of_its_own() {
    let own = format!("{BACK}limits = {{ deadline_ms = 5000 }}\n");
    let (before, after) = (format!("{FRONT}{own}"), format!("[limits]\ndeadline_ms = 6000\n{FRONT}{own}"));
    let line = "front Settings 5000 > 6000 limits.deadline_ms";
    check(&Side::new(&before), &Side::new(&after), &[line], "front Bounds");
}

#[test]
fn granted_hosts_stay_granted_and_those_of_the_manifest_go_with_it() {
    let of = |hosts: &str| Side::new(&format!("{FRONT}outbound_hosts = [{hosts}]\n"));
    let granted = |side: Side| side.with(|side| side.granted = vec![Grant::parse("granted.example").expect("a host")]);
    let host = granted(of("\"a.example\", \"b.example\""));
    let line = "front Settings a.example, b.example, granted.example > b.example, granted.example outbound_hosts";
    check(&host, &of("\"b.example\""), &[line], "front Configure");
    check(&host, &of("\"b.example\", \"a.example\""), &[], "");
    let line = "front Settings a.example, b.example > a.example, b.example, granted.example outbound_hosts";
    check(&host, &of("\"a.example\", \"b.example\", \"granted.example\""), &[line], "front Beside");
}

#[test]
fn what_only_a_restart_takes_up_is_told_and_left() {
    let host = Side::new(&format!("{FRONT}{WEB}"));
    let section = |text: &str| Side::new(&format!("{text}{FRONT}{WEB}"));
    let of = |text: &str, line: &str| {
        let target = section(text);
        check(&host, &target, &[line], "");
        assert_eq!(effective(&host.manifest, &target.manifest), host.manifest, "{text}");
    };
    of("[host]\nlisten = \"0.0.0.0:80\"\n", "host Restart 127.0.0.1:8080 > 0.0.0.0:80 host.listen");
    of("[gateway]\nassets = \"a\"\n", "host Restart - > a gateway.assets");
    of("[store]\ncheckpoint_ms_max = 77\n", "host Restart 1000 > 77 store.checkpoint_ms_max");
    of("[runtime]\nepoch_ms = 7\n", "host Restart 5 > 7 runtime.epoch_ms");
    of("[journal]\narchive = \"/a\"\n", "host Restart - > /a journal.archive");
    of("[retries]\nintents_at_once = 7\n", "host Restart 16 > 7 retries.intents_at_once");
    of("[events]\nattempts_max = 7\n", "host Restart 12 > 7 events.attempts_max");
}

#[test]
fn a_mounted_service_that_is_to_have_a_contract_is_refused() {
    let (mounted, served) = (Side::new(&format!("{FRONT}{WEB}")), Side::new(&format!("{FRONT}{SERVED}")));
    for (present, target) in [(&mounted, &served), (&served, &mounted)] {
        let refused = check_kinds(&present.manifest, &target.manifest).expect_err("another kind");
        assert!(matches!(&refused, DeployError::OtherKind { service } if service.as_str() == "web"), "{refused}");
        assert!(check_kinds(&present.manifest, &Side::new(FRONT).manifest).is_ok());
    }
}

#[test]
fn the_same_contract_in_other_words_is_a_setting() {
    let (host, other) = (Side::new(FRONT), Side::new(&FRONT.replace("@1.0.0", "")));
    let line = "front Settings test:calls/front-service@1.0.0 > test:calls/front-service contract";
    check(&host, &other, &[line], "front Beside");
}

#[test]
fn a_mounted_service_changes_as_any_other() {
    let host = Side::new(&format!("{FRONT}{WEB}"));
    let web = hex("web");
    let other = host.clone().with(|side| {
        side.components.insert(name("web"), Digest::of(b"other"));
    });
    check(&host, &other, &[&format!("web Deploy {web} > {}", hex("other"))], "web Deploy");
    let removed = format!("web Remove {web} > - its store and its releases are kept");
    check(&host, &Side::new(FRONT), &[&removed], "web Remove");
    check(&Side::new(FRONT), &host, &[&format!("web Add - > {web}")], "web Add");
    let configured = Side::new(&format!("{FRONT}{WEB}environment = {{ COLOUR = \"red\" }}\n"));
    check(&host, &configured, &["web Settings - > - environment.COLOUR"], "web Configure");
    // The mount is not a part of a release.
    let moved = Side::new(&format!("{FRONT}{}", WEB.replace("/web", "/site")));
    check(&host, &moved, &["web Settings /web > /site mount"], "web Beside");
}

#[test]
fn how_deploys_are_judged_changes_at_once_but_who_signs_them_does_not() {
    let host = Side::new(FRONT);
    let target = host.clone().with(|side| {
        side.manifest.deploy.shadow_calls_min = 7;
        let signer = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        side.manifest.deploy.signers = vec![serde_json::from_value(signer.into()).expect("a key")];
    });
    let comparison = host.to(&target, compare);
    let whats: Vec<_> = comparison.differences.iter().map(|one| (one.detail.as_str(), one.what)).collect();
    let expected = [("deploy.shadow_calls_min", Differs::Settings), ("deploy.signers", Differs::Restart)];
    assert_eq!(whats, expected);
    let effective = effective(&host.manifest, &target.manifest);
    assert_eq!((effective.deploy.shadow_calls_min, effective.deploy.signers.len()), (7, 0));
}

#[test]
fn a_service_that_others_import_is_not_removed() {
    let both = Side::new(&format!("{FRONT}{BACK}"));
    let checked = |present: &Side, target: &Side| present.to(target, check_imports).map_err(|error| error.to_string());
    assert_eq!(checked(&both, &both), Ok(()));
    let refused = "back cannot be removed: only it exports what these import: front";
    assert_eq!(checked(&both, &Side::new(FRONT)), Err(refused.into()));
    // A third importer is named together with the first. Another exporter of the same interface can replace the removed
    // one.
    let with = |service: &str, of: &str| {
        both.clone().with(|side| {
            let (settings, world) = (side.manifest.services[&name(of)].clone(), Arc::clone(&side.worlds[&name(of)]));
            side.manifest.services.insert(name(service), settings);
            side.worlds.insert(name(service), world);
            side.components.insert(name(service), Digest::of(service.as_bytes()));
        })
    };
    let without = |side: &Side| {
        side.clone().with(|side| {
            side.worlds.remove(&name("back"));
            side.manifest.services.remove(&name("back"));
        })
    };
    let third = with("third", "front");
    let refused = "back cannot be removed: only it exports what these import: front, third";
    assert_eq!(checked(&third, &without(&third)), Err(refused.into()));
    let twin = with("twin", "back");
    assert_eq!(checked(&twin, &without(&twin)), Ok(()));
    let never = "front imports test:calls/back@1.0.0, which no service exports: add such a service to the manifest";
    assert_eq!(checked(&Side::new(FRONT), &Side::new(FRONT)), Err(never.into()));
}

fn some_manifest() -> impl Strategy<Value = String> {
    let one = |text: &'static str| prop::option::of((Just(text), 1_u64..3, prop::bool::ANY));
    (one(FRONT), one(BACK), one(WEB)).prop_map(|(front, back, web)| {
        let mut text = String::new();
        for (service, deadline_ms, is_red) in [front, back, web].into_iter().flatten() {
            let environment = if is_red { "environment = { COLOUR = \"red\" }\n" } else { "" };
            text.push_str(&format!("{service}limits = {{ deadline_ms = {deadline_ms} }}\n{environment}"));
        }
        // A manifest has at least one service.
        if text.is_empty() {
            text.push_str(WEB);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn once_it_is_made_nothing_is_left(present in some_manifest(), target in some_manifest()) {
        let is_same = present == target;
        let (present, target) = (Side::new(&present), Side::new(&target));
        let comparison = present.to(&target, compare);
        prop_assert_eq!(comparison.differences.is_empty(), is_same);
        let mut made = target.clone();
        made.manifest = effective(&present.manifest, &target.manifest);
        prop_assert_eq!(texts(&made.to(&target, compare)), (vec![], String::new()));
        let applied = |side: &Side| AppliedSettings::of(&side.manifest);
        prop_assert_eq!(applied(&present).differences(&applied(&target)).is_empty(), is_same);
        prop_assert_eq!(applied(&made), applied(&target));
    }
}
