//! What is no backup, where none may be, and where none is restored: each is refused, and nothing is changed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use super::{SERVICES, refused, said, switchyard};
use crate::apply::host::Host;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_only_to_a_folder_of_its_own_and_is_its_owners_alone() {
    let host = Host::start(SERVICES).await;
    let at = |path: &str| host.folder().join(path);
    std::fs::create_dir(at("full")).unwrap();
    std::fs::write(at("full/file"), "mine").unwrap();
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::write(at("plain"), "file").unwrap();
    std::os::unix::fs::symlink(at("data"), at("link")).unwrap();
    let check = async |folder: &Path, status: u16, told: &str| {
        let answer = host.post("/backup", &json!({ "folder": folder })).await;
        assert!(answer.status == status && answer.detail().contains(told), "{}: {answer:?}", folder.display());
    };
    check(Path::new("relative"), 400, "no absolute path").await;
    check(Path::new(""), 400, "no absolute path").await;
    check(Path::new("/"), 409, "not empty").await;
    check(&at("full"), 409, "not empty").await;
    check(&at("full/../full"), 409, "not empty").await;
    check(&at("plain"), 400, "cannot be used").await;
    check(&at("nowhere/backup"), 400, "cannot be used").await;
    check(&at("data/backup"), 400, "in the data directory").await;
    check(&at("full/../data/backup"), 400, "in the data directory").await;
    check(&at("link/backup"), 400, "in the data directory").await;
    check(Path::new("/\0"), 400, "cannot be used").await;
    // Only below the folders that the manifest names, also by way of a link.
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), at("away")).unwrap();
    for folder in [elsewhere.path().join("backup"), at("away/backup"), at("away"), at("../backup")] {
        check(&folder, 400, "host.backup_folders").await;
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    assert_eq!(host.post("/backup", &json!({ "path": "/backup" })).await.status, 400);
    assert_eq!(std::fs::read_to_string(at("full/file")).unwrap(), "mine");
    assert!(!at("nowhere").exists() && !at("data/backup").exists());

    let token = host.post("/tokens", &json!({ "name": "ci", "role": "deployer" })).await.expect(201);
    let deployer = host.operator.with_token(token["token"].as_str().unwrap());
    let answer = deployer.post_json("/backup", &json!({ "folder": at("empty") })).await;
    assert_eq!(answer.status, 403);

    host.write("set key one").await.expect(200);
    said(&host.switchyard(&["backup", "empty"]).await);
    for path in ["empty/backup.json", "empty/services/@platform.redb", "empty/services/front.redb"] {
        let mode = std::fs::metadata(at(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path}");
    }
    assert!(!at("empty/admin-token").exists() && !at("empty/compiled").exists());
    let again = refused(&host.switchyard(&["backup", "empty"]).await);
    assert!(again.contains("not empty"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_overwrites_nothing_and_takes_no_damaged_backup() {
    let host = Host::start(SERVICES).await;
    host.write("set key one").await.expect(200);
    said(&host.switchyard(&["backup", "monday"]).await);
    let folder = host.folder();
    let check = async |line: &str, told: &str| {
        let line: Vec<_> = line.split(' ').collect();
        let text = refused(&switchyard(&folder, &line).await);
        assert!(text.contains(told), "{line:?}: {text}");
    };
    check("restore monday", "data is in use (process ").await;
    check("restore monday --data fresh --at end --old-data data", "data is in use (process ").await;
    check("restore nowhere --data fresh", "no finished backup").await;
    check("restore data --data fresh", "no finished backup").await;
    check("restore monday --data monday", "is not empty").await;
    check("restore monday --data fresh --at 0 --archive monday", "has the commits up to").await;
    check("restore monday --data fresh --at 999 --archive monday", "there are commits up to").await;
    check("restore monday --data fresh --at 2020-01-01T00:00:00Z --archive monday", "the backup is of").await;
    let usage = switchyard(&folder, &["restore", "monday", "--at", "yesterday"]).await;
    assert_eq!(usage.status.code(), Some(2));
    assert!(!folder.join("fresh").exists(), "what was begun is taken away");

    let _folder = host.stop().await;
    let store = folder.join("monday/services/front.redb");
    let whole = std::fs::read(&store).unwrap();
    for (what, bytes) in [("cut", &whole[..whole.len() / 2]), ("empty", &[]), ("other", b"not a store".as_slice())] {
        std::fs::write(&store, bytes).unwrap();
        check(&format!("restore monday --data {what}"), "not as it was backed up").await;
        assert!(!folder.join(what).exists());
    }
    // A crash leaves what is no data directory.
    std::fs::create_dir(folder.join("half")).unwrap();
    std::fs::write(folder.join("half/restore-unfinished"), "").unwrap();
    let started = refused(&switchyard(&folder, &["up", "--data", "half"]).await);
    assert!(started.contains("half to its end: delete what is there"), "{started}");
    check("restore monday --data half", "is not empty").await;
    std::fs::remove_file(&store).unwrap();
    check("restore monday --data gone", "cannot read").await;
    std::fs::write(&store, &whole).unwrap();
    said(&switchyard(&folder, &["restore", "monday", "--data", "good"]).await);
    check("restore monday --data good", "is not empty").await;

    // A document that names what a backup does not have.
    let document = std::fs::read_to_string(folder.join("monday/backup.json")).unwrap();
    std::fs::write(folder.join("monday/backup.json"), document.replace("services/@platform.redb", "../@platform.redb"))
        .unwrap();
    check("restore monday --data hostile", "is damaged").await;
    assert!(!folder.join("hostile").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_the_archive_does_not_reach_is_refused() {
    let host = Host::start(&format!("[journal]\narchive = \"archive\"\n{SERVICES}")).await;
    said(&host.switchyard(&["backup", "monday"]).await);
    host.write("set key two").await.expect(200);
    let folder = host.stop().await;
    let restore = async |at: &str| {
        let line = ["restore", "monday", "--data", "fresh", "--archive", "archive", "--at", at];
        switchyard(folder.path(), &line).await
    };
    let text = refused(&restore("2999-01-01T00:00:00Z").await);
    assert!(text.contains("the commits that were found end before that time, at 20"), "{text}");
    assert!(text.contains("name the old data directory or an archive with later segments"), "{text}");
    assert!(!folder.path().join("fresh").exists(), "what was begun is taken away");
    said(&restore("end").await);
}
