//! The settings: plain fields, passed down by reference. `default.toml` documents each of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::cluster::ClusterSettings;
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
    /// The limits of services whose own section does not set them.
    pub limits: LimitSettings,
    pub retries: RetrySettings,
    pub deploy: DeploySettings,
    pub events: EventSettings,
    pub telemetry: TelemetrySettings,
    pub cluster: ClusterSettings,
    pub services: BTreeMap<ServiceName, ServiceSettings>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// The folder of the WIT packages.
    pub wit: PathBuf,
    /// The data directory; the first start creates it.
    pub data: PathBuf,
    /// Backups are written only below these folders.
    pub backup_folders: Vec<PathBuf>,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub admin_tls_certificate: Option<PathBuf>,
    pub admin_tls_key: Option<PathBuf>,
    /// Host names that are allowed in requests to the admin address, besides addresses and `localhost`.
    pub admin_names: Vec<String>,
    /// How long running calls may take to finish at shutdown.
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
    /// The folder whose files are served if no route matches.
    pub assets: Option<PathBuf>,
    pub connections_max: usize,
    /// Open connections of one client address.
    pub connections_per_client_max: usize,
    pub header_bytes_max: usize,
    pub header_read_ms_max: u64,
    pub body_bytes_max: usize,
    pub body_read_ms_max: u64,
    pub idle_ms_max: u64,
    /// Concurrent HTTP/2 streams of one connection.
    pub streams_per_connection_max: u32,
    /// Requests per second of one client address, on average and in a burst; `None`: no limit.
    pub requests_per_second_per_client: Option<u32>,
    pub request_burst_per_client: Option<u32>,
    /// Calls per minute of one client address to all functions together that the contract bounds with `at most … at
    /// once`.
    pub costly_calls_per_minute_per_client: u32,
    /// Calls per minute of one client address to a function, by `service.function`.
    #[serde(default)]
    pub calls_per_minute_per_client: BTreeMap<String, u32>,
    /// Origins whose pages may call from a browser; `*` allows all.
    pub cors_origins: Vec<String>,
    /// Addresses and networks of proxies that the host trusts for the client's address, and the header or protocol that
    /// gives it.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    pub client_address_from: ClientAddressFrom,
    /// Bytes of answers that clients have not read yet: of one connection, of one client, and in all. At a limit, new
    /// requests of that connection or client are refused.
    pub unread_bytes_per_connection_max: usize,
    pub unread_bytes_per_client_max: usize,
    pub unread_bytes_max: usize,
    /// The minimum rate at which a client must read an answer.
    pub answer_bytes_per_second_min: u32,
    /// The `Content-Security-Policy` of assets; if empty, none is sent.
    pub content_security_policy: String,
    /// How long browsers may reuse an asset without a new request, unless its name contains a hash.
    pub asset_max_age_s: u32,
    /// Minimum size of answers that are compressed.
    pub compress_bytes_min: usize,
    pub access_log: bool,
    /// How long an answer of `authenticate` may be reused while the store of its service does not change.
    pub authentication_cache_ms_max: u64,
}

/// Where a trusted proxy names the client. Exactly one place is used: the client itself may have written all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddressFrom {
    /// The header of RFC 7239.
    Forwarded,
    XForwardedFor,
    /// The PROXY protocol, version 1 or 2, before anything else on the connection.
    ProxyProtocol,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Size at which a journal segment is closed and the next one starts.
    pub segment_bytes: u64,
    /// Bytes of commits in memory that the indexes do not have yet; at the limit, writers wait.
    pub overlay_bytes_max: usize,
    /// The longest time between two checkpoints of the indexes.
    pub checkpoint_ms_max: u64,
    /// Size of the page cache of one service's index.
    pub index_cache_bytes: usize,
    /// Maximum number of commits in one batch.
    pub batch_commits_max: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// The folder to which the host moves segments that it no longer needs; `None`: it deletes them.
    pub archive: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeSettings {
    /// Maximum number of component instances in the whole host.
    pub instances_max: u32,
    /// Maximum number of core instances in one component instance.
    pub core_instances_per_component_max: u32,
    /// Maximum number of memories, and of tables, in one component instance.
    pub memories_per_component_max: u32,
    /// Bytes of an instance's memory that stay resident for reuse.
    pub memory_keep_resident_bytes: usize,
    /// How often a running guest yields its thread.
    pub epoch_ms: u64,
    /// Bytes of compiled code on disk.
    pub compiled_bytes_max: u64,
    /// Memory of the answers that reading calls get again. All services have equal shares.
    pub reuse_bytes_max: usize,
}

