//! Changes of releases by the operator: deploy, promote, abort, roll back; and their history.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::services::no_service;
use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::options::Options;
use crate::admin::request::{RequestBody, parse_json, parse_signature, whole};
use crate::admin::server::Admin;
use crate::gateway::{Fault, Refusal, is_json as is_json_type};
use crate::names::{Digest, ServiceName};
use crate::release::{DeployError, HistoryEntry, Holder, Outcome, Proposal, ReleaseView, ServiceView, Verdict};

/// Lines of the history in one page: the default, and the maximum.
const LINES: usize = 50;
const LINES_MAX: usize = 500;

/// The options of a deploy of several services.
pub(in crate::admin) const SET: &[&str] =
    &["allowOldSignature", "dataCompatible", "answersMayDiffer", "replace", "dryRun"];

/// The options of a deploy.
pub(in crate::admin) const DEPLOY: &[&str] = &[
    "weight",
    "steps",
    "shadow",
    "header",
    "every",
    "grant",
    "reason",
    "allowOldSignature",
    "dataCompatible",
    "answersMayDiffer",
    "handover",
    "replace",
    "dryRun",
    "afterIntents",
];

/// The answer to a deploy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct DeployAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ReleaseView>,
    verdict: Verdict,
    unchanged: bool,
}

/// The answer to a deploy of several services.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct SetAnswer {
    releases: BTreeMap<ServiceName, ReleaseView>,
    verdicts: BTreeMap<ServiceName, Verdict>,
    unchanged: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct History {
    items: Vec<HistoryEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A component that was already uploaded.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentDigest {
    digest: Digest,
}

/// Several services that are swapped together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    set: BTreeMap<ServiceName, ComponentDigest>,
    reason: Option<String>,
    #[serde(default)]
    grants: Vec<String>,
    #[serde(default)]
    signatures: BTreeMap<ServiceName, String>,
}

/// An action on the releases of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) enum Action {
    Promote,
    Abort,
    Rollback,
    Settle,
    Pause,
    Resume,
    Weight,
}

impl Admin {
    pub(in crate::admin) async fn deploy(
        &self,
        who: &Holder,
        service: &str,
        head: &Parts,
        body: &mut RequestBody,
    ) -> Result<(StatusCode, DeployAnswer), AdminError> {
        let service = self.named(service)?;
        self.may_deploy(who, &service)?;
        let options = Options::read(head.uri.query(), DEPLOY)?;
        may_grant(who, &options)?;
        // Wait before the component is received, because few components may be received at once.
        if let Some(wait) = options.after_intents.filter(|_| !options.plan.dry_run) {
            self.releases.intents_ended(&service, wait).await?;
        }
        let (body, _place) = self.receive(body).await?;
        let component =
            if is_json(head) { self.uploaded(parse_json::<ComponentDigest>(&body)?.digest).await? } else { body };
        let signature = head.headers.get("switchyard-signature").map(|value| value.to_str().unwrap_or_default());
        let proposal = Proposal { service, component, signature: signature.map(parse_signature).transpose()? };
        let outcome = self.releases.deploy(who, vec![proposal], &options.plan).await?;
        let first =
            |deployed: Vec<_>| deployed.into_iter().next().ok_or_else(|| Refusal::Answer { detail: "nothing".into() });
        Ok(match outcome {
            Outcome::Judged(verdicts) => {
                (StatusCode::OK, DeployAnswer { release: None, verdict: first_of(verdicts)?, unchanged: false })
            }
            Outcome::Deployed(deployed) => (StatusCode::CREATED, answer(first(deployed)?, false)),
            Outcome::Unchanged(deployed) => (StatusCode::OK, answer(first(deployed)?, true)),
        })
    }

    /// Deploys several services together.
    pub(in crate::admin) async fn deploy_set(
        &self,
        who: &Holder,
        head: &Parts,
        body: &mut RequestBody,
    ) -> Result<(StatusCode, SetAnswer), AdminError> {
        let mut options = Options::read(head.uri.query(), SET)?;
        let body = whole(body, self.body_bytes_max, self.body_read_max).await?;
        let Set { set, reason, grants, mut signatures } = parse_json(&body)?;
        options.set(reason, &grants)?;
        may_grant(who, &options)?;
        let mut proposals = Vec::new();
        for (service, ComponentDigest { digest }) in set {
            self.may_deploy(who, &service)?;
            let signature = signatures.remove(&service).map(|text| parse_signature(&text)).transpose()?;
            proposals.push(Proposal { component: self.uploaded(digest).await?, service, signature });
        }
        if proposals.is_empty() {
            return Err(Refusal::Malformed { what: "`set` must name at least one service." }.into());
        }
        let outcome = self.releases.deploy(who, proposals, &options.plan).await?;
        let (status, deployed, unchanged) = match outcome {
            Outcome::Judged(verdicts) => {
                let verdicts = verdicts.into_iter().map(|verdict| (verdict.service.clone(), verdict)).collect();
                return Ok((StatusCode::OK, SetAnswer { releases: BTreeMap::new(), verdicts, unchanged: false }));
            }
            Outcome::Deployed(deployed) => (StatusCode::CREATED, deployed, false),
            Outcome::Unchanged(deployed) => (StatusCode::OK, deployed, true),
        };
        let (mut releases, mut verdicts) = (BTreeMap::new(), BTreeMap::new());
        for deployed in deployed {
            releases.insert(deployed.service.clone(), deployed.release);
            verdicts.insert(deployed.service, deployed.verdict);
        }
        Ok((status, SetAnswer { releases, verdicts, unchanged }))
    }

