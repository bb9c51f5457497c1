use serde_json::{Value, json};

use super::*;
use crate::cli::arguments::{self, ClusterAction};
use crate::cli::client::fake_host::{FakeHost, Pipe, closed, lines, parsed};
use crate::cli::cluster::at;

fn node(name: &str, role: &str, commit: u64, reported_ms: u64, because: &[&str]) -> Value {
    json!({"node": name, "address": format!("10.0.0.1:790{reported_ms}"), "role": role, "version": "0.1.0",
           "commit": commit, "behind": 812 - commit, "reportedMs": reported_ms, "because": because})
}

fn healthy() -> Value {
    json!({"cluster": "main", "answeredBy": "a", "leader": "a", "epoch": 3, "commit": 812, "leaseMs": 1640,
           "nodes": [node("a", "leader", 812, 0, &[]), node("b", "follower", 810, 420, &[])]})
}

#[test]
fn the_hosts_are_a_table_below_the_leader() {
    let arguments::Command::Cluster(command) = parsed("switchyard cluster status") else { panic!("cluster") };
    let (outcome, seen) = FakeHost::new().answer(200, healthy()).run(|target| at(|| Ok(target), &command));
    let expected = "\
cluster  main
leader   a
epoch    3
lease    1.6 s left

NODE  ROLE      COMMIT  BEHIND  LAST REPORT  VERSION  ADDRESS          PROBLEMS
a     leader       812       0  now          0.1.0    10.0.0.1:7900    -
b     follower     810       2  0.4 s ago    0.1.0    10.0.0.1:790420  -";
    assert_eq!((outcome.expect("a table").as_str(), lines(&seen)), (expected, vec!["GET /cluster"]));
}

#[test]
fn what_is_wrong_is_shown() {
    let cluster = json!({"cluster": "main", "leader": null, "epoch": 3, "commit": 812, "leaseMs": 0,
        "stream": "no commit is taken: the stream does not answer",
        "nodes": [node("b", "follower", 812, 0, &["it does not know who leads", "the disk is full"]),
                  node("c", "lost", 700, 125_300, &[])]});
    let expected = "\
cluster  main
leader   no host leads
epoch    3
lease    -
stream   no commit is taken: the stream does not answer

NODE  ROLE      COMMIT  BEHIND  LAST REPORT  VERSION  ADDRESS             PROBLEMS
b     follower     812       0  now          0.1.0    10.0.0.1:7900       it does not know who leads; the disk is full
c     lost         700     112  2m 5s ago    0.1.0    10.0.0.1:790125300  -";
    assert_eq!(text(&serde_json::from_value(cluster).expect("a cluster")), expected);
}

#[test]
fn a_host_that_gets_no_answer_of_a_leader_says_so_with_what_it_knows() {
    let mut unseen = node("d", "unknown", 0, 700, &[]);
    unseen["version"] = "".into();
    let cluster = json!({"cluster": "main", "answeredBy": "b", "leader": null, "heardMs": 3_200, "epoch": 3,
        "commit": 812, "leaseMs": 0, "nodes": [node("b", "follower", 812, 0, &[]), unseen]});
    let expected = "\
cluster  main
leader   no host leads
epoch    3
lease    -
seen by  b: it has no answer of a leader, and heard of one 3.2 s ago

NODE  ROLE      COMMIT  BEHIND  LAST REPORT  VERSION  ADDRESS          PROBLEMS
b     follower     812       0  now          0.1.0    10.0.0.1:7900    -
d     unknown        0     812  0.7 s ago    -        10.0.0.1:790700  -";
    assert_eq!(text(&serde_json::from_value(cluster).expect("a cluster")), expected);
}

#[test]
fn json_is_what_the_host_answers() {
    let arguments::Command::Cluster(command) = parsed("switchyard cluster status --json") else { panic!("cluster") };
    let (outcome, _) = FakeHost::new().answer(200, healthy()).run(|target| at(|| Ok(target), &command));
    assert_eq!(outcome.expect("an answer"), healthy().to_string());
}

#[test]
fn a_host_without_a_cluster_is_named_as_such() {
    for line in ["switchyard cluster status", "switchyard cluster step-down", "switchyard cluster remove b"] {
        let arguments::Command::Cluster(command) = parsed(line) else { panic!("{line}") };
        let (outcome, _) =
            FakeHost::new().answer(404, json!({"title": "Not Found"})).run(|target| at(|| Ok(target), &command));
        let failure = outcome.expect_err("no cluster");
        assert_eq!(failure.kind, Kind::Refused, "{line}");
        assert!(failure.to_string().contains("this host is in no cluster: docs/cluster.md"), "{line}: {failure}");
    }
}

#[test]
fn a_watch_goes_on_while_the_host_is_away() {
    let arguments::Command::Cluster(command) = parsed("switchyard cluster status --watch") else { panic!("cluster") };
    let ClusterAction::Status { watch: Some(period) } = &command.action else { panic!("a watch") };
    assert_eq!(period.duration(), Duration::from_secs(2));
    let watched = |target: &Target| {
        let screen = Screen { period: Duration::from_millis(1), redraw: false };
        let mut watch = Watch { target, json: false, screen, has_read: false };
        let mut pipe = Pipe { left: 2, ..Pipe::default() };
        let shown = screen.show(&mut pipe, std::future::pending(), async || watch.reading().await);
        let ended = http::runtime().expect("a runtime").block_on(shown);
        (ended, pipe.taken)
    };
    let ((ended, shown), _) = FakeHost::new().answer(200, healthy()).run(watched);
    ended.expect("still watching");
    assert!(shown.contains("leader   a") && shown.contains("error: no host answers at"), "{shown}");
    let (ended, _) = watched(&closed());
    assert_eq!(ended.expect_err("no host").kind, Kind::Unreachable);
}
