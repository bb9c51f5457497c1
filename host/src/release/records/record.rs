//! The records of releases: the live one of each service, the kept ones, and the history of all changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::call::Share;
use crate::config::{AppliedSettings, Grant, Signature};
use crate::names::{Digest, FormatName, Generation, ServiceName};

/// A component with its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct ReleaseRecord {
    /// Counted from 1 for each service.
    pub(in crate::release) number: u64,
    /// The digest of the component.
    pub(in crate::release) digest: Digest,
    /// The digest of the contract texts that it was judged by; `None` for a component that speaks HTTP itself.
    pub(in crate::release) contracts: Option<Digest>,
    /// The world of its contract, or `wasi:http`.
    pub(in crate::release) world: String,
    /// In microseconds since the Unix epoch.
    pub(in crate::release) deployed_at: u64,
    pub(in crate::release) by: String,
    pub(in crate::release) reason: Option<String>,
    /// The environment variables of the component.
    pub(in crate::release) environment: BTreeMap<String, String>,
    /// Hosts that it may send HTTP requests to, from the manifest and from grants.
    pub(in crate::release) outbound_hosts: Vec<Grant>,
    /// The hosts that were granted by name: they stay when the manifest has others.
    pub(in crate::release) granted: Vec<Grant>,
    pub(in crate::release) data: DataFormat,
    /// The signature by which it was accepted; `None` if none was required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::release) signature: Option<Signature>,
    /// Whether a rollback left it. It stays kept, but only a rollback that names it returns to it.
    pub(in crate::release) was_left: bool,
}

impl ReleaseRecord {
    /// Whether these, in any order, are the hosts that it may send HTTP requests to.
    pub(in crate::release) fn reaches(&self, hosts: &[Grant]) -> bool {
        let set = |hosts: &[Grant]| hosts.iter().cloned().collect::<BTreeSet<_>>();
        set(hosts) == set(&self.outbound_hosts)
    }

    /// The number of its signature; 0 without one.
    pub(in crate::release) fn signed(&self) -> u64 {
        self.signature.map_or(0, |signature| signature.number)
    }

    /// Whether `other` would be the same release: the same component, contract and configuration.
    pub(in crate::release) fn is_same(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.contracts == other.contracts
            && self.world == other.world
            && self.environment == other.environment
            && self.outbound_hosts == other.outbound_hosts
    }
}

/// The data that a release can run on. A release that does not say has no format, and only version 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataFormat {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FormatName>,
    pub writes: u64,
    pub reads_up_to: u64,
}

/// How a candidate gets its share of the calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct RolloutRecord {
    /// In hundredths of a percent; `None`: it runs no calls in shadow.
    pub(in crate::release) shadow: Option<u32>,
    pub(in crate::release) header: Option<(String, String)>,
    /// The shares that it gets one after another, in hundredths of a percent.
    pub(in crate::release) steps: Vec<u32>,
    /// The time of each step; `None`: the operator starts each step.
    pub(in crate::release) every_s: Option<u64>,
    /// The current step; `None` while it runs in shadow.
    pub(in crate::release) step: Option<usize>,
    /// Whether it keeps its share until the operator resumes it. The host still removes it if it is bad.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::release) paused: bool,
}

