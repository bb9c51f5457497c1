//! The options of a deploy, from the query of its request.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::error::AdminError;
use crate::call::Share;
use crate::config::Grant;
use crate::gateway::{Fault, Refusal, query_pairs};
use crate::names::{Digest, ServiceName};
use crate::release::{Expected, Plan, Rollout};

/// Longest reason, in bytes: the history stores it forever.
pub(super) const REASON_BYTES_MAX: usize = 1000;

/// Maximum number of steps of a rollout.
const STEPS_MAX: usize = 20;

/// Maximum seconds that a change waits for running calls: a connection to the operator API may last as long.
const AFTER_INTENTS_SECONDS_MAX: u64 = 3600;

/// Maximum number of hosts that one deploy grants.
const GRANTS_MAX: usize = 32;

/// The options of any change.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) plan: Plan,
    /// For a rollback: a prefix of a digest.
    pub(super) to: Option<String>,
    pub(super) force: bool,
    /// How long a change waits for unfinished calls.
    pub(super) after_intents: Option<Duration>,
    /// For the retry of an intent.
    pub(super) live: bool,
    /// For the history.
    pub(super) service: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) cursor: Option<u64>,
    /// For an apply.
    pub(super) reset_releases: bool,
    /// For the log: lines of one request.
    pub(super) request: Option<String>,
    /// For dead letters and entries.
    pub(super) after: Option<String>,
    /// For entries.
    pub(super) key: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) expected: Option<Expected>,
    /// Whether this is the first batch of an import.
    pub(super) first: bool,
}

/// The name of a service, which need not exist.
pub(super) fn service_name(name: &str) -> Result<ServiceName, AdminError> {
    ServiceName::parse(name).map_err(|error| AdminError::bad_request(format!("{name:?} names no service: {error}.")))
}

impl Options {
    /// Parses a query; only options in `known` are allowed.
    pub(super) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Refusal> {
        let mut reading = Reading::default();
        let mut faults = Vec::new();
        for (name, value) in query_pairs(query.unwrap_or_default()) {
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(Refusal::Malformed {
                    what: "The query is malformed: a `%` needs two hex digits, of UTF-8.",
                });
            };
            let read = if known.contains(&&*name) { reading.pair(&name, &value) } else { Err("unknown".into()) };
            if let Err(detail) = read {
                let parameter = Some(name.into_owned().into());
                faults.push(Fault { field: None, parameter, detail: detail.into_owned() });
            }
        }
        if let Some(detail) = reading.contradiction() {
            faults.push(Fault { field: None, parameter: Some("every".into()), detail: detail.into() });
        }
        if faults.is_empty() { Ok(reading.finish()) } else { Err(Refusal::Faults(faults)) }
    }
}

impl Options {
    /// Adds the options in the body of a deploy of several services, within the same limits as a query.
    pub(super) fn set(&mut self, reason: Option<String>, grants: &[String]) -> Result<(), Refusal> {
        let mut reading = Reading::default();
        let pairs = reason.iter().map(|reason| ("reason", reason)).chain(grants.iter().map(|host| ("grant", host)));
        for (name, value) in pairs {
            let fault = |detail: Detail| {
                let field = Some(format!("/{}", if name == "grant" { "grants" } else { name }));
                Refusal::Faults(vec![Fault { field, parameter: None, detail: detail.into_owned() }])
            };
            reading.pair(name, value).map_err(fault)?;
        }
        let Plan { reason, grants, .. } = reading.options.plan;
        (self.plan.reason, self.plan.grants) = (reason, grants);
        Ok(())
    }
}

#[derive(Default)]
struct Reading {
    options: Options,
    rollout: Rollout,
    is_rollout: bool,
}

type Detail = Cow<'static, str>;