/// How long the records for safe retries are stored, and how interrupted calls continue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySettings {
    /// How long the answer to a request with an `Idempotency-Key` is stored.
    pub answers_kept_ms: u64,
    /// How long the answers of nested calls are stored at least; longer while their root call may be retried.
    pub memos_kept_ms: u64,
    /// Whether an interrupted call continues with the releases that it started with, while they exist, or with the live
    /// ones.
    pub intents_keep_releases: bool,
    /// Maximum number of interrupted calls that continue at the same time.
    pub intents_at_once: usize,
    /// The wait before the first retry of a failed intent; it doubles each time, up to the maximum.
    pub intent_retry_ms_min: u64,
    pub intent_retry_ms_max: u64,
}

/// The rules of a deploy.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeploySettings {
    /// If any are listed, one of them must have signed each component.
    pub signers: Vec<Signer>,
    /// Whether the host rolls back a release whose circuit opens, and for how long after the swap.
    pub rollback_when_circuit_opens: bool,
    pub rollback_watch_ms: u64,
    /// Calls of a candidate, and of the live release in the same time, before the candidate is judged.
    pub candidate_calls_min: u64,
    /// How many percentage points more of a candidate's calls may be refused by its rules, may end with an error, or may
    /// trap or exceed a limit.
    pub candidate_refused_percent_more_max: f64,
    pub candidate_errors_percent_more_max: f64,
    pub candidate_traps_percent_more_max: f64,
    /// Maximum latency of a candidate's calls, as a multiple of the live release's.
    pub candidate_slowdown_max: f64,
    /// Microseconds by which its calls may always be slower.
    pub candidate_slower_micros_min: u64,
    /// Shadow runs of a candidate that must match before it gets a share, if its deploy starts with a shadow phase.
    pub shadow_calls_min: u64,
    /// Concurrent shadow runs; further calls are not compared.
    pub shadow_runs_max: usize,
}

/// How events are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EventSettings {
    /// How long events are stored at least; longer while a subscriber has not handled them.
    pub kept_ms: u64,
    /// Failed deliveries after which an event becomes a dead letter.
    pub attempts_max: u32,
    /// The wait before the second attempt; it doubles each time, up to the maximum.
    pub retry_ms_min: u64,
    pub retry_ms_max: u64,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// The base address of a collector that speaks OTLP over HTTP; `None`: there are no traces.
    pub endpoint: Option<String>,
    /// The name of this host in the traces.
    pub service_name: String,
    /// The share of requests and of other new traces that are recorded, 0 to 1.
    pub sampled: f64,
    /// How long one export may take.
    pub timeout_ms: u64,
    /// A file with headers for the collector, such as its token.
    pub headers_file: Option<PathBuf>,
}

/// Where a service starts with the events of another service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventsFrom {
    /// With the oldest stored event.
    Beginning,
    /// With the first event after its release went live.
    #[default]
    Now,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    /// The world that it implements: `shop:cart/cart-service@1.0.0`. Absent for a raw `wasi:http` component.
    pub contract: Option<String>,
    /// The component of its first release.
    pub component: PathBuf,
    /// The path prefix whose requests a raw `wasi:http` component answers.
    pub mount: Option<String>,
    /// Whether that component sees paths without the prefix.
    #[serde(default)]
    pub strip_prefix: bool,
    /// Its configuration: environment variables of the component.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Hosts to which it may send HTTP requests: `api.example.com` or `127.0.0.1:9000`, and ranges of addresses.
    #[serde(default)]
    pub outbound_hosts: Vec<Grant>,
    /// Where it starts with events of a service to which it is a new subscriber.
    #[serde(default)]
    pub events_from: EventsFrom,
    #[serde(default)]
    pub limits: LimitOverrides,
}

impl ServiceSettings {
    /// The limits of this service: its own, and `defaults` for those that it does not set.
    #[must_use]
    pub fn limits(&self, defaults: &LimitSettings) -> LimitSettings {
        self.limits.over(defaults)
    }
}

/// Networks, each written as one or as a single address.
fn networks<'de, D: Deserializer<'de>>(texts: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| match (text.parse::<IpNet>(), text.parse::<IpAddr>()) {
        (Ok(network), _) => Ok(network),
        (_, Ok(address)) => Ok(address.into()),
        _ => Err(D::Error::custom(format!("{text:?} is neither an address nor a network such as `10.0.0.0/8`"))),
    };
    Vec::<String>::deserialize(texts)?.into_iter().map(network).collect()
}