impl RolloutRecord {
    /// The share of the callers that get the candidate now.
    pub(in crate::release) fn share(&self) -> Share {
        let parts = self.step.and_then(|step| self.steps.get(step));
        parts.map_or(Share::NONE, |parts| Share::of_parts(*parts))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct CandidateRecord {
    pub(in crate::release) release: ReleaseRecord,
    pub(in crate::release) rollout: RolloutRecord,
}

/// The releases of one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct ServiceRecord {
    pub(in crate::release) live: ReleaseRecord,
    pub(in crate::release) candidate: Option<CandidateRecord>,
    /// Newest first.
    pub(in crate::release) kept: Vec<ReleaseRecord>,
    /// The number of the last created release.
    pub(in crate::release) last: u64,
    /// The lowest version of data that a live release or a candidate has written since the last migration. After a
    /// rollback to an earlier release, entries of that version are beside newer ones.
    pub(in crate::release) oldest_data: u64,
    /// The highest number of a signature by which a release was accepted.
    #[serde(default)]
    pub(in crate::release) signed: u64,
    /// The data that its releases run on.
    #[serde(default)]
    pub(in crate::release) generation: Generation,
    /// Another implementation whose data is kept up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::release) mirror: Option<MirrorRecord>,
    /// The component with which the last apply, or the first start, left it. While another one is live, an apply does
    /// not take that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::release) applied: Option<Digest>,
    /// Whether the live release was deployed or promoted: the host itself rolls back from such a release, once.
    pub(in crate::release) is_fresh: bool,
}

/// A release with data of its own, in the other generation, that follows the data of the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct MirrorRecord {
    pub(in crate::release) release: ReleaseRecord,
    /// Whether it was live before: a rollback goes back to it.
    pub(in crate::release) was_live: bool,
    pub(in crate::release) by: String,
    pub(in crate::release) reason: Option<String>,
    /// The lowest version of its data.
    pub(in crate::release) oldest_data: u64,
    /// The highest version of its data: above the one that it writes, if it was rolled back to.
    #[serde(default)]
    pub(in crate::release) newest_data: u64,
    /// Requests with this header read its data once the copy is complete. The swap then waits for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::release) header: Option<(String, String)>,
    /// The share of the live calls that it repeats on its data before anything else uses that, in hundredths of a percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::release) shadow: Option<u32>,
    /// Whether the operator wants it although recent calls may find nothing on its data.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::release) answers_may_differ: bool,
}

impl ServiceRecord {
    /// All current and earlier releases of the service.
    pub(in crate::release) fn releases(&self) -> impl Iterator<Item = &ReleaseRecord> {
        let candidate = self.candidate.iter().map(|candidate| &candidate.release);
        let mirror = self.mirror.iter().map(|mirror| &mirror.release);
        std::iter::once(&self.live).chain(candidate).chain(mirror).chain(&self.kept)
    }
}

/// The applied settings and contracts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct AppliedRecord {
    pub(in crate::release) settings: AppliedSettings,
    pub(in crate::release) contracts: Option<AppliedContracts>,
}

/// Contracts that came with an apply. They are used until the folder of contracts changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct AppliedContracts {
    pub(in crate::release) digest: Digest,
    /// The digest of the folder at that time; `None` if it could not be read.
    pub(in crate::release) folder: Option<Digest>,
}

/// The kind of change that a line of the history is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangeKind {
    Deploy,
    Refused,
    /// A candidate begins to run.
    Candidate,
    /// A candidate gets its next share.
    Step,
    Promote,
    Abort,
    /// The host removed a candidate, or rolled back a release.
    TakenOut,
    /// A candidate keeps its share until it is resumed.
    Pause,
    Resume,
    /// Another change ended the trial of a candidate.
    Replaced,
    Rollback,
    /// A handover began: the data is copied to another implementation.
    Mirror,
    /// The copy became live.
    Handover,
    /// A handover was given up before its swap.
    MirrorEnded,
    /// A handover was settled: the earlier implementation and its data are deleted.
    Settle,
    /// State was imported.
    Import,
    /// An operator changed an entry of a store by hand.
    SetEntry,
    DeleteEntry,
    Settings,
    Add,
    Remove,
    Drop,
    /// Dead letters are delivered again, or deleted.
    ReplayEvents,
    DropEvents,
    Token,
    /// An unfinished call is abandoned.
    GiveUp,
}

/// One change, or one that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Counted from 1, without a gap.
    pub number: u64,
    /// RFC 3339, in UTC.
    pub at: String,
    pub who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    pub what: ChangeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Json>,
    /// The figures behind the decision: calls, errors, latencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Json>,
}

/// A line without its number and time.
#[derive(Debug, Clone)]
pub(in crate::release) struct NewEntry {
    pub(in crate::release) who: String,
    pub(in crate::release) service: Option<ServiceName>,
    pub(in crate::release) what: ChangeKind,
    pub(in crate::release) from: Option<Digest>,
    pub(in crate::release) to: Option<Digest>,
    pub(in crate::release) reason: Option<String>,
    pub(in crate::release) verdict: Option<Json>,
    pub(in crate::release) figures: Option<Json>,
}

impl NewEntry {
    /// A line that belongs to no service.
    pub(in crate::release) fn of_host(who: &str, what: ChangeKind) -> Self {
        let who = who.into();
        Self { who, service: None, what, from: None, to: None, reason: None, verdict: None, figures: None }
    }

    pub(in crate::release) fn new(who: &str, service: &ServiceName, what: ChangeKind) -> Self {
        Self { service: Some(service.clone()), ..Self::of_host(who, what) }
    }
}
