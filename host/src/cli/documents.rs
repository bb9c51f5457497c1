//! What the operator's API answers, as far as the command line shows it. Members that are not known are passed over,
//! so that a host of a later version can be asked too.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) contract: String,
    pub(super) live: Option<Release>,
    pub(super) candidate: Option<Candidate>,
    /// Earlier releases, newest first.
    pub(super) kept: Vec<Release>,
    pub(super) figures: ServiceFigures,
    pub(super) store_bytes: u64,
    pub(super) platform_bytes: u64,
    pub(super) data_version: Option<u64>,
}

/// The figures of a service since the start of the host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceFigures {
    pub(super) calls: u64,
    pub(super) refused: u64,
    /// By kind.
    pub(super) errors: BTreeMap<String, u64>,
    pub(super) latency_micros: Option<Latency>,
    pub(super) conflicts: u64,
    pub(super) nested_calls: u64,
    pub(super) in_flight: u64,
    pub(super) waiting: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Latency {
    pub(super) p50: Option<u64>,
    pub(super) p99: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Release {
    pub(super) number: Option<u64>,
    pub(super) digest: String,
    pub(super) deployed_at: String,
    pub(super) by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) data_version: Option<DataVersion>,
    pub(super) circuit_open: bool,
    pub(super) figures: ReleaseFigures,
}

/// The versions of the data that a release knows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DataVersion {
    pub(super) writes: u64,
    pub(super) reads_up_to: u64,
}

/// The figures of a release since it began to run.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ReleaseFigures {
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) traps: u64,
    pub(super) latency_micros: Option<Latency>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Candidate {
    #[serde(flatten)]
    pub(super) release: Release,
    pub(super) phase: Phase,
    /// Of the calls, 0 to 1.
    pub(super) share: f64,
    pub(super) header: Option<HeaderMatch>,
    pub(super) steps: Vec<f64>,
    /// The index of the step that it is at.
    pub(super) step: u64,
    pub(super) next_step_at: Option<String>,
    pub(super) shadow: Option<Shadow>,
    pub(super) judged: Option<Judged>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Phase {
    /// It repeats calls that the live release answers.
    Shadow,
    /// It answers its share of the calls.
    #[default]
    Canary,
}

#[derive(Debug, Deserialize)]
pub(super) struct HeaderMatch {
    pub(super) name: String,
    pub(super) value: String,
}

/// How the answers and writes of a candidate compare with those of the live release.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shadow {
    pub(super) share: f64,
    pub(super) compared: u64,
    pub(super) equal: u64,
    pub(super) different: u64,
    pub(super) dropped: u64,
    pub(super) functions: Vec<FunctionCount>,
    pub(super) differences: Vec<Difference>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FunctionCount {
    pub(super) function: String,
    pub(super) equal: u64,
    pub(super) different: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Difference {
    pub(super) function: String,
    pub(super) path: String,
    pub(super) live: serde_json::Value,
    pub(super) candidate: serde_json::Value,
}

/// How a candidate does beside the live release, in the host's words.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Judged {
    pub(super) text: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Verdict {
    pub(super) accepted: bool,
    pub(super) service: String,
    pub(super) digest: String,
    pub(super) world: String,
    pub(super) problems: Vec<Problem>,
    pub(super) problems_more: u64,
    pub(super) checks: Vec<Check>,
    pub(super) compatibility: Option<Compatibility>,
    pub(super) asks: Asks,
    /// Milliseconds by what they were spent on, such as `compileMs`.
    pub(super) timings: BTreeMap<String, f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) detail: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) detail: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Compatibility {
    pub(super) level: String,
    pub(super) bump: String,
    pub(super) breaks: Vec<Break>,
    pub(super) added: Vec<String>,
}

/// A neighbour that the component does not fit.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Break {
    pub(super) service: String,
    pub(super) problems: Vec<Problem>,
    pub(super) problems_more: u64,
}

/// What a component asks for, beside the live release.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asks {
    pub(super) more: Vec<String>,
    pub(super) less: Vec<String>,
    pub(super) needs_grant: Vec<String>,
}

/// What a deploy did, or a refusal by its verdict.
#[derive(Debug, Deserialize)]
pub(super) struct Deployed {
    pub(super) release: Option<Release>,
    pub(super) verdict: Verdict,
    #[serde(default)]
    pub(super) unchanged: bool,
}

/// What a deploy of several services did, or a refusal by their verdicts.
#[derive(Debug, Deserialize)]
pub(super) struct DeployedSet {
    #[serde(default)]
    pub(super) releases: BTreeMap<String, Release>,
    pub(super) verdicts: BTreeMap<String, Verdict>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HistoryEntry {
    pub(super) at: String,
    pub(super) who: String,
    pub(super) service: Option<String>,
    pub(super) what: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) verdict: Option<Verdict>,
    /// By which the host judged a candidate.
    pub(super) figures: Option<Judged>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    pub(super) name: String,
    pub(super) role: String,
    #[serde(default)]
    pub(super) services: Vec<String>,
    pub(super) created_at: Option<String>,
    pub(super) last_used_at: Option<String>,
    /// Only in the answer to its making.
    pub(super) token: Option<String>,
}

/// What it takes to bring a host to what its manifest says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Plan {
    pub(super) changes: Vec<PlannedChange>,
    /// Digests of components that the host has not got.
    pub(super) missing: Vec<String>,
    pub(super) verdicts: BTreeMap<String, Verdict>,
    pub(super) applied: bool,
    pub(super) manifest_file: Option<ManifestFile>,
}

/// The manifest that a host starts with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ManifestFile {
    pub(super) path: String,
    /// Whether it says what is applied.
    pub(super) agrees: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PlannedChange {
    pub(super) service: Option<String>,
    pub(super) what: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) detail: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Store {
    pub(super) service: String,
    pub(super) bytes: u64,
    /// Of what the host keeps of calls beside that.
    #[serde(default)]
    pub(super) platform_bytes: u64,
    /// Whether its service exists.
    pub(super) in_use: bool,
}

/// A call that was begun and has not ended.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) function: String,
    pub(super) age_ms: u64,
    pub(super) attempts: u64,
    pub(super) last_error: Option<String>,
    pub(super) running: bool,
    pub(super) due_in_ms: u64,
}

/// One service that takes the events of another.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Subscription {
    pub(super) service: String,
    pub(super) from: String,
    pub(super) lag_events: u64,
    pub(super) lag_seconds: f64,
    pub(super) retrying: u64,
    pub(super) dead: u64,
    /// Why nothing is delivered.
    pub(super) held: Option<String>,
}

/// What one service takes, and what it could not be given.
#[derive(Debug, Deserialize)]
pub(super) struct TakenEvents {
    pub(super) items: Vec<Subscription>,
    pub(super) letters: Vec<Letter>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Letter {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) function: String,
    pub(super) emitted_at: String,
    pub(super) attempts: u64,
    pub(super) error: Option<String>,
}

/// How many it was.
#[derive(Debug, Deserialize)]
pub(super) struct Count {
    pub(super) count: u64,
}

/// A function that runs on time.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Schedule {
    pub(super) service: String,
    /// Behind its interface and a `#`.
    pub(super) function: String,
    pub(super) every_ms: u64,
    pub(super) last_at: Option<String>,
    pub(super) next_at: String,
    pub(super) running: bool,
    pub(super) error: Option<String>,
    pub(super) failures: u64,
}
