//! The operator: deploys and rolls back while the host dies, and knows which releases must be live.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::json::text;
use switchyard::names::Digest;

use crate::ask::Asker;
use crate::handover::{self, Alternatives, Ended, Sides};
use crate::plan::{SERVICES, Swap, VARIANTS};
use crate::report::Violation;

/// The components, each in builds that differ only in their digests, and the alternatives.
#[derive(Debug)]
pub(crate) struct Builds {
    own: BTreeMap<(&'static str, usize), Vec<u8>>,
    alternatives: Alternatives,
}

/// Answers to clients between two swaps.
const ANSWERS_BETWEEN: usize = 3;

/// Attempts at a handover that the host gives up because of the load.
const ATTEMPTS: usize = 3;

/// The version of the data that a variant writes: some deploys migrate the data, others go back on it.
fn data_version(variant: usize) -> u32 {
    if variant + 1 == VARIANTS { 2 } else { 1 }
}

impl Builds {
    pub(crate) fn read(workspace: &Path) -> anyhow::Result<Self> {
        let mut builds = BTreeMap::new();
        for service in SERVICES {
            for variant in 0..VARIANTS {
                let version = data_version(variant);
                let path = workspace.join(format!("target/data-version-{version}/{service}.wasm"));
                let component = std::fs::read(&path).with_context(|| format!("{} is not built", path.display()))?;
                let name = format!("variant {variant}");
                let length = u8::try_from(name.len())?;
                // A custom section: its id, its size, and its name preceded by the length.
                let section = [&[0, length + 1, length], name.as_bytes()].concat();
                builds.insert((service, variant), [component.as_slice(), &section].concat());
            }
        }
        Ok(Self { own: builds, alternatives: Alternatives::read(workspace)? })
    }

    /// A build of `service`.
    pub(crate) fn own(&self, service: &'static str, variant: usize) -> anyhow::Result<&Vec<u8>> {
        self.own.get(&(service, variant)).context("every build is read")
    }
}

/// The results of the operator's changes.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// The live digest of each service that was changed.
    pub(crate) live: BTreeMap<&'static str, String>,
    /// Each change by its reason, and how often it must be in the history.
    pub(crate) told: BTreeMap<String, Told>,
    /// Changes that were refused, or results without an explanation.
    pub(crate) wrong: Vec<String>,
    /// Deploys that were acknowledged, in a cluster.
    pub(crate) deployed: usize,
    /// Swaps of a handover, and handovers that the host gave up because of the load.
    pub(crate) moved: usize,
    pub(crate) given_up: usize,
}

/// How often a change is in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Once,
    Never,
    /// Its answer was lost, and the live release does not show whether it was made.
    AtMostOnce,
}

/// The known state of a service: its live digest, and the digest that a rollback goes to.
#[derive(Debug)]
struct Standing {
    live: String,
    before: Option<String>,
    /// The versions that its live release writes, and that its data has.
    writes: u64,
    data_version: u64,
}

impl Changes {
    /// Makes `swaps`, one after another.
    pub(crate) async fn run(mut self, swaps: Vec<Swap>, builds: Arc<Builds>, mut asker: Asker) -> anyhow::Result<Self> {
        for swap in swaps {
            if self.moves_data(&swap, &builds, &mut asker).await? {
                continue;
            }
            let (Swap::Deploy { service, .. } | Swap::RollBack { service }) = swap else {
                if let Swap::Set { services, variant } = swap {
                    self.set(services, variant, &builds, &mut asker).await?;
                }
                continue;
            };
            let standing = standing_of(&mut asker, service).await?;
            self.must_be_live(service, &standing.live);
            let reason = asker.key();
            let (target, line, body) = match swap {
                Swap::Deploy { variant, .. } => {
                    let build = builds.own(service, variant)?;
                    let line = format!("POST /services/{service}/releases?reason={reason}");
                    (Digest::of(build).to_string(), line, build.clone())
                }
                Swap::Set { .. } | Swap::HandOver { .. } | Swap::Settle { .. } => continue,
                Swap::RollBack { .. } => {
                    let Some(before) = standing.before else { continue };
                    (before, format!("POST /services/{service}/rollback?reason={reason}"), Vec::new())
                }
            };
            let operator = asker.doors().await?.operator;
            let answer = operator.send_with(&line, &[("content-type", "application/wasm")], body).await;
            let told = match answer {
                Ok(answer) if answer.status.is_success() => {
                    self.live.insert(service, target);
                    if answer.body["unchanged"] == true { Told::Never } else { Told::Once }
                }
                // The calls under way took longer than the migration may wait: nothing was changed.
                Ok(answer) if answer.status == 409 && answer.body.to_string().contains("did not end within") => {
                    Told::AtMostOnce
                }
                Ok(answer) if answer.status.is_client_error() => {
                    self.wrong.push(format!("{line} is refused: {} {}", answer.status, answer.body));
                    Told::AtMostOnce
                }
                // The answer was lost, or the host says that it does not know. The live release shows it.
                _ => {
                    let now = standing_of(&mut asker, service).await?.live;
                    if now != standing.live && now != target {
                        self.wrong.push(format!("{service} has {now} live after {line}, neither old nor new"));
                    }
                    let told = match now == standing.live {
                        true => Told::AtMostOnce,
                        false => Told::Once,
                    };
                    self.live.insert(service, now);
                    told
                }
            };
            self.told.insert(reason, told);
        }
        Ok(self)
    }

