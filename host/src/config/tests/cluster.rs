//! Tests of the section `cluster`.

use super::{CART, load_with, loaded, refused};
use crate::config::{Flags, Reads};

const SERVERS: &str = "[cluster]\nservers = [\"nats://10.0.0.1:4222\"]\n";

fn said(keys: &str) -> String {
    refused(format!("{SERVERS}{keys}{CART}"), &[])
}

#[test]
fn without_servers_a_host_runs_alone_and_nothing_else_of_the_section_may_be_set() {
    assert!(!loaded(CART).cluster.is_on());
    assert!(!loaded(&format!("[cluster]\n{CART}")).cluster.is_on());
    assert!(!loaded(&format!("[cluster]\nreplicas = 3\n{CART}")).cluster.is_on(), "a default is no setting");
    let detail = "`cluster.node` has no effect without `cluster.servers`: list the NATS servers there, or remove it";
    assert_eq!(refused(format!("[cluster]\nnode = \"a\"\n{CART}"), &[]), format!("switchyard.toml:2: {detail}"));
    let variable = refused(CART, &[("SWITCHYARD_CLUSTER_REPLICAS", "1")]);
    assert!(variable.starts_with("environment variable SWITCHYARD_CLUSTER_REPLICAS: "), "{variable}");
}

#[test]
fn servers_alone_make_a_cluster() {
    let (configuration, folder) = load_with(
        format!("{SERVERS}credentials_file = \"a.creds\"\ntls_ca = \"ca.pem\"\n{CART}"),
        &[],
        Flags::default(),
    )
    .expect("a good manifest");
    let cluster = configuration.manifest.cluster;
    assert!(cluster.is_on());
    assert_eq!((cluster.name.as_str(), cluster.node.as_deref(), cluster.replicas), ("main", None, 3));
    assert_eq!((cluster.lease_ms, cluster.heartbeat_ms, cluster.reads), (2_000, 500, Reads::Linearizable));
    assert_eq!(cluster.credentials_file, Some(folder.join("a.creds")));
    assert_eq!(cluster.tls_ca, Some(folder.join("ca.pem")));
    let servers = "[\"nats://a:4222\", \"tls://b:4222\", \"c:4222\", \"[::1]:4222\"]";
    let (configuration, _) = load_with(
        CART,
        &[("SWITCHYARD_CLUSTER_SERVERS", servers), ("SWITCHYARD_CLUSTER_READS", "session")],
        Flags::default(),
    )
    .expect("a good environment");
    let cluster = configuration.manifest.cluster;
    assert_eq!((cluster.servers.len(), cluster.reads), (4, Reads::Session));
}

#[test]
fn a_mistake_in_the_section_says_what_to_change() {
    let check = |keys: &str, expected: &str| {
        let said = said(keys);
        assert!(said.contains(expected), "{keys}: {said}");
    };
    check("name = \"a.b\"\n", "\"a.b\" is no name: `cluster.name` has 1 to 64 letters, digits, `-` and `_`");
    check("node = \"\"\n", "\"\" is no name: `cluster.node` has");
    check("address = \"10.0.0.1\"\n", "\"10.0.0.1\" is not an address: write a host and a port");
    check("address = \"http://10.0.0.1:1\"\n", "is not an address");
    check("replicas = 2\n", "`cluster.replicas` is 2, it must be 1, 3 or 5: an even number survives no more failures");
    check("lease_ms = 10\n", "`cluster.lease_ms` is 10, it must be 500 to 60000 (milliseconds)");
    let half = "`cluster.heartbeat_ms` is 1001, it must be 50 to 1000 (milliseconds, at most half of `lease_ms`)";
    check("heartbeat_ms = 1001\n", half);
    check("stale_ms_max = 0\n", "`cluster.stale_ms_max` is 0, it must be 1 to 3600000 (milliseconds)");
    check("copy_after_bytes = 1\n", "`cluster.copy_after_bytes` is 1, it must be 1048576 to 1099511627776 (bytes)");
    let four =
        "`cluster.stream_bytes_max` is 1073741823, it must be 1073741824 to 70368744177664 (bytes, at least four times";
    check("stream_bytes_max = 1073741823\n", four);
    check("reads = \"fresh\"\n", "unknown variant `fresh`, expected one of `linearizable`, `session`, `stale`");
    check(
        "tls_key = \"k\"\n",
        "`cluster.tls_key` is alone: TLS needs both cluster.tls_certificate and cluster.tls_key",
    );
    check("credentials_file = \"\"\n", "`cluster.credentials_file` is empty, it must be a path");
    check("lease = 1\n", "unknown key `cluster.lease`: did you mean `lease_ms`?");
}

#[test]
fn an_address_of_a_server_has_no_password_and_no_path() {
    let check = |server: &str, shown: &str| {
        let said = refused(format!("[cluster]\nservers = [\"{server}\"]\n{CART}"), &[]);
        let expected = format!("{shown} is not the address of a NATS server: write for example `nats://10.0.0.1:4222`");
        assert!(said.contains(&expected), "{server}: {said}");
    };
    check("nats://user:secret@10.0.0.1", "an address with a password");
    check("http://10.0.0.1", "http://10.0.0.1");
    check("nats://10.0.0.1/x", "nats://10.0.0.1/x");
    check("", "");
}
