//! A host that is killed with SIGKILL while it is brought to another manifest: it starts again with all of that, or with
//! nothing of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::host::{folder, manifest};
use super::{BACK, FETCHER, FRONT, WEB, changes};
use crate::guest::{component, now};
use crate::releases::components::{digest, variant, web};
use crate::releases::http::encoded;
use crate::releases::process::{Process, shares};

const SEED: u64 = 20_261_124;

const ROUNDS: usize = 40;

/// Rounds at first of which none is killed before its apply is done: they tell how long one takes.
const MEASURED: usize = 4;

/// What a round wants: the services `front` and `back` of one release, and maybe others.
#[derive(Debug, Clone)]
struct Goal {
    release: usize,
    has_fetcher: bool,
    has_web: bool,
    /// Whether the releases of `front` and of `back` migrate their data.
    migrates: bool,
    /// Of one round, so that every apply changes something.
    round: usize,
}

impl Goal {
    fn of(round: usize, mut random: impl FnMut() -> f64) -> Self {
        // Few releases, so that they are compiled before.
        Self {
            release: round % 3,
            has_fetcher: random() < 0.5,
            has_web: random() < 0.6,
            migrates: random() < 0.4,
            round,
        }
    }

    fn manifest(&self) -> String {
        let environment = format!("environment = {{ RELEASE = \"{}\" }}\n", self.round);
        let fetcher = if self.has_fetcher { FETCHER } else { "" };
        let web = if self.has_web { WEB } else { "" };
        manifest(&format!("{FRONT}{environment}{BACK}{environment}{fetcher}{web}"))
    }

    fn components(&self) -> BTreeMap<&'static str, Vec<u8>> {
        let pair = pair(self.release, self.migrates.then_some(self.round));
        let mut components = BTreeMap::from([("front", pair.clone()), ("back", pair)]);
        if self.has_fetcher {
            components.insert("fetcher", component("fetches.wasm"));
        }
        if self.has_web {
            components.insert("web", web(["0.2", "0.3"][self.release % 2], &format!("w{}", self.release)));
        }
        components
    }

    fn digests(&self) -> BTreeMap<String, String> {
        self.components().iter().map(|(name, bytes)| ((*name).to_owned(), digest(bytes))).collect()
    }

    fn order(&self) -> Value {
        json!({"manifest": self.manifest(), "components": self.digests(), "reason": format!("round {}", self.round)})
    }

    /// Uploads all that it needs, and gives the services that an apply would change.
    async fn planned(&self, host: &Process) -> BTreeSet<String> {
        self.upload(host).await;
        let planned = host.operator.post_json("/apply?dryRun=true", &self.order()).await.expect(200);
        assert_eq!(planned["missing"], json!([]), "round {}", self.round);
        changes(&planned).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }

    /// Applies it to its end, after which there is nothing left to do.
    async fn finish(&self, host: &Process) {
        self.upload(host).await;
        let next = host.operator.post_json("/apply", &self.order()).await.expect(200);
        assert_eq!(next["applied"], true, "{self:?}");
        let found = live(&host.services().await);
        assert_eq!(found, self.digests(), "{self:?}");
        answers(host, &found, self.round).await;
        assert_eq!(self.planned(host).await, BTreeSet::new(), "{self:?}");
    }

    async fn upload(&self, host: &Process) {
        for component in self.components().into_values() {
            host.operator.send("PUT", "/components", component).await.expect(200);
        }
    }
}

/// The component of `front` and of `back` in a release. It migrates their data in the round that is given.
fn pair(release: usize, migrates: Option<usize>) -> Vec<u8> {
    let migration = migrates.map(|round| format!("|version={round}|pause=2000|migrate=set form {round}"));
    variant(&format!("call=say r{release}|reads=99{}", migration.unwrap_or_default()))
}

/// The digest that each service runs.
fn live(services: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let services = services.as_array().unwrap().iter();
    services.map(|service| (text(&service["name"]), text(&service["live"]["digest"]))).collect()
}

