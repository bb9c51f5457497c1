//! The bounds of every setting, and the settings that depend on each other.

mod cluster;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::error::{Origins, Problem};
use super::host_name::is_host;
use super::keys::instead_of;
use super::settings::{
    DeploySettings, EventSettings, GatewaySettings, HostSettings, LimitOverrides, Manifest, RetrySettings,
    RuntimeSettings, ServiceSettings, StoreSettings, TelemetrySettings,
};
use crate::limits::{CALLS_IN_FLIGHT_MAX, COMMIT_BYTES_MAX};
use crate::observe;
use crate::observe::traces::is_endpoint;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const TIB: u64 = 1024 * GIB;
const HOUR_MS: u64 = 3_600_000;
const YEAR_MS: u64 = 366 * 24 * HOUR_MS;

/// The memory and the segment must have space for a whole commit and for the next one.
const COMMIT_ROOM: u64 = 2 * COMMIT_BYTES_MAX as u64;

/// Checks the rules that types cannot express, and returns every mistake, with where it was set.
pub(super) fn check(manifest: &Manifest, origins: &Origins) -> Vec<Problem> {
    let mut checks = Checks { origins, problems: Vec::new() };
    checks.host(&manifest.host);
    checks.gateway(&manifest.gateway);
    checks.store(&manifest.store);
    if let Some(archive) = &manifest.journal.archive {
        checks.path("journal.archive", archive);
    }
    checks.runtime(&manifest.runtime);
    checks.retries(&manifest.retries);
    checks.deploy(&manifest.deploy);
    checks.events(&manifest.events);
    checks.telemetry(&manifest.telemetry);
    checks.cluster(&manifest.cluster);
    checks.limits("limits", &LimitOverrides::all(&manifest.limits));
    if manifest.services.is_empty() {
        checks.refuse("services", "there is no service: add a section such as `[services.cart]`".into());
    }
    for (name, service) in &manifest.services {
        checks.service(&format!("services.{name}"), service);
    }
    checks.function_services(manifest);
    checks.mounts(manifest);
    checks.instances(manifest);
    checks.problems
}

/// Checks the rules about all services together: their mounts and instances. A running host has services of several
/// manifests, each of which keeps these rules alone.
///
/// # Errors
///
/// Every mistake and its correction.
pub(crate) fn check_services(manifest: &Manifest) -> Result<(), Vec<String>> {
    let mut checks = Checks { origins: &Origins::default(), problems: Vec::new() };
    checks.mounts(manifest);
    checks.instances(manifest);
    let mistakes: Vec<_> = checks.problems.into_iter().map(|problem| problem.detail).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

struct Checks<'a> {
    origins: &'a Origins,
    problems: Vec<Problem>,
}

