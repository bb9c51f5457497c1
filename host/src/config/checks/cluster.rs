//! The checks of the section `cluster`.

use std::path::Path;

use super::{Checks, HOUR_MS, MIB, TIB};
use crate::config::applied::fields;
use crate::config::cluster::{ClusterSettings, NAME_BYTES_MAX, is_name};
use crate::config::file;
use crate::config::host_name::is_host;

impl Checks<'_> {
    pub(super) fn cluster(&mut self, cluster: &ClusterSettings) {
        if !cluster.is_on() {
            return self.cluster_without_servers(cluster);
        }
        for server in cluster.servers.iter().filter(|server| !is_server(server)) {
            // A password in an address would be printed with the configuration.
            let shown = if server.contains('@') { "an address with a password" } else { server };
            let detail =
                format!("{shown} is not the address of a NATS server: write for example `nats://10.0.0.1:4222`");
            self.refuse("cluster.servers", format!("{detail}, and put credentials into `cluster.credentials_file`"));
        }
        for (key, path) in
            [("cluster.credentials_file", &cluster.credentials_file), ("cluster.tls_ca", &cluster.tls_ca)]
        {
            if let Some(path) = path {
                self.path(key, path);
            }
        }
        let (certificate, key) = (&cluster.tls_certificate, &cluster.tls_key);
        self.tls("cluster.tls_certificate", certificate.as_deref(), "cluster.tls_key", key.as_deref());
        self.cluster_name("cluster.name", &cluster.name);
        if let Some(node) = &cluster.node {
            self.cluster_name("cluster.node", node);
        }
        if let Some(address) = cluster.address.as_deref().filter(|address| !is_address(address)) {
            let detail = format!("{address:?} is not an address: write a host and a port, such as `10.0.0.1:8080`");
            self.refuse("cluster.address", detail);
        }
        self.cluster_times(cluster);
        self.cluster_sizes(cluster);
    }

    fn cluster_sizes(&mut self, cluster: &ClusterSettings) {
        self.within("cluster.copy_after_bytes", cluster.copy_after_bytes, MIB..=TIB, "bytes");
        // The stream has what came since the copy before the newest one, and grows while the next one is stored.
        let smallest = cluster.copy_after_bytes.saturating_mul(4).min(TIB * 64);
        let unit = "bytes, at least four times `copy_after_bytes`";
        self.within("cluster.stream_bytes_max", cluster.stream_bytes_max, smallest..=TIB * 64, unit);
    }

    fn cluster_times(&mut self, cluster: &ClusterSettings) {
        if ![1, 3, 5].contains(&cluster.replicas) {
            let detail = format!("`cluster.replicas` is {}, it must be 1, 3 or 5", cluster.replicas);
            self.refuse("cluster.replicas", format!("{detail}: an even number survives no more failures"));
        }
        self.within("cluster.lease_ms", cluster.lease_ms, 500..=60_000, "milliseconds");
        // Two heartbeats in a lease: one that comes late does not end it.
        let longest = 50..=(cluster.lease_ms / 2).max(50);
        self.within("cluster.heartbeat_ms", cluster.heartbeat_ms, longest, "milliseconds, at most half of `lease_ms`");
        self.within("cluster.stale_ms_max", cluster.stale_ms_max, 1..=HOUR_MS, "milliseconds");
    }

    /// Checks that nothing is set that has no effect: without servers, each host of
    /// the cluster would run alone.
    fn cluster_without_servers(&mut self, cluster: &ClusterSettings) {
        let (defaults, ..) = file::parse(Path::new(""), "").expect("a test reads the embedded defaults");
        let defaults = fields(&defaults.cluster);
        for (key, _) in fields(cluster).iter().filter(|(key, value)| defaults.get(*key) != Some(*value)) {
            let key = format!("cluster.{key}");
            let detail = format!("`{key}` has no effect without `cluster.servers`: list the NATS servers there");
            self.refuse(&key, format!("{detail}, or remove it"));
        }
    }

    fn cluster_name(&mut self, key: &str, name: &str) {
        if !is_name(name) {
            let detail = format!("{name:?} is no name: `{key}` has 1 to {NAME_BYTES_MAX} letters, digits, `-` and `_`");
            self.refuse(key, detail);
        }
    }
}

fn is_server(text: &str) -> bool {
    let host = ["nats://", "tls://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    is_host(host)
}

/// Whether `text` is a host with a port.
fn is_address(text: &str) -> bool {
    is_host(text) && text.parse::<hyper::http::uri::Authority>().is_ok_and(|authority| authority.port().is_some())
}