    /// Does `swap` if it moves data, or if a handover is in its way. Returns whether there is nothing left to do.
    async fn moves_data(&mut self, swap: &Swap, builds: &Builds, asker: &mut Asker) -> anyhow::Result<bool> {
        let service = match swap {
            Swap::Set { services, .. } => {
                // No service of a handover gets another release before it is settled.
                for service in services {
                    if Sides::of(asker, service).await?.other.is_some() {
                        return Ok(true);
                    }
                }
                return Ok(false);
            }
            Swap::Deploy { service, .. } | Swap::RollBack { service } => *service,
            Swap::HandOver { service } | Swap::Settle { service } => *service,
        };
        let sides = Sides::of(asker, service).await?;
        match swap {
            Swap::HandOver { .. } if sides.other.is_none() => {
                self.must_be_live(service, &sides.live);
                match handover::hand_over(asker, service, &builds.alternatives).await? {
                    Ended::Made => {
                        self.moved += 1;
                        self.live.insert(service, builds.alternatives.digest(service)?);
                    }
                    Ended::GivenUp => self.given_up += 1,
                }
            }
            Swap::RollBack { .. } if sides.is_handed_over() => {
                self.must_be_live(service, &sides.live);
                self.swap(service, asker).await?;
            }
            Swap::Settle { .. } if sides.is_handed_over() => {
                if sides.live == builds.alternatives.digest(service)? {
                    self.swap(service, asker).await?;
                }
                handover::settle(asker, service).await?;
            }
            Swap::Deploy { .. } | Swap::RollBack { .. } => return Ok(sides.other.is_some()),
            Swap::Set { .. } | Swap::HandOver { .. } | Swap::Settle { .. } => {}
        }
        Ok(true)
    }

    /// Moves `service` to its alternative, makes `swaps` more swaps, each after another answer to a client, and settles.
    pub(crate) async fn hand_over_and_back(
        &mut self,
        service: &'static str,
        swaps: usize,
        builds: &Builds,
        asker: &mut Asker,
    ) -> anyhow::Result<()> {
        self.hand_over(service, builds, asker).await?;
        for _ in 0..swaps {
            let mut answered = asker.record().answered();
            let until = *answered.borrow_and_update() + ANSWERS_BETWEEN;
            answered.wait_for(|count| *count >= until).await?;
            self.swap(service, asker).await?;
        }
        self.settle(service, builds, asker).await
    }

    /// Moves `service` to its alternative. The host may give up a few attempts because of the load.
    pub(crate) async fn hand_over(
        &mut self,
        service: &'static str,
        builds: &Builds,
        asker: &mut Asker,
    ) -> anyhow::Result<()> {
        for _ in 0..ATTEMPTS {
            let swap = Swap::HandOver { service };
            self.moves_data(&swap, builds, asker).await?;
            if Sides::of(asker, service).await?.is_handed_over() {
                return Ok(());
            }
        }
        anyhow::bail!("{service} is not handed over in {ATTEMPTS} attempts")
    }

    async fn settle(&mut self, service: &'static str, builds: &Builds, asker: &mut Asker) -> anyhow::Result<()> {
        self.moves_data(&Swap::Settle { service }, builds, asker).await.map(drop)
    }

    /// Makes the other implementation of `service` live.
    async fn swap(&mut self, service: &'static str, asker: &mut Asker) -> anyhow::Result<()> {
        let (live, reason) = handover::swap(asker, service).await?;
        self.moved += 1;
        self.live.insert(service, live);
        self.told.insert(reason, Told::Once);
        Ok(())
    }