impl Checks<'_> {
    fn refuse(&mut self, key: &str, detail: String) {
        self.problems.push(Problem { origin: self.origins.of(key), detail });
    }

    fn within<N: TryInto<u64>>(&mut self, key: &str, value: N, range: RangeInclusive<u64>, unit: &str) {
        let value = value.try_into().unwrap_or(u64::MAX);
        if !range.contains(&value) {
            let (min, max) = (range.start(), range.end());
            self.refuse(key, format!("`{key}` is {value}, it must be {min} to {max} ({unit})"));
        }
    }

    fn path(&mut self, key: &str, path: &Path) {
        if path.as_os_str().is_empty() {
            self.refuse(key, format!("`{key}` is empty, it must be a path"));
        }
    }

    fn host(&mut self, host: &HostSettings) {
        self.path("host.wit", &host.wit);
        self.path("host.data", &host.data);
        host.backup_folders.iter().for_each(|path| self.path("host.backup_folders", path));
        self.within("host.drain_ms_max", host.drain_ms_max, 0..=HOUR_MS, "milliseconds");
        let (certificate, key) = (&host.admin_tls_certificate, &host.admin_tls_key);
        self.tls("host.admin_tls_certificate", certificate.as_deref(), "host.admin_tls_key", key.as_deref());
        for name in host.admin_names.iter().filter(|name| !is_host(name) || name.contains(':')) {
            let detail = format!("{name:?} is not a host name: write for example `switchyard.internal`");
            self.refuse("host.admin_names", detail);
        }
        if host.listen == host.admin_listen && host.listen.port() != 0 {
            let detail =
                format!("`host.listen` and `host.admin_listen` are both {}: change one of the ports", host.listen);
            self.refuse("host.admin_listen", detail);
        }
        if let Err(error) = observe::check_filter(&host.log_filter) {
            self.refuse("host.log_filter", format!("`host.log_filter` is no filter ({error}): write such as `info`"));
        }
    }

    fn gateway(&mut self, gateway: &GatewaySettings) {
        let (certificate, key) = (&gateway.tls_certificate, &gateway.tls_key);
        self.tls("gateway.tls_certificate", certificate.as_deref(), "gateway.tls_key", key.as_deref());
        if let Some(assets) = &gateway.assets {
            self.path("gateway.assets", assets);
        }
        self.within("gateway.connections_max", gateway.connections_max, 1..=1_000_000, "connections");
        let per_client = gateway.connections_per_client_max;
        self.within("gateway.connections_per_client_max", per_client, 1..=1_000_000, "connections");
        self.within("gateway.header_bytes_max", gateway.header_bytes_max, 8 * KIB..=MIB, "bytes");
        self.within("gateway.header_read_ms_max", gateway.header_read_ms_max, 1..=HOUR_MS, "milliseconds");
        self.within("gateway.body_bytes_max", gateway.body_bytes_max, 0..=GIB, "bytes");
        self.within("gateway.body_read_ms_max", gateway.body_read_ms_max, 1..=HOUR_MS, "milliseconds");
        self.within("gateway.idle_ms_max", gateway.idle_ms_max, 1..=HOUR_MS, "milliseconds");
        let streams = gateway.streams_per_connection_max;
        self.within("gateway.streams_per_connection_max", streams, 1..=10_000, "requests");
        self.rate(gateway);
        let costly = gateway.costly_calls_per_minute_per_client;
        self.within("gateway.costly_calls_per_minute_per_client", costly, 1..=10_000_000, "calls a minute");
        for (function, calls) in &gateway.calls_per_minute_per_client {
            let key = format!("gateway.calls_per_minute_per_client.{function}");
            self.within(&key, *calls, 1..=10_000_000, "calls a minute");
            if !function.contains('.') {
                self.refuse(
                    &key,
                    format!(
                        "`{key}` does not name a function: write `service.function`, for example \"account.sign-in\""
                    ),
                );
            }
        }
        self.unread(gateway);
        for origin in gateway.cors_origins.iter().filter(|origin| !is_origin(origin)) {
            let detail = format!("{origin:?} is not an origin: write `*`, or for example `https://shop.example.com`");
            self.refuse("gateway.cors_origins", detail);
        }
        let remembered = gateway.authentication_cache_ms_max;
        self.within("gateway.authentication_cache_ms_max", remembered, 0..=HOUR_MS, "milliseconds");
    }

    fn tls(&mut self, certificate_key: &str, certificate: Option<&Path>, key_key: &str, key: Option<&Path>) {
        for (name, path) in [(certificate_key, certificate), (key_key, key)] {
            if let Some(path) = path {
                self.path(name, path);
            }
        }
        if certificate.is_some() != key.is_some() {
            let given = if key.is_some() { key_key } else { certificate_key };
            self.refuse(given, format!("`{given}` is alone: TLS needs both {certificate_key} and {key_key}"));
        }
    }

    /// Checks that each bound on unread answers leaves space for some.
    fn unread(&mut self, gateway: &GatewaySettings) {
        let bounds = [
            ("gateway.unread_bytes_per_connection_max", gateway.unread_bytes_per_connection_max, MIB),
            ("gateway.unread_bytes_per_client_max", gateway.unread_bytes_per_client_max, MIB),
            ("gateway.unread_bytes_max", gateway.unread_bytes_max, 16 * MIB),
        ];
        for (key, value, min) in bounds {
            self.within(key, value, min..=64 * GIB, "bytes");
        }
        let rate = gateway.answer_bytes_per_second_min;
        self.within("gateway.answer_bytes_per_second_min", rate, 1..=MIB, "bytes a second");
        self.within("gateway.asset_max_age_s", gateway.asset_max_age_s, 0..=31_536_000, "seconds");
        if hyper::header::HeaderValue::from_str(&gateway.content_security_policy).is_err() {
            self.refuse(
                "gateway.content_security_policy",
                "it is not a valid header value: write visible ASCII on one line".into(),
            );
        }
    }

    fn rate(&mut self, gateway: &GatewaySettings) {
        let (average, burst) = (gateway.requests_per_second_per_client, gateway.request_burst_per_client);
        let average_key = "gateway.requests_per_second_per_client";
        let burst_key = "gateway.request_burst_per_client";
        if let Some(average) = average {
            self.within(average_key, average, 1..=10_000_000, "requests a second");
        }
        if let Some(burst) = burst {
            self.within(burst_key, burst, 1..=10_000_000, "requests");
        }
        if average.is_some() != burst.is_some() {
            let given = if burst.is_some() { burst_key } else { average_key };
            self.refuse(given, format!("only `{given}` is set: a rate limit needs both {average_key} and {burst_key}"));
        }
    }

    fn store(&mut self, store: &StoreSettings) {
        self.within("store.segment_bytes", store.segment_bytes, COMMIT_ROOM..=4 * GIB, "bytes");
        self.within("store.overlay_bytes_max", store.overlay_bytes_max, COMMIT_ROOM..=64 * GIB, "bytes");
        self.within("store.checkpoint_ms_max", store.checkpoint_ms_max, 10..=HOUR_MS, "milliseconds");
        self.within("store.index_cache_bytes", store.index_cache_bytes, 64 * KIB..=64 * GIB, "bytes");
        self.within("store.batch_commits_max", store.batch_commits_max, 1..=65_536, "commits");
    }

    fn runtime(&mut self, runtime: &RuntimeSettings) {
        self.within("runtime.instances_max", runtime.instances_max, 1..=10_000, "instances");
        let cores = runtime.core_instances_per_component_max;
        self.within("runtime.core_instances_per_component_max", cores, 1..=64, "core instances");
        let memories = runtime.memories_per_component_max;
        self.within("runtime.memories_per_component_max", memories, 1..=16, "memories");
        let kept = runtime.memory_keep_resident_bytes;
        self.within("runtime.memory_keep_resident_bytes", kept, 0..=GIB, "bytes");
        self.within("runtime.epoch_ms", runtime.epoch_ms, 1..=1_000, "milliseconds");
        self.within("runtime.compiled_bytes_max", runtime.compiled_bytes_max, MIB..=64 * GIB, "bytes");
        let reuse = u64::try_from(runtime.reuse_bytes_max).unwrap_or(u64::MAX);
        self.within("runtime.reuse_bytes_max", reuse, 0..=64 * GIB, "bytes");
    }

    fn retries(&mut self, retries: &RetrySettings) {
        self.within("retries.answers_kept_ms", retries.answers_kept_ms, 1_000..=YEAR_MS, "milliseconds");
        self.within("retries.memos_kept_ms", retries.memos_kept_ms, 1_000..=YEAR_MS, "milliseconds");
        self.within("retries.intents_at_once", retries.intents_at_once, 1..=10_000, "calls");
        let (min, max) = (retries.intent_retry_ms_min, retries.intent_retry_ms_max);
        self.within("retries.intent_retry_ms_min", min, 1..=HOUR_MS, "milliseconds");
        self.within("retries.intent_retry_ms_max", max, min..=24 * HOUR_MS, "milliseconds");
    }

    fn deploy(&mut self, deploy: &DeploySettings) {
        self.within("deploy.candidate_slower_micros_min", deploy.candidate_slower_micros_min, 0..=60_000_000, "µs");
        let factors = [
            ("deploy.candidate_refused_percent_more_max", deploy.candidate_refused_percent_more_max),
            ("deploy.candidate_errors_percent_more_max", deploy.candidate_errors_percent_more_max),
            ("deploy.candidate_traps_percent_more_max", deploy.candidate_traps_percent_more_max),
            ("deploy.candidate_slowdown_max", deploy.candidate_slowdown_max),
        ];
        // TOML has floats that are not a number or infinite.
        for (key, value) in factors.into_iter().filter(|(_, value)| !(0.0..=1000.0).contains(value)) {
            self.refuse(key, format!("`{key}` is {value}, it must be 0 to 1000"));
        }
    }

    fn events(&mut self, events: &EventSettings) {
        self.within("events.kept_ms", events.kept_ms, 0..=366 * 24 * HOUR_MS, "milliseconds");
        self.within("events.attempts_max", events.attempts_max, 1..=1_000, "attempts");
        self.within("events.retry_ms_min", events.retry_ms_min, 1..=HOUR_MS, "milliseconds");
        let longest = events.retry_ms_min.min(HOUR_MS)..=24 * HOUR_MS;
        self.within("events.retry_ms_max", events.retry_ms_max, longest, "milliseconds");
    }

    fn telemetry(&mut self, telemetry: &TelemetrySettings) {
        if let Some(endpoint) = telemetry.endpoint.as_deref().filter(|endpoint| !is_endpoint(endpoint)) {
            // The text may have a secret, which belongs into the file of headers.
            let shown = if endpoint.contains('@') { "it" } else { endpoint };
            let detail = format!("{shown} is no address of a collector: write for example `http://127.0.0.1:4318`");
            self.refuse("telemetry.endpoint", detail);
        }
        if telemetry.service_name.is_empty() {
            self.refuse("telemetry.service_name", "`telemetry.service_name` is empty, it must be a name".into());
        }
        if !(0.0..=1.0).contains(&telemetry.sampled) {
            let detail = format!("`telemetry.sampled` is {}, it must be 0 to 1 (a share)", telemetry.sampled);
            self.refuse("telemetry.sampled", detail);
        }
        self.within("telemetry.timeout_ms", telemetry.timeout_ms, 1..=HOUR_MS, "milliseconds");
        if let Some(headers) = &telemetry.headers_file {
            self.path("telemetry.headers_file", headers);
        }
    }

    /// Checks the keys that are set in the section at `path`.
    fn limits(&mut self, path: &str, limits: &LimitOverrides) {
        let mut check = |key: &str, value: Option<u64>, range: RangeInclusive<u64>, unit: &str| {
            if let Some(value) = value {
                self.within(&format!("{path}.{key}"), value, range, unit);
            }
        };
        let wide = |count: Option<usize>| count.map(|count| u64::try_from(count).unwrap_or(u64::MAX));
        check("memory_bytes_max", wide(limits.memory_bytes_max), 64 * KIB..=4 * GIB, "bytes");
        check("deadline_ms", limits.deadline_ms, 1..=HOUR_MS, "milliseconds");
        check("body_bytes_max", wide(limits.body_bytes_max), 0..=64 * GIB, "bytes");
        check("stream_ms_max", limits.stream_ms_max, 1..=24 * HOUR_MS, "milliseconds");
        check("handles_max", wide(limits.handles_max), 16..=1_000_000, "handles");
        let calls_max = wide(Some(CALLS_IN_FLIGHT_MAX)).unwrap_or(u64::MAX);
        check("calls_in_flight_max", wide(limits.calls_in_flight_max), 1..=calls_max, "calls");
        check("client_calls_percent_max", limits.client_calls_percent_max.map(u64::from), 1..=100, "percent");
        check("instances_reserved", wide(limits.instances_reserved), 0..=10_000, "instances");
        for (function, slots) in limits.function_calls_in_flight_max.iter().flatten() {
            let key = format!("function_calls_in_flight_max.{function}");
            check(&key, wide(Some(*slots)), 1..=calls_max, "calls");
        }
        check("calls_waiting_max", wide(limits.calls_waiting_max), 0..=1_000_000, "calls");
        check("wait_ms_max", limits.wait_ms_max, 0..=HOUR_MS, "milliseconds");
        check("store_bytes_max", limits.store_bytes_max, 0..=1024 * TIB, "bytes");
        check("kept_bytes_max", limits.kept_bytes_max, 0..=1024 * TIB, "bytes");
        check("events_per_call_max", wide(limits.events_per_call_max), 0..=100_000, "events");
        check("answer_bytes_max", wide(limits.answer_bytes_max), KIB..=GIB, "bytes");
        check("log_bytes_per_second", limits.log_bytes_per_second, 0..=GIB, "bytes a second");
        check("call_depth_max", wide(limits.call_depth_max), 1..=64, "calls");
        check("circuit_failures", limits.circuit_failures.map(u64::from), 1..=1_000_000, "failures");
        check("circuit_clients", limits.circuit_clients.map(u64::from), 1..=1_000, "clients");
        check("circuit_open_ms", limits.circuit_open_ms, 1..=HOUR_MS, "milliseconds");
    }

    fn service(&mut self, path: &str, service: &ServiceSettings) {
        self.path(&format!("{path}.component"), &service.component);
        match (&service.contract, &service.mount) {
            (Some(_), None) => {}
            (None, Some(mount)) if mount.starts_with('/') => {}
            (None, Some(mount)) => {
                self.refuse(&format!("{path}.mount"), format!("{mount:?} is no path prefix: it starts with `/`"));
            }
            (Some(_), Some(_)) => {
                let detail = format!("`{path}` has `contract` and `mount`: a plain `wasi:http` component has `mount`");
                self.refuse(path, format!("{detail}, every other one `contract`; keep one of them"));
            }
            (None, None) => {
                let detail = format!("`{path}` has no `contract`: name its world, such as `shop:cart/cart-service`");
                self.refuse(path, detail);
            }
        }
        let functions = service.limits.function_calls_in_flight_max.as_ref();
        if service.mount.is_some() && functions.is_some_and(|functions| !functions.is_empty()) {
            let detail = "a mounted service has no functions of a contract: remove `function_calls_in_flight_max`";
            self.refuse(&format!("{path}.limits"), detail.to_owned());
        }
        self.only_mounted(path, service);
        for name in service.environment.keys().filter(|name| !is_variable(name)) {
            let key = format!("{path}.environment");
            self.refuse(&key, format!("{name:?} is not a variable name: it must not be empty or contain `=` or NUL"));
        }
        for (position, grant) in service.outbound_hosts.iter().enumerate() {
            if service.outbound_hosts.iter().take(position).any(|earlier| earlier == grant) {
                let detail = format!("{grant} is granted twice, maybe in another spelling: keep one of them");
                self.refuse(&format!("{path}.outbound_hosts"), detail);
            }
        }
        self.limits(&format!("{path}.limits"), &service.limits);
    }

    /// Checks that only a mounted service has the settings of mounted services.
    fn only_mounted(&mut self, path: &str, service: &ServiceSettings) {
        if service.mount.is_some() {
            return;
        }
        let limits = &service.limits;
        let client_calls = limits.client_calls_percent_max.is_some();
        for (key, is_set, instead) in [
            ("strip_prefix", service.strip_prefix, "its routes are in its contract"),
            ("limits.body_bytes_max", limits.body_bytes_max.is_some(), "it has `gateway.body_bytes_max`"),
            ("limits.stream_ms_max", limits.stream_ms_max.is_some(), "its answers are no streams"),
            ("limits.client_calls_percent_max", client_calls, "its clients have their rates in `gateway`"),
        ] {
            if is_set {
                let key = format!("{path}.{key}");
                self.refuse(&key, format!("`{key}` is for mounted services, and `{path}` has a contract: {instead}"));
            }
        }
    }

    /// Checks that the services whose functions have rates exist. Whether the functions do is in their contracts.
    fn function_services(&mut self, manifest: &Manifest) {
        for function in manifest.gateway.calls_per_minute_per_client.keys() {
            let Some((service, _)) = function.split_once('.') else { continue };
            let key = format!("gateway.calls_per_minute_per_client.{function}");
            match manifest.services.iter().find(|(known, _)| known.as_str() == service) {
                None => {
                    let known: Vec<_> = manifest.services.keys().map(|known| known.as_str()).collect();
                    let hint = instead_of(service, &known);
                    self.refuse(&key, format!("`{key}` names the service `{service}`, which is not there: {hint}"));
                }
                Some((_, settings)) if settings.contract.is_none() => {
                    let detail = "a mounted service has no functions of a contract: remove it";
                    self.refuse(&key, format!("`{key}` names `{service}`, and {detail}"));
                }
                Some(_) => {}
            }
        }
    }

    /// Checks that the host has the instances that services may use at once, and those that are reserved.
    fn instances(&mut self, manifest: &Manifest) {
        let max = usize::try_from(manifest.runtime.instances_max).unwrap_or(usize::MAX);
        let (mut reserved, mut reserved_mounted) = (0, 0);
        for (name, service) in &manifest.services {
            let limits = service.limits(&manifest.limits);
            match service.contract {
                Some(_) => reserved += limits.instances_reserved,
                None => reserved_mounted += limits.instances_reserved,
            }
            let calls = limits.calls_in_flight_max;
            if calls > max {
                let detail = format!("`services.{name}` may have {calls} calls in flight (`calls_in_flight_max`), but");
                let detail = format!("{detail} `runtime.instances_max` is {max}, and each call needs an instance");
                self.refuse(&format!("services.{name}"), detail);
            }
        }
        // Components that speak HTTP themselves have as many instances of their own.
        for (services, reserved) in [("services", reserved), ("mounted services", reserved_mounted)] {
            if reserved > max {
                let detail = format!("`instances_reserved` of all {services} sums up to {reserved}, but");
                let detail = format!("{detail} `runtime.instances_max` is {max}: raise it, or reserve less");
                self.refuse("runtime.instances_max", detail);
            }
        }
    }

    /// Checks that each prefix belongs to one service.
    fn mounts(&mut self, manifest: &Manifest) {
        let mut taken = BTreeMap::new();
        for (name, service) in &manifest.services {
            let Some(mount) = &service.mount else { continue };
            if let Some(other) = taken.insert(mount.trim_end_matches('/'), name) {
                let detail = format!("{mount:?} is where `services.{other}` is mounted: choose another prefix");
                self.refuse(&format!("services.{name}.mount"), detail);
            }
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Whether `text` is a value that browsers send as `Origin`, or `*`.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*" || host.is_some_and(is_host)
}
