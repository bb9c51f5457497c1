//! Handovers as the operator makes them: a service moves to its alternative implementation, back, and forth, however often
//! the host dies meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use shop_tests::Answer;
use shop_tests::json::text;
use switchyard::names::Digest;

use crate::ask::Asker;
use crate::plan::SERVICES;
use crate::report::Violation;

/// The longest time for one step of a handover, with all deaths of the host meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);

/// The time between two looks at a handover.
const PAUSE: Duration = Duration::from_millis(20);

/// How often the exports of two implementations are compared: a schedule may change the data between them.
const COMPARISONS: usize = 3;

/// The alternative implementation of each service.
#[derive(Debug)]
pub(crate) struct Alternatives(BTreeMap<&'static str, Vec<u8>>);

impl Alternatives {
    pub(crate) fn read(workspace: &Path) -> anyhow::Result<Self> {
        let read = |service: &'static str| {
            let path = workspace.join(format!("target/wasm32-wasip2/release/alternative_{service}.wasm"));
            let component = std::fs::read(&path).with_context(|| format!("{} is not built", path.display()))?;
            Ok((service, component))
        };
        SERVICES.into_iter().map(read).collect::<anyhow::Result<_>>().map(Self)
    }

    fn component(&self, service: &str) -> anyhow::Result<&Vec<u8>> {
        self.0.get(service).with_context(|| format!("{service} has an alternative"))
    }

    pub(crate) fn digest(&self, service: &str) -> anyhow::Result<String> {
        Ok(Digest::of(self.component(service)?).to_string())
    }
}

/// The implementations of a service.
#[derive(Debug)]
pub(crate) struct Sides {
    pub(crate) live: String,
    /// The digest of the other one, and whether it was live before.
    pub(crate) other: Option<(String, bool)>,
}

impl Sides {
    pub(crate) async fn of(asker: &mut Asker, service: &str) -> anyhow::Result<Self> {
        let body = read(asker, service, "").await?.expect(200)?;
        let other = body.get("mirror").map(|mirror| {
            anyhow::Ok((text(mirror, "/release/digest")?, mirror["wasLive"].as_bool().context("a flag")?))
        });
        Ok(Self { live: text(&body, "/live/digest")?, other: other.transpose()? })
    }

    /// Whether a handover has been made and is not settled.
    pub(crate) fn is_handed_over(&self) -> bool {
        self.other.as_ref().is_some_and(|(_, was_live)| *was_live)
    }
}

/// How a handover ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Made,
    /// The host gave it up, because of the load.
    GivenUp,
}

