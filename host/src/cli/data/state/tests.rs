use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, parsed};

/// The outcome of an export whose answer is `answer`, and the files in its folder.
fn exported(name: &str, answer: &str) -> (Result<String, String>, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join(name);
    let Command::Export(command) = parsed(&format!("switchyard export cart --out {}", out.display())) else {
        panic!("export")
    };
    let (outcome, _) = FakeHost::new().answer(200, answer).run(|target| export(target, &command));
    let files = std::fs::read_dir(folder.path()).expect("the folder").map(|file| {
        let path = file.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap_or_default())
    });
    (outcome.map_err(|failure| failure.to_string()), files.collect())
}

const BEGIN: &str = "{\"state\":\"shop:cart/state@1.0.0\",\"service\":\"cart\",\"number\":7}\n";
const ENTITY: &str = "{\"key\":\"cart/1\",\"value\":{}}\n";

#[test]
fn an_export_has_its_name_when_it_is_complete() {
    let complete = format!("{BEGIN}{ENTITY}{{\"end\":{{\"entities\":1}}}}\n");
    let (outcome, files) = exported("cart.jsonl", &complete);
    assert!(outcome.expect("it is complete").ends_with("has 1 entities of cart"));
    assert_eq!(files, [("cart.jsonl".to_owned(), complete)]);
}

#[test]
fn an_export_that_fails_leaves_no_file_and_says_how_far_it_came() {
    let check = |answer: &str, expected: &[&str]| {
        for name in ["cart.jsonl", "cart.jsonl.gz"] {
            let (outcome, files) = exported(name, answer);
            let failure = outcome.expect_err(name);
            assert!(expected.iter().all(|part| failure.contains(part)), "{failure}");
            assert!(files.is_empty(), "{files:?}");
        }
    };
    let error = "{\"error\":\"The component trapped.\"}\n";
    let after = "after 1 entities, the last of them \"cart/1\"";
    check(&format!("{BEGIN}{ENTITY}{error}"), &["The component trapped.", after]);
    check(&format!("{BEGIN}{error}"), &["before its first entity"]);
    check(&format!("{BEGIN}{ENTITY}"), &["the host ended", after]);
    check("no lines\n", &["before its first entity"]);
}

#[test]
fn an_export_does_not_touch_the_file_of_another_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let part = folder.path().join("cart.jsonl.part");
    std::fs::write(&part, "half").expect("a file");
    let out = folder.path().join("cart.jsonl");
    let Command::Export(command) = parsed(&format!("switchyard export cart --out {}", out.display())) else {
        panic!("export")
    };
    let (outcome, seen) = FakeHost::new().run(|target| export(target, &command));
    assert!(outcome.expect_err("it exists").to_string().contains("Delete it if no export runs."));
    assert_eq!((seen.len(), std::fs::read_to_string(part).expect("it is there")), (0, "half".into()));
}
