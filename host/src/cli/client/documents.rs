//! The answers of the operator API, as far as the command line shows them. Unknown members are ignored, so that hosts
//! of later versions work too.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cli::output::failure::{Failure, Kind};
use crate::cli::output::value;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Items<T> {
    pub(in crate::cli) items: Vec<T>,
}

/// All services of a host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Services {
    pub(in crate::cli) items: Vec<Service>,
    pub(in crate::cli) manifest_file: ManifestState,
}

/// How the host's manifest file differs from the applied settings.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct ManifestState {
    pub(in crate::cli) path: String,
    /// Keys of settings that are not applied.
    pub(in crate::cli) unapplied: Vec<String>,
    pub(in crate::cli) error: Option<String>,
}

/// The hosts of a cluster, as one of them sees it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Cluster {
    pub(in crate::cli) cluster: String,
    /// The host that says so.
    pub(in crate::cli) answered_by: String,
    /// `None` while no host leads.
    pub(in crate::cli) leader: Option<String>,
    /// Milliseconds since the answering host, which does not lead, has heard of a leader.
    pub(in crate::cli) heard_ms: Option<u64>,
    pub(in crate::cli) epoch: u64,
    pub(in crate::cli) lease_ms: u64,
    /// Why no commit is taken.
    pub(in crate::cli) stream: Option<String>,
    pub(in crate::cli) nodes: Vec<ClusterNode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct ClusterNode {
    pub(in crate::cli) node: String,
    pub(in crate::cli) address: String,
    pub(in crate::cli) role: String,
    pub(in crate::cli) version: String,
    pub(in crate::cli) commit: u64,
    /// The commits of the leader that it lacks.
    pub(in crate::cli) behind: u64,
    /// Milliseconds since its last report.
    pub(in crate::cli) reported_ms: u64,
    /// Why it is not ready.
    pub(in crate::cli) because: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Service {
    pub(in crate::cli) name: String,
    pub(in crate::cli) contract: String,
    pub(in crate::cli) live: Option<Release>,
    pub(in crate::cli) candidate: Option<Candidate>,
    /// Earlier releases, newest first.
    pub(in crate::cli) kept: Vec<Release>,
    pub(in crate::cli) figures: ServiceFigures,
    pub(in crate::cli) store_bytes: u64,
    pub(in crate::cli) platform_bytes: u64,
    pub(in crate::cli) data_version: Option<u64>,
    pub(in crate::cli) mirror: Option<Mirror>,
}

/// Another implementation whose data follows that of the live release.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Mirror {
    pub(in crate::cli) release: Release,
    pub(in crate::cli) was_live: bool,
    pub(in crate::cli) status: Option<MirrorStatus>,
    pub(in crate::cli) shadow: Option<Shadow>,
    pub(in crate::cli) bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct MirrorStatus {
    pub(in crate::cli) phase: String,
    pub(in crate::cli) entities: u64,
    pub(in crate::cli) entities_expected: Option<u64>,
    pub(in crate::cli) commits_behind: u64,
    pub(in crate::cli) attempts: u32,
    pub(in crate::cli) error: Option<String>,
}

/// The figures of a service since the host started.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct ServiceFigures {
    pub(in crate::cli) calls: u64,
    pub(in crate::cli) refused: u64,
    /// By kind.
    pub(in crate::cli) errors: BTreeMap<String, u64>,
    pub(in crate::cli) latency_micros: Option<Latency>,
    pub(in crate::cli) conflicts: u64,
    pub(in crate::cli) turns: u64,
    /// Calls that did not run, because the answer of an earlier one was still true.
    pub(in crate::cli) reused: u64,
    pub(in crate::cli) nested_calls: u64,
    pub(in crate::cli) in_flight: u64,
    pub(in crate::cli) waiting: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(in crate::cli) struct Latency {
    pub(in crate::cli) p50: Option<u64>,
    pub(in crate::cli) p99: Option<u64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Release {
    pub(in crate::cli) number: Option<u64>,
    pub(in crate::cli) digest: String,
    pub(in crate::cli) deployed_at: String,
    pub(in crate::cli) by: Option<String>,
    pub(in crate::cli) reason: Option<String>,
    pub(in crate::cli) data_version: Option<DataVersion>,
    pub(in crate::cli) circuit_open: bool,
    pub(in crate::cli) figures: ReleaseFigures,
}

/// The data versions that a release supports.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct DataVersion {
    pub(in crate::cli) format: Option<String>,
    pub(in crate::cli) writes: u64,
    pub(in crate::cli) reads_up_to: u64,
}

/// The figures of a release since it started to run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct ReleaseFigures {
    pub(in crate::cli) calls: u64,
    pub(in crate::cli) refused: u64,
    pub(in crate::cli) errors: u64,
    pub(in crate::cli) traps: u64,
    pub(in crate::cli) latency_micros: Option<Latency>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Candidate {
    #[serde(flatten)]
    pub(in crate::cli) release: Release,
    pub(in crate::cli) phase: Phase,
    /// The share of the calls, 0 to 1.
    pub(in crate::cli) share: f64,
    pub(in crate::cli) header: Option<HeaderMatch>,
    pub(in crate::cli) steps: Vec<f64>,
    /// The index of the current step.
    pub(in crate::cli) step: u64,
    pub(in crate::cli) paused: bool,
    pub(in crate::cli) next_step_at: Option<String>,
    pub(in crate::cli) shadow: Option<Shadow>,
    pub(in crate::cli) judged: Option<Judgement>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) enum Phase {
    /// It repeats calls, and the live release answers them.
    Shadow,
    /// It answers its share of the calls.
    #[default]
    Canary,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct HeaderMatch {
    pub(in crate::cli) name: String,
    pub(in crate::cli) value: String,
}

/// How the answers and writes of a candidate compare with those of the live release.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Shadow {
    pub(in crate::cli) share: f64,
    pub(in crate::cli) compared: u64,
    pub(in crate::cli) equal: u64,
    pub(in crate::cli) different: u64,
    pub(in crate::cli) dropped: u64,
    /// Calls that were not compared because the copy of a handover was behind.
    pub(in crate::cli) behind: u64,
    pub(in crate::cli) functions: Vec<FunctionCount>,
    pub(in crate::cli) differences: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct FunctionCount {
    pub(in crate::cli) function: String,
    pub(in crate::cli) equal: u64,
    pub(in crate::cli) different: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Difference {
    pub(in crate::cli) function: String,
    pub(in crate::cli) path: String,
    pub(in crate::cli) live: serde_json::Value,
    pub(in crate::cli) candidate: serde_json::Value,
}

/// How a candidate compares with the live release, in the host's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Judgement {
    pub(in crate::cli) text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Verdict {
    pub(in crate::cli) accepted: bool,
    pub(in crate::cli) service: String,
    pub(in crate::cli) digest: String,
    pub(in crate::cli) world: String,
    pub(in crate::cli) problems: Vec<Problem>,
    pub(in crate::cli) problems_more: u64,
    pub(in crate::cli) checks: Vec<Check>,
    pub(in crate::cli) warnings: Vec<String>,
    pub(in crate::cli) compatibility: Option<Compatibility>,
    pub(in crate::cli) asks: Asks,
    /// Milliseconds by activity, such as `compileMs`.
    pub(in crate::cli) timings: BTreeMap<String, f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Problem {
    pub(in crate::cli) path: String,
    pub(in crate::cli) expected: String,
    pub(in crate::cli) found: String,
    pub(in crate::cli) detail: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Check {
    pub(in crate::cli) name: String,
    pub(in crate::cli) passed: bool,
    pub(in crate::cli) detail: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Compatibility {
    pub(in crate::cli) level: String,
    pub(in crate::cli) bump: String,
    pub(in crate::cli) breaks: Vec<Break>,
    pub(in crate::cli) added: Vec<String>,
}

/// A neighbour that the component does not fit.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Break {
    pub(in crate::cli) service: String,
    pub(in crate::cli) problems: Vec<Problem>,
    pub(in crate::cli) problems_more: u64,
}

/// The imports of a component, compared with the live release.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Asks {
    pub(in crate::cli) more: Vec<String>,
    pub(in crate::cli) less: Vec<String>,
    pub(in crate::cli) needs_grant: Vec<String>,
}

/// The result of a deploy, or its refusal with the verdict.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct DeployAnswer {
    pub(in crate::cli) release: Option<Release>,
    pub(in crate::cli) verdict: Verdict,
    #[serde(default)]
    pub(in crate::cli) unchanged: bool,
}

/// The result of a deploy of several services, or its refusal with the verdicts.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct DeploySetAnswer {
    #[serde(default)]
    pub(in crate::cli) releases: BTreeMap<String, Release>,
    pub(in crate::cli) verdicts: BTreeMap<String, Verdict>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct HistoryEntry {
    pub(in crate::cli) at: String,
    pub(in crate::cli) who: String,
    pub(in crate::cli) service: Option<String>,
    pub(in crate::cli) what: String,
    pub(in crate::cli) from: Option<String>,
    pub(in crate::cli) to: Option<String>,
    pub(in crate::cli) reason: Option<String>,
    pub(in crate::cli) verdict: Option<Verdict>,
    /// The figures by which the host judged a candidate.
    pub(in crate::cli) figures: Option<Judgement>,
}

/// An entry of a store.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Entry {
    pub(in crate::cli) key: String,
    pub(in crate::cli) bytes: u64,
    pub(in crate::cli) digest: String,
    /// The value, if it is UTF-8.
    text: Option<String>,
    /// Any other value.
    hex: Option<String>,
}

impl Entry {
    pub(in crate::cli) fn value(&self) -> Result<Vec<u8>, Failure> {
        let value = match (&self.text, &self.hex) {
            (Some(text), _) => Some(text.clone().into_bytes()),
            (None, hex) => hex.as_deref().and_then(value::unhex),
        };
        let what = "this version of switchyard does not understand the host's answer: use the version of the host";
        value.ok_or_else(|| Failure::text(Kind::Unreachable, what))
    }
}

#[derive(Debug, Deserialize)]
pub(in crate::cli) struct EntrySize {
    pub(in crate::cli) bytes: u64,
    pub(in crate::cli) digest: String,
}

/// A change of an entry that was made.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct EditedEntry {
    pub(in crate::cli) before: Option<EntrySize>,
    pub(in crate::cli) after: Option<EntrySize>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Token {
    pub(in crate::cli) name: String,
    pub(in crate::cli) role: String,
    #[serde(default)]
    pub(in crate::cli) services: Vec<String>,
    pub(in crate::cli) created_at: Option<String>,
    pub(in crate::cli) last_used_at: Option<String>,
    /// Present only when the token was just created.
    pub(in crate::cli) token: Option<String>,
}

/// The changes that bring a host to the state in its manifest.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Plan {
    pub(in crate::cli) changes: Vec<PlannedChange>,
    /// Digests of components that the host lacks.
    pub(in crate::cli) missing: Vec<String>,
    pub(in crate::cli) verdicts: BTreeMap<String, Verdict>,
    pub(in crate::cli) applied: bool,
    pub(in crate::cli) manifest_file: Option<ManifestFile>,
}

/// The manifest file of a host.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct ManifestFile {
    pub(in crate::cli) path: String,
    /// Whether it equals the applied settings.
    pub(in crate::cli) agrees: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct PlannedChange {
    pub(in crate::cli) service: Option<String>,
    pub(in crate::cli) what: String,
    pub(in crate::cli) from: Option<String>,
    pub(in crate::cli) to: Option<String>,
    pub(in crate::cli) detail: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Store {
    pub(in crate::cli) service: String,
    pub(in crate::cli) bytes: u64,
    /// The host's own records for the service, in bytes.
    #[serde(default)]
    pub(in crate::cli) platform_bytes: u64,
    /// Whether its service exists.
    pub(in crate::cli) in_use: bool,
}

/// A call that started and has not ended.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Intent {
    pub(in crate::cli) id: String,
    pub(in crate::cli) service: String,
    pub(in crate::cli) function: String,
    pub(in crate::cli) age_ms: u64,
    pub(in crate::cli) attempts: u64,
    pub(in crate::cli) last_error: Option<String>,
    pub(in crate::cli) running: bool,
    pub(in crate::cli) due_in_ms: u64,
}

/// A subscription of one service to the events of another.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Subscription {
    pub(in crate::cli) service: String,
    pub(in crate::cli) from: String,
    pub(in crate::cli) lag_events: u64,
    pub(in crate::cli) lag_seconds: f64,
    pub(in crate::cli) retrying: u64,
    pub(in crate::cli) dead: u64,
    /// Why delivery is paused.
    pub(in crate::cli) pause_reason: Option<String>,
}

/// The subscriptions of one service, and its failed deliveries.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct ServiceEvents {
    pub(in crate::cli) items: Vec<Subscription>,
    pub(in crate::cli) failed_deliveries: Vec<Delivery>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Delivery {
    pub(in crate::cli) id: String,
    pub(in crate::cli) state: String,
    pub(in crate::cli) function: String,
    pub(in crate::cli) emitted_at: String,
    pub(in crate::cli) attempts: u64,
    pub(in crate::cli) error: Option<String>,
}

/// How many entries a change affected.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Count {
    pub(in crate::cli) count: u64,
}

/// A scheduled function.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::cli) struct Schedule {
    pub(in crate::cli) service: String,
    /// Its interface, `#` and its name.
    pub(in crate::cli) function: String,
    pub(in crate::cli) every_ms: u64,
    pub(in crate::cli) last_at: Option<String>,
    pub(in crate::cli) next_at: String,
    pub(in crate::cli) running: bool,
    pub(in crate::cli) error: Option<String>,
    pub(in crate::cli) failures: u64,
}