/// The services that the lines of a round's apply are of.
fn told(history: &[Value], round: usize) -> usize {
    let reason = format!("round {round}");
    history.iter().filter(|line| line["reason"].as_str().is_some_and(|said| said.starts_with(&reason))).count()
}

/// What the host says beside what it says that it runs.
async fn answers(host: &Process, live: &BTreeMap<String, String>, environment: usize) {
    let ask = async |script: &str| host.public.get(&format!("/front?script={}", encoded(script))).await.expect(200);
    let rounds = (0..=ROUNDS).map(|round| (round % 3, Some(round)));
    let mut pairs = (0..3).map(|release| (release, None)).chain(rounds);
    let found = pairs.find(|(release, migrates)| digest(&pair(*release, *migrates)) == live["front"]);
    let (release, migrated) = found.unwrap();
    assert_eq!(ask("variant; back.read{variant}").await, format!("r{release},r{release}"));
    let forms = ask("get form; back.read{get form}").await;
    let forms: Vec<_> = forms.as_str().unwrap().split(',').collect();
    assert_eq!(forms[0], forms[1], "the data of one service was migrated alone");
    if let Some(round) = migrated {
        assert_eq!(forms[0], round.to_string());
    }
    assert_eq!(ask("release; back.read{release}").await, format!("{environment},{environment}"));
    let answer = host.public.get("/web/variant").await;
    match live.get("web") {
        None => assert_eq!(answer.status, 404),
        Some(running) => {
            let said = answer.expect(200).as_str().unwrap_or_default().to_owned();
            assert!(["0.2", "0.3"].iter().any(|version| digest(&web(version, &said)) == *running), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_in_an_apply_starts_with_all_of_it_or_with_nothing() {
    println!("seed {SEED}");
    let mut random = shares(SEED);
    let mut random = || random.next().unwrap();
    let folder = folder();
    let write = |goal: &Goal| std::fs::write(folder.path().join("switchyard.toml"), goal.manifest()).unwrap();
    let mut goal = Goal { release: 0, has_fetcher: false, has_web: false, migrates: false, round: 0 };
    write(&goal);
    let mut host = Process::start(folder.path()).await;
    goal.finish(&host).await;
    let (mut took, mut sides) = (Duration::from_secs(60), [0, 0]);
    for round in 1..=ROUNDS {
        let before = goal;
        goal = Goal::of(round, &mut random);
        let changed = goal.planned(&host).await;
        // A start has what was applied, whether the manifest file of the host says that already or not.
        let is_written = random() < 0.5;
        if is_written {
            write(&goal);
        }
        let wait = if round <= MEASURED { Duration::from_secs(60) } else { took.mul_f64(random() * 1.2) };
        let (operator, order, began) = (host.operator.clone(), goal.order(), now());
        let applied = operator.try_post_json("/apply", &order);
        if let Ok(answer) = tokio::time::timeout(wait, applied).await {
            assert_eq!(answer.unwrap().expect(200)["applied"], true, "round {round}");
            took = began.elapsed();
        }
        host.kill().await;

        host = Process::start(folder.path()).await;
        let what =
            format!("seed {SEED}, round {round}: {goal:?}, killed after {wait:?} of {took:?}, written {is_written}");
        let lines = told(&host.history().await, round);
        assert!(lines == 0 || lines == changed.len(), "{what}: {lines} lines of {changed:?}");
        let is_done = lines > 0;
        sides[usize::from(is_done)] += 1;
        if !is_done {
            // An apply that was quick by chance, or a machine that is busier now, must not keep all later kills too early.
            took = took.mul_f64(1.1);
        }
        let applied = if is_done { &goal } else { &before };
        let found = live(&host.services().await);
        assert_eq!(found, applied.digests(), "{what}, done {is_done}");
        answers(&host, &found, applied.round).await;

        // What was not done is done by the next one, and then there is nothing left to do.
        write(&goal);
        goal.finish(&host).await;
        let script = json!({"script": "add rounds"});
        let count = host.operator.post_json("/services/front/call/write", &script).await.expect(200);
        assert_eq!(count, round.to_string(), "{what}: its data");
    }
    assert!(sides.iter().all(|count| *count >= 5), "all kills were on one side: {sides:?}");
}
