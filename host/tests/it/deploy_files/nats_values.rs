//! The values for the chart of NATS: all keys are keys of the chart, and they give what a cluster of hosts needs. The chart has
//! no schema, so these types have the part of its values that the file uses.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use serde::Deserialize;
use serde_json::Value;

use super::text;
use super::yaml::{documents, strict};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Values {
    config: Config,
    pod_template: PodTemplate,
    container: Container,
    pod_disruption_budget: Switch,
}

#[derive(Debug, Deserialize)]
struct Config {
    cluster: Cluster,
    jetstream: JetStream,
    nats: Nats,
    merge: ServerConfiguration,
}

#[derive(Debug, Deserialize)]
struct Cluster {
    enabled: bool,
    replicas: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JetStream {
    enabled: bool,
    memory_store: Switch,
    file_store: FileStore,
    merge: JetStreamConfiguration,
}

#[derive(Debug, Deserialize)]
struct Switch {
    enabled: bool,
}

#[derive(Debug, Deserialize)]
struct FileStore {
    enabled: bool,
    pvc: Claim,
}

#[derive(Debug, Deserialize)]
struct Claim {
    enabled: bool,
    size: String,
}

#[derive(Debug, Deserialize)]
struct Nats {
    tls: Tls,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tls {
    enabled: bool,
    secret_name: String,
}

/// A part of the `jetstream` section of the server's own configuration.
#[derive(Debug, Deserialize)]
struct JetStreamConfiguration {
    sync_interval: String,
}

/// A part of the server's own configuration.
#[derive(Debug, Deserialize)]
struct ServerConfiguration {
    system_account: String,
    accounts: BTreeMap<String, Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    jetstream: Option<String>,
    users: Vec<User>,
}

#[derive(Debug, Deserialize)]
struct User {
    nkey: String,
    permissions: Option<Permissions>,
}

#[derive(Debug, Deserialize)]
struct Permissions {
    publish: Vec<String>,
    subscribe: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodTemplate {
    topology_spread_constraints: BTreeMap<String, Spread>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spread {
    max_skew: usize,
    when_unsatisfiable: String,
}

#[derive(Debug, Deserialize)]
struct Container {
    env: BTreeMap<String, String>,
    merge: ContainerPatch,
}

#[derive(Debug, Deserialize)]
struct ContainerPatch {
    resources: ResourceRequirements,
}

fn values() -> Value {
    let mut all = documents(&text("kubernetes/nats-values.yaml"));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn the_servers_store_three_copies_on_disk_and_sync_before_they_acknowledge() {
    let values: Values = strict(&values()).unwrap();
    let (cluster, jetstream) = (values.config.cluster, values.config.jetstream);
    assert!(cluster.enabled && cluster.replicas == 3);
    assert!(jetstream.enabled && !jetstream.memory_store.enabled);
    assert!(jetstream.file_store.enabled && jetstream.file_store.pvc.enabled);
    assert!(jetstream.file_store.pvc.size.ends_with("Gi"), "{}", jetstream.file_store.pvc.size);
    assert_eq!(jetstream.merge.sync_interval, "always");
    let spread = &values.pod_template.topology_spread_constraints["kubernetes.io/hostname"];
    assert_eq!((spread.max_skew, spread.when_unsatisfiable.as_str()), (1, "DoNotSchedule"));
    assert!(values.pod_disruption_budget.enabled);
    let limit = &values.container.merge.resources.limits.unwrap()["memory"];
    assert_eq!((values.container.env["GOMEMLIMIT"].as_str(), limit.0.as_str()), ("1600MiB", "2Gi"));
}

#[test]
fn the_hosts_connect_with_tls_and_may_publish_only_what_they_need() {
    let values: Values = strict(&values()).unwrap();
    let tls = &values.config.nats.tls;
    assert!(tls.enabled && !tls.secret_name.is_empty());
    let configuration = values.config.merge;
    assert!(configuration.accounts.contains_key(&configuration.system_account));
    let hosts = &configuration.accounts["SHOP"];
    assert_eq!((hosts.jetstream.as_deref(), hosts.users.len()), (Some("enabled"), 1));
    let user = &hosts.users[0];
    let permissions = user.permissions.as_ref().unwrap();
    // The tests of clusters run with exactly these. They name nothing of another cluster in the same account.
    let is_own = |subject: &&String| subject.contains("switchyard-shop") || subject.contains("switchyard.shop.");
    let others: Vec<_> = permissions.publish.iter().filter(|subject| !is_own(subject)).collect();
    assert_eq!(others, ["$JS.FC.>", "$JS.API.INFO"]);
    assert_eq!(permissions.subscribe, ["_INBOX.>"]);
    let users = configuration.accounts.values().flat_map(|account| &account.users);
    assert!(users.into_iter().all(|user| user.nkey.starts_with("PUBLIC_NKEY_")), "no key of anybody is in the file");
}

#[test]
fn a_misspelled_key_and_a_wrong_type_are_found() {
    let broken = |pointer: &str, name: &str, value: Value| {
        let mut values = values();
        values.pointer_mut(pointer).unwrap()[name] = value;
        strict::<Values>(&values).unwrap_err()
    };
    assert_eq!(broken("/config/jetstream", "fileStorage", Value::Null), "unknown: config.jetstream.fileStorage");
    let wrong = broken("/config/cluster", "replicas", Value::from("3"));
    assert!(wrong.contains("invalid type"), "{wrong}");
}
