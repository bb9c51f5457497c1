//! The settings: plain fields, passed down by reference. `default.toml` documents every one of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::grant::Grant;
pub use super::service_limits::{LimitOverrides, LimitSettings};
use super::signer::Signer;
use crate::names::ServiceName;
pub use crate::observe::LogFormat;

/// The whole manifest. Every section but `services` has defaults.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub host: HostSettings,
    pub gateway: GatewaySettings,
    pub store: StoreSettings,
    pub journal: JournalSettings,
    pub runtime: RuntimeSettings,
    /// For services whose own section says nothing.
    pub limits: LimitSettings,
    pub retries: RetrySettings,
    pub deploy: DeploySettings,
    pub events: EventSettings,
    pub services: BTreeMap<ServiceName, ServiceSettings>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// The folder of the WIT packages.
    pub wit: PathBuf,
    /// The data directory, made at the first start.
    pub data: PathBuf,
    /// Backups are written only below these folders.
    pub backup_folders: Vec<PathBuf>,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    /// How long calls under way may take to end at shutdown.
    pub drain_ms_max: u64,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// A tracing filter, such as `info` or `info,switchyard::journal=debug`.
    pub log_filter: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// The folder that is served where no route matches.
    pub assets: Option<PathBuf>,
    pub connections_max: usize,
    /// Connections that one client address may hold.
    pub connections_per_client_max: usize,
    pub header_bytes_max: usize,
    pub header_read_ms_max: u64,
    pub body_bytes_max: usize,
    pub body_read_ms_max: u64,
    pub idle_ms_max: u64,
    /// HTTP/2 streams of one connection at once.
    pub streams_per_connection_max: u32,
    /// Requests a second that one client address may send on average, and in a burst; none: no limit.
    pub requests_per_second_per_client: Option<u32>,
    pub request_burst_per_client: Option<u32>,
    /// Calls a minute that one client address may make of a function, by `service.function`.
    #[serde(default)]
    pub calls_per_minute_per_client: BTreeMap<String, u32>,
    /// Origins that browsers may call from; `*` allows every one.
    pub cors_origins: Vec<String>,
    /// Answers from this size on are compressed.
    pub compress_bytes_min: usize,
    pub access_log: bool,
    /// How long the answer of `authenticate` may be used again, when its service's store stays as it was.
    pub authentication_cache_ms_max: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Size at which a journal segment is closed and the next begun.
    pub segment_bytes: u64,
    /// Bytes of commits that may wait in memory to be applied to the indexes; at it, writers wait.
    pub overlay_bytes_max: usize,
    /// How often the indexes are made durable, at the latest.
    pub checkpoint_ms_max: u64,
    /// The page cache of one service's index.
    pub index_cache_bytes: usize,
    /// Commits of one batch, at most.
    pub batch_commits_max: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// The folder that segments are moved to when the host needs them no more; none: they are deleted.
    pub archive: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSettings {
    /// Component instances that may exist at once in the whole host.
    pub instances_max: u32,
    /// Core instances that one component instance may have.
    pub core_instances_per_component_max: u32,
    /// Memories, and tables, that one component instance may have.
    pub memories_per_component_max: u32,
    /// Bytes of an instance's memory that stay resident for the next one.
    pub memory_keep_resident_bytes: usize,
    /// How often a running guest gives its thread to others.
    pub epoch_ms: u64,
    /// Bytes of compiled code on the disk.
    pub compiled_bytes_max: u64,
}

/// How long records for safe retries are kept, and how interrupted calls continue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySettings {
    /// How long the answer to a request with an `Idempotency-Key` is kept.
    pub answers_kept_ms: u64,
    /// How long the answers of nested calls are kept at least; while a call may still be made again, longer.
    pub memos_kept_ms: u64,
    /// Whether a call goes on with the releases that it began with, as long as they are kept; else with the live ones.
    pub intents_keep_releases: bool,
    /// Calls that go on at once.
    pub intents_at_once: usize,
    /// How long until a call that failed again is made once more: doubled each time, up to a bound.
    pub intent_retry_ms_min: u64,
    pub intent_retry_ms_max: u64,
}

/// The rules of a deploy.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeploySettings {
    /// With any here, a component must be signed by one of them.
    pub signers: Vec<Signer>,
    /// Whether the host goes back from a release whose circuit opens, and for how long after the swap.
    pub rollback_when_circuit_opens: bool,
    pub rollback_watch_ms: u64,
    /// Calls of a candidate, and of the live release in the same time, before it is judged.
    pub candidate_calls_min: u64,
    /// How many percentage points more of a candidate's calls may be refused, or fail.
    pub candidate_errors_percent_more_max: f64,
    pub candidate_traps_percent_more_max: f64,
    /// How many times as long as the live release's a candidate's calls may take.
    pub candidate_slowdown_max: f64,
    /// Calls that shadow runs of a candidate must equal before it gets a share, where it is to run in shadow first.
    pub shadow_calls_min: u64,
    /// Shadow runs at once; calls beyond them are not compared.
    pub shadow_runs_max: usize,
}

/// How events are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// How long events are kept at least; longer while a subscriber has not taken them.
    pub kept_ms: u64,
    /// Deliveries of one event that may fail before it goes to the dead letters.
    pub attempts_max: u32,
    /// The wait before the second attempt; each further one is twice as long, up to the other.
    pub retry_ms_min: u64,
    pub retry_ms_max: u64,
}

/// Where a service begins to take the events of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventsFrom {
    /// With the oldest event that is kept.
    Beginning,
    /// With the first event after its release went live.
    #[default]
    Now,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    /// The world it serves: `shop:cart/cart-service@1.0.0`. Absent for a raw `wasi:http` component.
    pub contract: Option<String>,
    /// The component of its first release.
    pub component: PathBuf,
    /// A raw `wasi:http` component answers what is under this path prefix.
    pub mount: Option<String>,
    /// Its configuration: environment variables of the component.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Hosts that it may send HTTP requests to: `api.example.com` or `127.0.0.1:9000`, and ranges of addresses.
    #[serde(default)]
    pub outbound_hosts: Vec<Grant>,
    /// Where it begins with events that it has not taken before.
    #[serde(default)]
    pub events_from: EventsFrom,
    #[serde(default)]
    pub limits: LimitOverrides,
}

impl ServiceSettings {
    /// The bounds of this service: its own, and `defaults` where it says nothing.
    #[must_use]
    pub fn limits(&self, defaults: &LimitSettings) -> LimitSettings {
        self.limits.over(defaults)
    }
}
