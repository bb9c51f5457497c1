use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, lines, parsed};

fn asked(line: &str, status: u16, answer: &str) -> (Result<String, String>, Value) {
    let Command::Backup(command) = parsed(line) else { panic!("backup") };
    let (outcome, seen) = FakeHost::new().answer(status, answer).run(|target| run(target, &command));
    assert_eq!(lines(&seen), ["POST /backup"]);
    let body = seen.first().map(|seen| seen.json()).expect("a body");
    (outcome.map_err(|failure| failure.to_string()), body)
}

const STEPS: &str = "{\"progress\":{\"what\":\"the store of cart\",\"bytes\":1,\"bytesTotal\":9}}\n";
const MADE: &str = "{\"backup\":{\"folder\":\"/b\",\"number\":42,\"at\":\"2026-01-02T03:04:05.678901Z\",\
                        \"files\":[{\"path\":\"platform.redb\",\"bytes\":2048}],\"journal\":\"x\"}}\n";

#[test]
fn a_backup_is_followed_to_its_end_and_told() {
    let answer = format!("{STEPS}{STEPS}{MADE}");
    let (render, body) = asked("switchyard backup /b", 200, &answer);
    let expected =
        "/b has all up to commit 42 (2026-01-02 03:04:05 UTC): 1 file, 2.0 KiB, written and read back".to_owned();
    assert_eq!((render, body), (Ok(expected), json!({ "folder": "/b" })));
    let (render, _) = asked("switchyard backup /b --json", 200, &answer);
    assert_eq!(serde_json::from_str::<Value>(&render.expect("JSON")).expect("JSON")["number"], 42);
    let (_, body) = asked("switchyard backup here", 200, &answer);
    assert!(body["folder"].as_str().is_some_and(|folder| folder.starts_with('/') && folder.ends_with("/here")));
}

#[test]
fn a_backup_that_does_not_come_to_its_end_is_none() {
    let check = |status: u16, answer: &str, render: &str| {
        let failure = asked("switchyard backup /b", status, answer).0.expect_err("no backup");
        assert!(failure.contains(render), "{failure}");
    };
    check(200, &format!("{STEPS}{{\"error\":\"The disk is full.\"}}\n"), "error: The disk is full.");
    check(200, STEPS, "the host stopped before the backup was complete");
    check(200, "", "the host stopped before the backup was complete");
    check(200, "not json\n", "error: expected");
    check(409, r#"{"title":"Conflict","detail":"It is not empty."}"#, "error: 409 Conflict: It is not empty.");
    check(401, "", "does not accept this token");
}