/// Moves `service` to its alternative.
///
/// # Errors
///
/// When the host refuses it, gives it up for another reason than the load, or needs too long.
pub(crate) async fn hand_over(asker: &mut Asker, service: &str, builds: &Alternatives) -> anyhow::Result<Ended> {
    let (component, digest) = (builds.component(service)?, builds.digest(service)?);
    let reason = asker.key();
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let sides = Sides::of(asker, service).await?;
        if sides.live == digest && sides.is_handed_over() {
            return Ok(Ended::Made);
        }
        if sides.other.is_none() {
            if let Some(why) = reason_of_end(asker, service, &reason).await? {
                anyhow::ensure!(is_of_the_load(&why), "the handover of {service} was given up: {why}");
                return Ok(Ended::GivenUp);
            }
            let line = format!("POST /services/{service}/releases?handover=true&reason={reason}");
            let operator = asker.doors().await?.operator;
            let answer = operator.send_with(&line, &[("content-type", "application/wasm")], component.clone()).await;
            may_come_later(&line, answer)?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    anyhow::bail!("the handover of {service} does not end")
}

/// Why the handover that was begun with `reason` was given up, if it was.
async fn reason_of_end(asker: &mut Asker, service: &str, reason: &str) -> anyhow::Result<Option<String>> {
    let line = format!("GET /history?service={service}&limit=10");
    let body = asker.read(&line, |doors| doors.operator.clone()).await?.expect(200)?;
    let lines = body["items"].as_array().context("lines")?;
    let Some(begun) = lines.iter().position(|line| line["what"] == "mirror" && line["reason"] == reason) else {
        return Ok(None);
    };
    let ended = lines.iter().take(begun).find(|line| line["what"] == "mirrorEnded");
    Ok(ended.map(|line| line["reason"].as_str().unwrap_or_default().to_owned()))
}

/// Whether the host may give a handover up with this reason although nothing is wrong.
fn is_of_the_load(why: &str) -> bool {
    ["did not end within", "unfinished calls", "not complete within"].iter().any(|part| why.contains(part))
}

/// Makes the other implementation of `service` live. Returns its digest, and the reason under which the history has it.
///
/// # Errors
///
/// When the host refuses it for good, or needs too long.
pub(crate) async fn swap(asker: &mut Asker, service: &str) -> anyhow::Result<(String, String)> {
    let (reason, until) = (asker.key(), Instant::now() + PATIENCE);
    let (target, _) = Sides::of(asker, service).await?.other.context("a service with two implementations")?;
    let line = format!("POST /services/{service}/rollback?reason={reason}");
    while Instant::now() < until {
        if Sides::of(asker, service).await?.live == target {
            return Ok((target, reason));
        }
        let operator = asker.doors().await?.operator;
        may_come_later(&line, operator.ask(&line).await)?;
        tokio::time::sleep(PAUSE).await;
    }
    anyhow::bail!("the way back of {service} does not open")
}

/// Deletes the data of the implementation that is not live.
///
/// # Errors
///
/// When the host refuses it for good, or needs too long.
pub(crate) async fn settle(asker: &mut Asker, service: &str) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    let line = format!("POST /services/{service}/settle");
    while Instant::now() < until {
        if Sides::of(asker, service).await?.other.is_none() {
            return Ok(());
        }
        let operator = asker.doors().await?.operator;
        may_come_later(&line, operator.ask(&line).await)?;
        tokio::time::sleep(PAUSE).await;
    }
    anyhow::bail!("the handover of {service} cannot be settled")
}

/// Checks that both implementations export the same entities. No call changes the data meanwhile.
///
/// # Errors
///
/// When the data cannot be read.
pub(crate) async fn compare(asker: &mut Asker, service: &str) -> anyhow::Result<Vec<Violation>> {
    let mut found = Vec::new();
    for _ in 0..COMPARISONS {
        let one = entities(asker, service).await?;
        swap(asker, service).await?;
        let other = entities(asker, service).await?;
        let differs = |key: &&String| one.get(*key) != other.get(*key);
        let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
        found = keys
            .into_iter()
            .filter(differs)
            .take(5)
            .map(|key| (key, one.get(key), other.get(key)))
            .map(difference)
            .collect();
        if found.is_empty() {
            break;
        }
    }
    Ok(found)
}

fn difference((key, one, other): (&String, Option<&Value>, Option<&Value>)) -> Violation {
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".into(), ToString::to_string);
    Violation::wrong(format!("the entity {key} is {} before a swap and {} after it", shown(one), shown(other)))
}

/// The entities that the live implementation exports.
async fn entities(asker: &mut Asker, service: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let answer = read(asker, service, "/state").await?;
    anyhow::ensure!(answer.status.is_success(), "{} {}", answer.status, answer.body);
    let text = answer.body.as_str().context("lines of text")?;
    let lines: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let end = lines.last().map(|line| line["end"]["entities"].clone());
    let entity = |line: &Value| Some((line["key"].as_str()?.to_owned(), line["value"].clone()));
    let entities: BTreeMap<_, _> = lines.iter().filter_map(entity).collect();
    anyhow::ensure!(end == Some(entities.len().into()), "the export of {service} does not end with {end:?}");
    Ok(entities)
}

async fn read(asker: &mut Asker, service: &str, rest: &str) -> anyhow::Result<Answer> {
    asker.read(&format!("GET /services/{service}{rest}"), |doors| doors.operator.clone()).await
}

/// An answer that is lost, or that says that the change is not possible yet, is no error.
fn may_come_later(line: &str, answer: anyhow::Result<Answer>) -> anyhow::Result<()> {
    match answer {
        Ok(answer) if answer.status.is_client_error() && answer.status.as_u16() != 409 => {
            anyhow::bail!("{line} is refused: {} {}", answer.status, answer.body)
        }
        _ => Ok(()),
    }
}
