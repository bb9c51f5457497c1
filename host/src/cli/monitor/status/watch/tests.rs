use serde_json::json;
use tokio::sync::oneshot;

use super::*;
use crate::cli::arguments::Command;
use crate::cli::client::fake_host::{FakeHost, Pipe, Seen, closed, lines, parsed};
use crate::cli::output::watch::REDRAW;

fn watched(target: &Target, line: &str, redraw: bool, readings: usize) -> (Result<(), Failure>, String) {
    let Command::Status(command) = parsed(line) else { panic!("{line}") };
    let mut pipe = Pipe { left: readings, ..Pipe::default() };
    let screen = Screen { period: Duration::from_millis(1), redraw };
    let mut watch = Watch { target, command: &command, screen, before: None, ended: Vec::new() };
    let ended = http::runtime().expect("a runtime").block_on(watch.until(&mut pipe, std::future::pending()));
    (ended, pipe.taken)
}

fn host() -> FakeHost {
    let service = json!({"name": "cart", "live": {"digest": "sha256:00", "figures": {"calls": 5}}});
    FakeHost::new().answer(200, &service).answer(200, &service).answer(200, &service)
}

fn asked(seen: &[Seen]) -> usize {
    assert!(lines(seen).iter().all(|line| *line == "GET /services/cart"), "{seen:?}");
    seen.len()
}

#[test]
fn readings_go_on_until_nobody_reads_them() {
    let ((ended, shown), seen) = host().run(|target| watched(target, "switchyard status cart --watch", false, 2));
    ended.expect("the reader has seen enough");
    assert_eq!((asked(&seen), shown.matches("\nSERVICE  RELEASE").count()), (3, 2));
    assert!(!shown.contains('\x1b'), "{shown}");
}

#[test]
fn a_terminal_is_redrawn_and_json_is_a_line_each() {
    let line = "switchyard status cart --watch";
    let ((_, shown), _) = host().run(|target| watched(target, line, true, 2));
    assert_eq!((shown.matches(REDRAW).count(), shown.starts_with(REDRAW)), (2, true));
    let ((_, shown), _) = host().run(|target| watched(target, &format!("{line} --json"), false, 2));
    assert_eq!(shown.lines().filter(|line| line.starts_with("{\"name\":\"cart\"")).count(), 2);
}

#[test]
fn a_host_that_goes_away_is_waited_for_and_one_that_never_was_is_not() {
    let line = "switchyard status cart --watch";
    let answer = json!({"name": "cart"});
    let ((ended, shown), _) = FakeHost::new().answer(200, answer).run(|target| watched(target, line, false, 2));
    ended.expect("still watching");
    assert!(shown.contains("error: no host answers at"), "{shown}");
    let (ended, _) = watched(&closed(), line, false, 2);
    assert_eq!(ended.expect_err("no host").kind, Kind::Unreachable);
}

#[test]
fn ctrl_c_ends_a_watch_well() {
    let Command::Status(command) = parsed("switchyard status --watch") else { panic!("status") };
    let (ended, seen) = FakeHost::new().answer(200, r#"{"items":[]}"#).run(|target| {
        let (first, pressed) = oneshot::channel();
        let mut pipe = Pipe { left: 1, first: Some(first), ..Pipe::default() };
        let screen = Screen { period: Duration::from_secs(3600), redraw: false };
        let mut watch = Watch { target, command: &command, screen, before: None, ended: Vec::new() };
        let stop = async { pressed.await.expect("a reading") };
        http::runtime().expect("a runtime").block_on(watch.until(&mut pipe, stop))
    });
    ended.expect("ended by ctrl-c");
    assert_eq!(lines(&seen), ["GET /services"]);
}

#[test]
fn a_candidate_that_was_taken_out_keeps_its_row_with_the_reason() {
    let live = json!({"number": 1, "digest": "sha256:00", "figures": {"calls": 5}});
    let candidate =
        json!({"number": 2, "digest": "sha256:aa", "phase": "canary", "share": 0.1, "figures": {"calls": 7}});
    let with = json!({"name": "cart", "live": live, "candidate": candidate});
    let without = json!({"name": "cart", "live": live});
    let end = json!({"who": "host", "what": "takenOut", "from": "sha256:aa", "to": "sha256:00", "reason": "too slow"});
    let began = json!({"who": "ci", "what": "candidate", "from": "sha256:00", "to": "sha256:aa"});
    let host = FakeHost::new().answer(200, with).answer(200, &without);
    let host = host.answer(200, json!({"items": [end, began]})).answer(200, &without);
    let ((_, shown), seen) = host.run(|target| watched(target, "switchyard status cart --watch", false, 3));
    let last = shown.rsplit(" UTC\n").next().expect("a reading");
    assert!(
        last.contains("aa       taken out") && last.contains("cart: aa was taken out by host: too slow"),
        "{shown}"
    );
    let history = lines(&seen).iter().filter(|line| line.starts_with("GET /history")).count();
    assert_eq!(history, 1);
}
