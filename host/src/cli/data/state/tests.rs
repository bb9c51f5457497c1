use serde_json::json;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Seen, lines, parsed};

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

/// An export of `count` entities: the entity `n` is in the line `n + 1`.
fn export_of(count: usize) -> String {
    let entities: String = (1..=count).map(|n| format!("{{\"key\":\"cart/{n:04}\",\"value\":{{}}}}\n")).collect();
    format!("{BEGIN}{entities}{{\"end\":{{\"entities\":{count}}}}}\n")
}

/// The outcome of an import of a file with `text`, and what the host received.
fn imported(options: &str, text: &str, answers: &[(u16, Value)]) -> (Result<String, String>, Vec<Seen>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cart.jsonl");
    std::fs::write(&file, text).expect("a file");
    let Command::Import(command) = parsed(&format!("switchyard import cart {}{options}", file.display())) else {
        panic!("import")
    };
    let host = answers.iter().fold(FakeHost::new(), |host, (status, body)| host.answer(*status, body));
    let (outcome, seen) = host.run(|target| import(target, &command));
    (outcome.map_err(|failure| failure.to_string()), seen)
}

fn added(count: u64) -> (u16, Value) {
    (200, json!({ "added": count, "changed": 1, "removed": 0, "unchanged": 0 }))
}

/// The first and the last key of a batch, and how many lines it has.
fn batch(seen: &Seen) -> (String, String, usize) {
    let keys: Vec<_> = seen.text().lines().map(|line| line.split('"').nth(3).expect("a key").to_owned()).collect();
    (keys.first().cloned().unwrap_or_default(), keys.last().cloned().unwrap_or_default(), keys.len())
}

#[test]
fn an_import_sends_batches_and_adds_up_what_they_changed() {
    let (outcome, seen) = imported(" --reason moved", &export_of(250), &[added(99), added(99), added(49)]);
    assert_eq!(outcome.as_deref(), Ok("cart: 247 entities were added, 3 changed, 0 removed; 0 are the same already"));
    assert_eq!(
        lines(&seen),
        [
            "POST /services/cart/state?first=true&reason=moved",
            "POST /services/cart/state?reason=moved",
            "POST /services/cart/state?reason=moved"
        ]
    );
    let batches: Vec<_> = seen.iter().map(batch).collect();
    let expected = [("cart/0001", "cart/0100", 100), ("cart/0101", "cart/0200", 100), ("cart/0201", "cart/0250", 50)];
    assert_eq!(batches, expected.map(|(first, last, count)| (first.to_owned(), last.to_owned(), count)));
}

#[test]
fn a_dry_run_of_an_import_says_what_would_change() {
    let (outcome, seen) = imported(" --dry-run", &export_of(2), &[added(1)]);
    assert_eq!(outcome.as_deref(), Ok("cart: 1 entities would be added, 1 changed, 0 removed; 0 are the same already"));
    assert_eq!(lines(&seen), ["POST /services/cart/state?dryRun=true&first=true"]);
}

#[test]
fn an_import_that_the_host_refuses_names_the_line_and_where_to_continue() {
    let refusal = json!({
        "title": "Bad Request", "detail": "Entity 7, \"cart/0108\": /owner: is missing.", "entity": 7,
    });
    let (outcome, seen) = imported("", &export_of(250), &[added(99), (400, refusal)]);
    let failure = outcome.expect_err("the second batch is refused");
    let words = ["\"cart/0108\"", "/owner", "The fault is in line 109.", "Lines before 102", "`--from-line 102`"];
    assert!(words.iter().all(|word| failure.contains(word)), "{failure}");
    assert_eq!(seen.len(), 2);
    let (outcome, seen) = imported(" --from-line 102", &export_of(250), &[added(99), added(49)]);
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(seen.first().map(batch), Some(("cart/0101".into(), "cart/0200".into(), 100)));
}

#[test]
fn a_line_that_is_no_entity_is_named_before_its_batch_is_sent() {
    for (line, expected) in [("{\"key\":", "line 3: EOF"), ("{\"name\":1}", "line 3: neither an entity nor")] {
        let (outcome, seen) = imported("", &format!("{BEGIN}{ENTITY}{line}\n{ENTITY}"), &[]);
        let failure = outcome.expect_err(line);
        assert!(failure.contains("cart.jsonl, ") && failure.contains(expected), "{failure}");
        assert_eq!(seen.len(), 0);
    }
}

#[test]
fn a_compressed_export_is_imported_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cart.jsonl.gz");
    let Command::Export(command) = parsed(&format!("switchyard export cart --out {}", file.display())) else {
        panic!("export")
    };
    let (outcome, _) = FakeHost::new().answer(200, export_of(120)).run(|target| export(target, &command));
    outcome.expect("it is complete");
    assert!(std::fs::read(&file).expect("a file").starts_with(&[0x1f, 0x8b]), "it is compressed");
    let Command::Import(command) = parsed(&format!("switchyard import cart {}", file.display())) else {
        panic!("import")
    };
    let host = [added(99), added(19)].iter().fold(FakeHost::new(), |host, (status, body)| host.answer(*status, body));
    let (outcome, seen) = host.run(|target| import(target, &command));
    outcome.expect("all batches are imported");
    let text: String = seen.iter().map(Seen::text).collect();
    let entities: String =
        export_of(120).lines().filter(|line| line.contains("key")).map(|line| format!("{line}\n")).collect();
    assert_eq!(text, entities);
}
