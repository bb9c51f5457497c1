//! The objects of Kubernetes, read as types that are generated from its API description. A field that a type does not have,
//! or a value of another type, is an error. So is a name that leads nowhere from one object to another.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Container, PodSpec, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};
use switchyard::config::{Configuration, Flags, load};

use super::text;
use super::yaml::{documents, strict};

const FILES: [&str; 5] =
    ["configmap.yaml", "networkpolicy.yaml", "poddisruptionbudget.yaml", "services.yaml", "statefulset.yaml"];

fn objects(file: &str) -> Vec<Value> {
    documents(&text(&format!("kubernetes/{file}")))
}

fn object(file: &str) -> Value {
    let mut all = objects(file);
    assert_eq!(all.len(), 1, "{file}");
    all.remove(0)
}

/// What is wrong with an object, by the types of its kind.
fn check(object: &Value) -> Result<(), String> {
    match (object["apiVersion"].as_str(), object["kind"].as_str()) {
        (Some("apps/v1"), Some("StatefulSet")) => strict::<StatefulSet>(object).map(drop),
        (Some("v1"), Some("ConfigMap")) => strict::<ConfigMap>(object).map(drop),
        (Some("v1"), Some("Service")) => strict::<Service>(object).map(drop),
        (Some("networking.k8s.io/v1"), Some("NetworkPolicy")) => strict::<NetworkPolicy>(object).map(drop),
        (Some("policy/v1"), Some("PodDisruptionBudget")) => strict::<PodDisruptionBudget>(object).map(drop),
        other => Err(format!("{other:?} is no kind that is checked")),
    }
}

fn stateful_set() -> StatefulSet {
    strict(&object("statefulset.yaml")).unwrap()
}

fn pod() -> PodSpec {
    stateful_set().spec.template.spec.unwrap()
}

fn container() -> Container {
    let mut containers = pod().containers;
    assert_eq!(containers.len(), 1);
    containers.remove(0)
}

