//! What is kept of releases: which one each service runs, what came before it, and the history of all changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::call::Share;
use crate::names::{Digest, ServiceName};

/// A component with its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseRecord {
    /// Counted from 1 for each service.
    pub(super) number: u64,
    /// Of the component.
    pub(super) digest: Digest,
    /// Of the texts of the contracts that it was judged by; nothing for a component that speaks HTTP itself.
    pub(super) contracts: Option<Digest>,
    /// The world of its contract, or `wasi:http`.
    pub(super) world: String,
    /// In microseconds since the Unix epoch.
    pub(super) deployed_at: u64,
    pub(super) by: String,
    pub(super) reason: Option<String>,
    /// The environment variables of the component.
    pub(super) environment: BTreeMap<String, String>,
    /// Hosts that it may send HTTP requests to, by the manifest and by grants.
    pub(super) outbound_hosts: Vec<String>,
    /// Those that were granted by name: they stay when the manifest has others.
    pub(super) granted: Vec<String>,
    pub(super) data: DataVersions,
    /// Whether a rollback left it. It stays kept, but a rollback goes to it only when it is named.
    pub(super) was_left: bool,
}

impl ReleaseRecord {
    /// Whether these, in any order, are the hosts that it may send HTTP requests to.
    pub(super) fn reaches(&self, hosts: &[String]) -> bool {
        let set = |hosts: &[String]| hosts.iter().cloned().collect::<BTreeSet<_>>();
        set(hosts) == set(&self.outbound_hosts)
    }

    /// Whether `other` would be the same: of the same component, with the same contract and configuration.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.contracts == other.contracts
            && self.world == other.world
            && self.environment == other.environment
            && self.outbound_hosts == other.outbound_hosts
    }
}

/// The versions of a service's data that a release can do with. Without migrations there is only 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataVersions {
    pub writes: u64,
    pub reads_up_to: u64,
}

/// How a candidate gets its share of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RolloutRecord {
    /// In hundredths of a percent; nothing: it runs no calls in shadow.
    pub(super) shadow: Option<u32>,
    pub(super) header: Option<(String, String)>,
    /// The shares that it gets one after the other, in hundredths of a percent.
    pub(super) steps: Vec<u32>,
    /// How long it stays at each step; nothing: until the operator says.
    pub(super) every_s: Option<u64>,
    /// Where it is: nothing while it runs in shadow.
    pub(super) step: Option<usize>,
}

impl RolloutRecord {
    /// Of the callers, those that get the candidate now.
    pub(super) fn share(&self) -> Share {
        let parts = self.step.and_then(|step| self.steps.get(step));
        parts.map_or(Share::NONE, |parts| Share::of_parts(*parts))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CandidateRecord {
    pub(super) release: ReleaseRecord,
    pub(super) rollout: RolloutRecord,
}

/// What a service runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceRecord {
    pub(super) live: ReleaseRecord,
    pub(super) candidate: Option<CandidateRecord>,
    /// Newest first.
    pub(super) kept: Vec<ReleaseRecord>,
    /// The number of the last release that was made.
    pub(super) last: u64,
    /// The lowest version of the data that a live release, or a candidate, has written since the last migration: after
    /// going back to an earlier release, entries of that version lie beside newer ones.
    pub(super) oldest_data: u64,
    /// Whether the live release was deployed or promoted: the host itself goes back from such a release, once.
    pub(super) is_fresh: bool,
}

impl ServiceRecord {
    /// All that the service runs or ran.
    pub(super) fn releases(&self) -> impl Iterator<Item = &ReleaseRecord> {
        let candidate = self.candidate.iter().map(|candidate| &candidate.release);
        std::iter::once(&self.live).chain(candidate).chain(&self.kept)
    }
}

/// What a line of the history tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    Deploy,
    Refused,
    /// A candidate begins to run.
    Candidate,
    /// A candidate gets its next share.
    Step,
    Promote,
    Abort,
    /// The host took a candidate out, or went back from a release.
    TakenOut,
    Rollback,
    Settings,
    Add,
    Remove,
    Drop,
    /// Dead letters are delivered again, or dropped.
    ReplayEvents,
    DropEvents,
    Token,
    /// A call that was begun is not made again.
    GiveUp,
}

/// One change, or one that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Counted from 1, without a gap.
    pub number: u64,
    /// RFC 3339, in UTC.
    pub at: String,
    pub who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    pub what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Json>,
    /// What the decision was made by: calls, errors, latencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Json>,
}

/// A line before it has its number and time.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) who: String,
    pub(super) service: Option<ServiceName>,
    pub(super) what: What,
    pub(super) from: Option<Digest>,
    pub(super) to: Option<Digest>,
    pub(super) reason: Option<String>,
    pub(super) verdict: Option<Json>,
    pub(super) figures: Option<Json>,
}

impl Event {
    /// A line that is of no service.
    pub(super) fn of_host(who: &str, what: What) -> Self {
        let who = who.into();
        Self { who, service: None, what, from: None, to: None, reason: None, verdict: None, figures: None }
    }

    pub(super) fn new(who: &str, service: &ServiceName, what: What) -> Self {
        Self { service: Some(service.clone()), ..Self::of_host(who, what) }
    }
}
