//! Files that are missing beside existing data: the host does not start as a new one, and says which file it is.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::components::{digest, says};
use super::{Rig, Setup, files};

/// The files in a folder of the data directory.
fn kept(setup: &Setup, folder: &str) -> Vec<PathBuf> {
    let folder = setup.path("data").join(folder);
    files(&folder).into_iter().map(|name| folder.join(name)).collect()
}

/// That the host does not start, names `file`, and leaves the other files as they are.
async fn refuses(setup: &Setup, file: &Path) {
    let all = || ["components", "contracts", "services"].map(|folder| kept(setup, folder));
    let before = all();
    let error = setup.why_not().await;
    let due = format!("cannot read {}: put it back, or restore the data directory", file.display());
    assert!(error.contains(&due), "{error}");
    assert_eq!(all(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_the_contract_or_the_component_of_a_live_release_does_not_start_and_names_the_file() {
    let rig = Rig::pair("").await;
    rig.act("set n kept").await;
    let setup = rig.stop().await;
    let (contracts, components) = (kept(&setup, "contracts"), kept(&setup, "components"));
    // Both services have one component, and were judged by the same contracts.
    assert_eq!((contracts.len(), components.len()), (1, 1));
    for file in [&contracts[0], &components[0]] {
        let bytes = std::fs::read(file).unwrap();
        std::fs::remove_file(file).unwrap();
        refuses(&setup, file).await;
        std::fs::write(file, bytes).unwrap();
        let (folder, away) = (file.parent().unwrap(), setup.path("away"));
        std::fs::rename(folder, &away).unwrap();
        let error = setup.why_not().await;
        assert!(error.contains(&file.display().to_string()), "without the folder: {error}");
        // The start has created it, and has put nothing there.
        std::fs::remove_dir(folder).unwrap();
        std::fs::rename(&away, folder).unwrap();
    }
    let rig = setup.start().await;
    assert_eq!(rig.look("get n; variant").await, "kept,1");
    assert_eq!(rig.told("front").await, [""; 0], "no start added a release");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_release_whose_contract_is_missing_is_shown_as_such_and_not_gone_back_to() {
    let rig = Rig::pair("").await;
    let of_first = kept(&rig.setup, "contracts").remove(0);
    // The next release is judged by other contracts.
    rig.setup.contract("other", "package test:other@1.0.0;\ninterface other { nothing: func(); }\n");
    for service in ["front", "back"] {
        rig.deploy(service, "", says("2")).await.expect(201);
    }
    let setup = rig.stop().await;
    assert_eq!(kept(&setup, "contracts").len(), 2);
    let bytes = std::fs::read(&of_first).unwrap();
    std::fs::remove_file(&of_first).unwrap();
    crate::log::capture();
    let rig = setup.start().await;
    let logged = crate::log::take();
    let named = format!("path={}", of_first.display());
    assert!(logged.contains("a file of an earlier release is missing") && logged.contains(&named), "{logged}");
    assert_eq!(rig.look("variant").await, "2");
    let kept = &rig.service("front").await["kept"];
    assert_eq!((&kept[0]["digest"], &kept[0]["missing"]), (&json!(digest(&says("1"))), &json!(true)), "{kept:#}");
    let refused = rig.change("front", "rollback").await;
    let said = format!("Release 1 of front cannot run, because {} is missing", of_first.display());
    assert!(refused.status == 409 && refused.detail().starts_with(&said), "{refused:?}");
    assert_eq!(rig.look("variant").await, "2");
    std::fs::write(&of_first, bytes).unwrap();
    let rig = rig.restart().await;
    rig.change("front", "rollback").await.expect(200);
    assert_eq!(rig.look("variant").await, "1");
}