/// The configuration of the first pod: the manifest of the ConfigMap, with the variables of the container.
fn configuration() -> Configuration {
    let map: ConfigMap = strict(&object("configmap.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("switchyard.toml");
    std::fs::write(&path, &map.data.unwrap()["switchyard.toml"]).unwrap();
    load(&path, &variables(), Flags::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The variables of the first pod in the namespace `shop`, as the kubelet gives them.
fn variables() -> Vec<(String, String)> {
    let mut variables: Vec<(String, String)> = Vec::new();
    for variable in container().env.unwrap() {
        let field = variable.value_from.and_then(|from| from.field_ref).map(|field| field.field_path);
        let value = match (variable.value, field.as_deref()) {
            (Some(value), None) => value,
            (None, Some("metadata.name")) => "switchyard-0".into(),
            (None, Some("metadata.namespace")) => "shop".into(),
            (value, field) => panic!("{}: {value:?}, {field:?}", variable.name),
        };
        let expand = |value: String, (name, known): &(String, String)| value.replace(&format!("$({name})"), known);
        let value = variables.iter().fold(value, expand);
        variables.push((variable.name, value));
    }
    variables
}

#[test]
fn every_object_has_only_fields_of_its_kind() {
    for file in FILES {
        let all = objects(file);
        assert!(!all.is_empty(), "{file}");
        all.iter().for_each(|object| assert_eq!(check(object), Ok(()), "{file}"));
    }
    let folder = crate::guest::workspace().join("deploy/kubernetes");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "nats-values.yaml").collect();
    names.sort_unstable();
    assert_eq!(names, FILES, "every file is checked");
}

#[test]
fn a_misspelled_field_and_a_wrong_type_are_found() {
    let broken = |pointer: &str, name: &str, value: Value| {
        let mut object = object("statefulset.yaml");
        object.pointer_mut(pointer).unwrap()[name] = value;
        check(&object).unwrap_err()
    };
    let pod = "/spec/template/spec";
    assert_eq!(broken("", "specs", json!({})), "unknown: specs");
    assert_eq!(
        broken(pod, "terminationGracePeriodSecond", json!(30)),
        "unknown: spec.?.template.?.spec.?.terminationGracePeriodSecond"
    );
    let probe = "/spec/template/spec/containers/0/readinessProbe";
    assert!(broken(probe, "periodSecond", json!(2)).contains("periodSecond"));
    for wrong in [
        broken(probe, "periodSeconds", json!("2")),
        broken("/spec", "replicas", json!("3")),
        broken(pod, "enableServiceLinks", json!("no")),
        broken("/spec/template/spec/containers/0/env/2", "value", json!(8080)),
    ] {
        assert!(wrong.contains("invalid type"), "{wrong}");
    }
    let mut kind = object("poddisruptionbudget.yaml");
    kind["kind"] = json!("PodDisruptionBuget");
    assert!(check(&kind).unwrap_err().contains("no kind"));
}

#[test]
fn the_manifest_of_the_config_map_loads_and_takes_name_and_address_from_the_pod() {
    let manifest = configuration().manifest;
    assert_eq!(manifest.cluster.node.as_deref(), Some("switchyard-0"));
    assert_eq!(manifest.cluster.address.as_deref(), Some("switchyard-0.switchyard-nodes.shop.svc:7900"));
    assert!(manifest.cluster.is_on() && manifest.cluster.replicas == 3);
    let shop = crate::guest::workspace().join("switchyard.toml");
    let shop = load(&shop, &[], Flags::default()).unwrap().manifest;
    let contracts = |services: &switchyard::config::Manifest| -> Vec<_> {
        services.services.iter().map(|(name, service)| (name.clone(), service.contract.clone())).collect()
    };
    assert_eq!(contracts(&manifest), contracts(&shop), "the services are those of the shop");
}

#[test]
fn the_host_listens_where_the_pod_says_and_has_its_time_to_drain() {
    let (manifest, container, pod) = (configuration().manifest, container(), pod());
    let host = manifest.host;
    let port = |name: &str| {
        let ports = container.ports.iter().flatten();
        ports.filter(|port| port.name.as_deref() == Some(name)).map(|port| port.container_port).collect::<Vec<_>>()
    };
    assert_eq!(port("http"), [i32::from(host.listen.port())]);
    assert_eq!(port("operator"), [i32::from(host.admin_listen.port())]);
    assert_eq!(port("nodes"), [i32::from(manifest.cluster.listen.port())]);
    let address = manifest.cluster.address.unwrap();
    assert!(address.ends_with(&format!(":{}", manifest.cluster.listen.port())), "{address}");
    for (probe, path) in [
        (&container.startup_probe, "/healthz"),
        (&container.liveness_probe, "/healthz"),
        (&container.readiness_probe, "/readyz"),
    ] {
        let get = probe.as_ref().unwrap().http_get.as_ref().unwrap();
        assert_eq!((get.path.as_deref(), &get.port), (Some(path), &IntOrString::String("operator".into())));
    }
    let sleep = container.lifecycle.unwrap().pre_stop.unwrap().sleep.unwrap().seconds;
    let drain = i64::try_from(host.drain_ms_max).unwrap() / 1_000;
    assert!(pod.termination_grace_period_seconds.unwrap() >= sleep + drain + 10);
    assert_eq!(pod.enable_service_links, Some(false), "their variables would be named like settings");
    let mounts: Vec<_> = container.volume_mounts.unwrap().into_iter().map(|mount| mount.mount_path).collect();
    let is_mounted = |path: &std::path::Path| mounts.iter().any(|mount| path.starts_with(mount));
    assert!(is_mounted(&host.data) && host.backup_folders.iter().all(|folder| is_mounted(folder)), "{mounts:?}");
}

#[test]
fn the_objects_name_one_another() {
    let set = stateful_set();
    let (spec, services) = (set.spec, objects("services.yaml"));
    let labels = spec.template.metadata.unwrap().labels.unwrap();
    let services: Vec<Service> = services.iter().map(|service| strict(service).unwrap()).collect();
    let headless = services.iter().find(|service| service.metadata.name == spec.service_name).unwrap();
    assert_eq!(headless.spec.as_ref().unwrap().cluster_ip.as_deref(), Some("None"));
    for service in &services {
        assert_eq!(service.spec.as_ref().unwrap().selector.as_ref(), Some(&labels));
    }
    assert_eq!(spec.selector.match_labels.as_ref(), Some(&labels));
    let budget: PodDisruptionBudget = strict(&object("poddisruptionbudget.yaml")).unwrap();
    assert_eq!(budget.spec.unwrap().selector.unwrap().match_labels.as_ref(), Some(&labels));
    let policy: NetworkPolicy = strict(&object("networkpolicy.yaml")).unwrap();
    assert_eq!(policy.spec.unwrap().pod_selector.unwrap().match_labels.as_ref(), Some(&labels));
    let map: ConfigMap = strict(&object("configmap.yaml")).unwrap();
    let volumes = spec.template.spec.unwrap().volumes.unwrap();
    let named = volumes.iter().find_map(|volume| volume.config_map.as_ref()).map(|map| map.name.clone());
    assert_eq!(named, map.metadata.name);
}