impl Reading {
    fn pair(&mut self, name: &str, value: &str) -> Result<(), Detail> {
        let plan = &mut self.options.plan;
        match name {
            "weight" | "steps" if !self.rollout.steps.is_empty() => {
                return Err("give only one of `weight` and `steps`: `weight` is a single step".into());
            }
            "weight" => self.rollout.steps = vec![percent(value)?],
            "steps" => self.rollout.steps = steps(value)?,
            "shadow" => self.rollout.shadow = Some(percent(value)?),
            "header" => self.rollout.header = Some(header(value)?),
            "every" => {
                let seconds = value.parse().map_err(|_| "must be a number of seconds")?;
                if seconds == 0 {
                    return Err("must be at least a second".into());
                }
                self.rollout.every = Some(Duration::from_secs(seconds));
            }
            "grant" if plan.grants.len() >= GRANTS_MAX => return Err("too many".into()),
            "grant" => {
                let grant = Grant::parse(value).map_err(|error| error.to_string())?;
                if plan.grants.contains(&grant) {
                    return Err(format!("{grant} is granted twice, maybe in another spelling: keep one of them").into());
                }
                plan.grants.push(grant);
            }
            "reason" if value.len() > REASON_BYTES_MAX => return Err("must be at most 1000 bytes".into()),
            "reason" => plan.reason = Some(value.into()).filter(|reason: &String| !reason.is_empty()),
            "dryRun" => plan.dry_run = flag(value)?,
            "allowOldSignature" => plan.allow_old_signature = flag(value)?,
            "dataCompatible" => plan.data_compatible = flag(value)?,
            "answersMayDiffer" => plan.answers_may_differ = flag(value)?,
            "handover" => plan.handover = flag(value)?,
            "replace" => plan.replace = flag(value)?,
            "resetReleases" => self.options.reset_releases = flag(value)?,
            "request" => self.options.request = Some(value.into()),
            "force" => self.options.force = flag(value)?,
            "first" => self.options.first = flag(value)?,
            "live" => self.options.live = flag(value)?,
            "afterIntents" => self.options.after_intents = Some(after_intents(value)?),
            "to" => self.options.to = Some(value.into()),
            "after" => self.options.after = Some(value.into()),
            "key" => self.options.key = Some(value.into()),
            "prefix" => self.options.prefix = Some(value.into()),
            "ifDigest" => self.options.expected = Some(expected(value)?),
            "service" => self.options.service = Some(value.into()),
            "limit" => self.options.limit = Some(value.parse().map_err(|_| "must be a number")?),
            "cursor" => self.options.cursor = Some(value.parse().map_err(|_| "must be the `nextCursor` of a page")?),
            _ => return Err("unknown".into()),
        }
        self.is_rollout |= matches!(name, "weight" | "steps" | "shadow" | "header" | "every");
        Ok(())
    }

    /// Why the given options contradict each other.
    fn contradiction(&self) -> Option<&'static str> {
        let Rollout { every, shadow, header, steps } = &self.rollout;
        let nobody = every.is_some() && shadow.is_none() && header.is_none() && steps.is_empty();
        nobody.then_some("needs `weight`, `steps`, `header` or `shadow`: otherwise no call gets the candidate")
    }

    fn finish(mut self) -> Options {
        if self.is_rollout {
            self.options.plan.rollout = Some(self.rollout);
        }
        self.options
    }
}

/// Parses the share of a candidate: `5`, `5%`, `0.5`.
fn percent(value: &str) -> Result<Share, Detail> {
    let number = value.strip_suffix('%').unwrap_or(value).parse().ok();
    let share = number.and_then(Share::of_percent).filter(|share| *share > Share::NONE);
    share.ok_or_else(|| "must be a percentage above 0, at most 100".into())
}

fn after_intents(value: &str) -> Result<Duration, Detail> {
    let seconds = value.parse().ok().filter(|seconds| *seconds <= AFTER_INTENTS_SECONDS_MAX);
    seconds.map(Duration::from_secs).ok_or_else(|| "must be a number of seconds, at most 3600".into())
}

fn steps(value: &str) -> Result<Vec<Share>, Detail> {
    let steps = value.split(',').map(str::trim).map(percent).collect::<Result<Vec<_>, _>>()?;
    if steps.len() > STEPS_MAX || !steps.is_sorted_by(|one, next| one < next) {
        return Err("must be at most 20 percentages, each larger than the one before".into());
    }
    Ok(steps)
}

fn header(value: &str) -> Result<(HeaderName, HeaderValue), Detail> {
    let (name, value) = value.split_once('=').ok_or("must be NAME=VALUE")?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "has no header name before `=`")?;
    let value = HeaderValue::from_str(value).map_err(|_| "has no header value after `=`")?;
    if value.to_str().is_err() {
        return Err("must have visible ASCII after `=`".into());
    }
    Ok((name, value))
}

fn expected(value: &str) -> Result<Expected, Detail> {
    match value {
        "none" => Ok(Expected::Nothing),
        digest => Digest::parse(digest)
            .map(Expected::Value)
            .map_err(|_| "must be `sha256:` and 64 hex digits, or `none`".into()),
    }
}

fn flag(value: &str) -> Result<bool, Detail> {
    match value {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}