    /// Compares the two implementations of each service that has two, and settles its handover. No call runs.
    pub(crate) async fn settle_all(&mut self, builds: &Builds, asker: &mut Asker) -> anyhow::Result<Vec<Violation>> {
        let mut found = Vec::new();
        for service in SERVICES {
            if !Sides::of(asker, service).await?.is_handed_over() {
                continue;
            }
            found.extend(handover::compare(asker, service).await?);
            if Sides::of(asker, service).await?.live == builds.alternatives.digest(service)? {
                handover::swap(asker, service).await?;
            }
            handover::settle(asker, service).await?;
            self.live.insert(service, Sides::of(asker, service).await?.live);
        }
        Ok(found)
    }

    /// Deploys `services` as one change: whatever its answer, either both have their new release or neither has.
    async fn set(
        &mut self,
        services: [&'static str; 2],
        variant: usize,
        builds: &Builds,
        asker: &mut Asker,
    ) -> anyhow::Result<()> {
        let reason = asker.key();
        let (mut set, mut releases) = (serde_json::Map::new(), Vec::new());
        let operator = asker.doors().await?.operator;
        for service in services {
            let before = standing_of(asker, service).await?.live;
            self.must_be_live(service, &before);
            let build = builds.own(service, variant)?;
            let digest = Digest::of(build).to_string();
            // If an upload is lost, the set is refused.
            let _lost =
                operator.send_with("PUT /components", &[("content-type", "application/wasm")], build.clone()).await;
            set.insert(service.to_owned(), serde_json::json!({ "digest": digest }));
            releases.push((service, before, digest));
        }
        let body = serde_json::json!({ "set": set, "reason": reason });
        let answer = operator.send("POST /releases", &body).await;
        let is_told = answer.as_ref().is_ok_and(|answer| answer.status.is_success());
        let mut moved = Vec::new();
        for (service, before, after) in &releases {
            let now = standing_of(asker, service).await?.live;
            if is_told && now != *after {
                self.wrong.push(format!("{service} has {now} live after a set of {after} was acknowledged"));
            }
            if before != after {
                moved.push(now == *after);
            }
            self.live.insert(service, now);
        }
        if moved.iter().any(|moved| *moved) && !moved.iter().all(|moved| *moved) {
            self.wrong.push(format!("{reason}: a half of the set {releases:?} is live"));
        }
        Ok(())
    }

    fn must_be_live(&mut self, service: &'static str, live: &str) {
        if let Some(expected) = self.live.get(service).filter(|expected| *expected != live) {
            self.wrong.push(format!("{service} has {live} live, and {expected} was acknowledged"));
        }
    }

    /// Compares with the host's services and history.
    pub(crate) async fn check(&mut self, asker: &mut Asker) -> anyhow::Result<Vec<String>> {
        for service in SERVICES {
            let standing = standing_of(asker, service).await?;
            self.must_be_live(service, &standing.live);
            if standing.writes > standing.data_version {
                let (writes, there) = (standing.writes, standing.data_version);
                self.wrong.push(format!("{service} writes data of version {writes}, and its data has version {there}"));
            }
        }
        let mut wrong = std::mem::take(&mut self.wrong);
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        let operator = asker.doors().await?.operator;
        for line in shop_tests::pages::all(&operator, "/history?limit=100").await?.into_iter().flatten() {
            if let Some(reason) = line["reason"].as_str() {
                *found.entry(reason.to_owned()).or_default() += 1;
            }
        }
        for (reason, told) in &self.told {
            let count = found.get(reason).copied().unwrap_or(0);
            let good = match told {
                Told::Once => count == 1,
                Told::Never => count == 0,
                Told::AtMostOnce => count <= 1,
            };
            if !good {
                wrong.push(format!("the change {reason} is {count} times in the history, and not {told:?}"));
            }
        }
        Ok(wrong)
    }
}

async fn standing_of(asker: &mut Asker, service: &str) -> anyhow::Result<Standing> {
    let line = format!("GET /services/{service}");
    let body: Value = asker.read(&line, |doors| doors.operator.clone()).await?.expect(200)?;
    // A rollback skips releases that an earlier rollback left.
    let kept = body["kept"].as_array().into_iter().flatten().find(|kept| kept["rolledBack"] != true);
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let (data_version, writes) = (number(&body["dataVersion"]), number(&body["live"]["dataVersion"]["writes"]));
    let kept = kept.filter(|kept| number(&kept["dataVersion"]["readsUpTo"]) >= data_version);
    let before = kept.and_then(|kept| kept["digest"].as_str()).map(str::to_owned);
    Ok(Standing { live: text(&body, "/live/digest")?, before, writes, data_version })
}
