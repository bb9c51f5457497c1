//! Changes on a disk that fails: committed changes stay, and others leave no trace.

use std::collections::BTreeMap;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

mod cluster;
mod trials;

use super::*;
use crate::config::{Configuration, Flags, load};
use crate::journal::simulated::SimulatedDisk;
use crate::names::ServiceName;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::Tasks;

const FIRST_SEGMENT: &str = "journal/00000000000000000001.segment";

const WIT: &str =
    "package test:alone@1.0.0; interface alone { set: func(to: u32); } world alone-service { export alone; }";

const SERVICES: &str = "runtime.instances_max = 64
[services.first]\ncontract = \"test:alone/alone-service\"\ncomponent = \"alone.wasm\"\n";

/// A component that exports the function of its contract, which does nothing.
fn alone() -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("alone.wit", WIT).expect("a package");
    let world = resolve.select_world(&[package], Some("alone-service")).expect("a world");
    let text = r#"(module (func (export "test:alone/alone@1.0.0#set") (param i32)))"#;
    let mut module = wat::parse_str(text).expect("a module");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a module");
    ComponentEncoder::default().module(&module).expect("a module").encode().expect("a component")
}

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).expect("a name")
}

/// A folder with a manifest, a contract and a component.
fn folder() -> (tempfile::TempDir, Configuration) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(path("wit/alone")).expect("a folder");
    std::fs::create_dir(path("data")).expect("a folder");
    std::fs::write(path("wit/alone/alone.wit"), WIT).expect("a contract");
    std::fs::write(path("alone.wasm"), alone()).expect("a component");
    std::fs::write(path("switchyard.toml"), SERVICES).expect("a manifest");
    let configuration = load(&path("switchyard.toml"), &[], Flags::default()).expect("a good manifest");
    (folder, configuration)
}

/// The control plane of a host whose journal and stores are on `disk`.
fn open(disk: &SimulatedDisk, configuration: &Configuration, folder: &Path) -> (Releases, Stores) {
    let stores = Stores::open_on(&disk.as_disk(), &configuration.manifest.store, &[], None).expect("stores");
    (start(&stores, configuration, folder), stores)
}

/// The control plane of a host with these stores.
fn start(stores: &Stores, configuration: &Configuration, folder: &Path) -> Releases {
    let manifest = &configuration.manifest;
    let tasks = Tasks::default();
    let opened = tokio::task::block_in_place(|| {
        let runtime = Runtime::new(&manifest.runtime, tasks.outages()).expect("a runtime");
        Releases::open(manifest, &folder.join("data"), runtime, stores, &tasks, &|_| {})
    });
    opened.expect("the services start").0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_is_committed_and_not_durable_keeps_the_store_that_it_added() {
    let (folder, configuration) = folder();
    let disk = SimulatedDisk::new(1);
    let (releases, stores) = open(&disk, &configuration, folder.path());
    let manifest =
        format!("{SERVICES}{}", SERVICES.replace("first", "second").replace("runtime.instances_max = 64", ""));
    let wanted = Wanted {
        manifest: configuration.with_text(&manifest).expect("a good manifest"),
        components: BTreeMap::from([(name("second"), releases.upload(alone().into()))]),
        contracts: None,
        reason: None,
        signatures: BTreeMap::new(),
        reset_releases: false,
        scope: Scope::All,
    };
    disk.fail_syncs(FIRST_SEGMENT);
    let failed = releases.apply(&Holder::admin(), wanted, false).await;
    assert!(matches!(failed, Err(DeployError::NotDurable(_))), "{failed:?}");
    assert_eq!(releases.names(), [name("first"), name("second")], "{failed:?}");
    assert!(stores.service(&name("second")).is_some(), "its calls have a store");
    assert!(disk.paths().contains(&"services/second.redb".to_owned()));

    // The next start finds the whole change. After a power loss it may find nothing, but never a half.
    let (found, _stores) = open(&disk.after_kill(), &configuration, folder.path());
    assert_eq!(found.names(), [name("first"), name("second")]);
    let (found, stores) = open(&disk.after_power_loss(), &configuration, folder.path());
    assert_eq!(found.names().contains(&name("second")), stores.service(&name("second")).is_some());
}
