use serde_json::json;

use super::*;
use crate::cli::client::fake_host::{FakeHost, lines};

#[test]
fn a_lost_host_is_removed_and_others_are_explained() {
    let node = |name: &str, role: &str, age: u64| json!({"node": name, "role": role, "reportedMs": age});
    let nodes = [node("a", "leader", 0), node("b", "follower", 400), node("c/d", "lost", 60_000)];
    let cluster = json!({"cluster": "main", "leader": "a", "epoch": 3, "nodes": nodes});
    let check = |name: &str, expected: Result<&str, &str>| {
        let host = FakeHost::new().answer(200, &cluster);
        let host = if expected.is_ok() { host.answer(200, &cluster) } else { host };
        let (outcome, seen) = host.run(|target| run(target, name, false));
        match (outcome, expected) {
            (Ok(text), Ok(expected)) => {
                assert_eq!(text, expected);
                assert_eq!(
                    lines(&seen),
                    ["GET /cluster", &format!("DELETE /cluster/nodes/{}", name.replace('/', "%2F"))]
                );
            }
            (Err(failure), Err(expected)) => assert!(failure.to_string().contains(expected), "{failure}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    };
    check("c/d", Ok("c/d is not listed any more"));
    check("b", Ok("b is not listed any more, but it reported 0.4 s ago: stop it, or it is listed again"));
    check("a", Err("a leads the cluster"));
    check("x", Err("the cluster main has no host x\nIt has a, b, c/d."));
}