    pub(in crate::admin) async fn act(
        &self,
        who: &Holder,
        service: &str,
        action: Action,
        head: &Parts,
    ) -> Result<ServiceView, AdminError> {
        let service = self.named(service)?;
        self.may_deploy(who, &service)?;
        let known: &[&str] = match action {
            Action::Promote => &["reason", "afterIntents"],
            Action::Abort | Action::Settle | Action::Pause | Action::Resume => &["reason"],
            Action::Rollback => &["to", "force", "reason", "afterIntents"],
            Action::Weight => &["weight", "reason"],
        };
        let Options { plan, to, force, after_intents, .. } = Options::read(head.uri.query(), known)?;
        if let Some(wait) = after_intents {
            self.releases.intents_ended(&service, wait).await?;
        }
        match action {
            Action::Promote => self.releases.promote(who, &service, plan.reason).await,
            Action::Abort => self.releases.abort(who, &service, plan.reason).await,
            Action::Settle => self.releases.settle(who, &service, plan.reason).await,
            Action::Pause => self.releases.pause(who, &service, plan.reason).await,
            Action::Resume => self.releases.resume(who, &service, plan.reason).await,
            Action::Weight => {
                let share = plan.rollout.and_then(|rollout| rollout.steps.first().copied()).ok_or_else(no_weight)?;
                self.releases.set_weight(who, &service, share, plan.reason).await
            }
            Action::Rollback => self.releases.rollback(who, &service, to.as_deref(), force, plan.reason).await,
        }?;
        self.service(service.as_str())
    }

    pub(in crate::admin) async fn history(&self, head: &Parts) -> Result<History, AdminError> {
        let options = Options::read(head.uri.query(), &["service", "limit", "cursor"])?;
        let service = options.service.map(|name| self.named(&name)).transpose()?;
        let limit = options.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
        let items = self.releases.history(service, options.cursor, limit).await.map_err(DeployError::from)?;
        let last = items.last().filter(|line| items.len() == limit && line.number > 1);
        let next_cursor = last.map(|line| line.number.to_string());
        Ok(History { items, next_cursor })
    }

    pub(in crate::admin) fn named(&self, name: &str) -> Result<ServiceName, AdminError> {
        let names = self.releases.names();
        let found = names.iter().find(|known| known.as_str() == name).cloned();
        found.ok_or_else(|| no_service(name, names.iter().map(ServiceName::as_str).collect()))
    }

    fn may_deploy(&self, who: &Holder, service: &ServiceName) -> Result<(), AdminError> {
        match who.may_deploy(service) {
            true => Ok(()),
            false => Err(AdminError::forbidden(format!("The token {:?} may not change {service}.", who.name))),
        }
    }

    /// Loads an uploaded component; it may be read from the disk, and is checked.
    async fn uploaded(&self, digest: Digest) -> Result<Bytes, AdminError> {
        let releases = self.releases.clone();
        let read = tokio::task::spawn_blocking(move || releases.component(&digest)).await;
        read.map_err(|error| Refusal::Answer { detail: error.to_string() })?.map_err(AdminError::from)
    }
}

/// Only an admin may grant hosts: a grant reaches into the network, where the operator API listens too. Only an admin
/// may allow old signatures: a thief of a deployer's token may have an old component with its signature.
fn may_grant(who: &Holder, options: &Options) -> Result<(), AdminError> {
    if options.plan.allow_old_signature {
        admin_only(who, "allow old signatures")?;
    }
    if options.plan.data_compatible {
        admin_only(who, "vouch for the format of data")?;
    }
    match options.plan.grants.is_empty() {
        true => Ok(()),
        false => admin_only(who, "grant hosts"),
    }
}

fn no_weight() -> Refusal {
    let detail = "is missing: give the share of the callers in percent".into();
    Refusal::Faults(vec![Fault { field: None, parameter: Some("weight".into()), detail }])
}

fn answer(deployed: crate::release::Deployed, unchanged: bool) -> DeployAnswer {
    DeployAnswer { release: Some(deployed.release), verdict: deployed.verdict, unchanged }
}

fn first_of(verdicts: Vec<Verdict>) -> Result<Verdict, Refusal> {
    verdicts.into_iter().next().ok_or_else(|| Refusal::Answer { detail: "nothing was judged".into() })
}

fn is_json(head: &Parts) -> bool {
    head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_json_type)
}
