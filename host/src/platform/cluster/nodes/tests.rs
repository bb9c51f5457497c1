use super::*;

fn report(node: &str, commit: u64) -> Report {
    let (node, address) = (node.to_owned(), "10.0.0.1:7900".to_owned());
    Report { node, address, version: "1".into(), epoch: 1, commit, message: 1, ..Report::default() }
}

fn leader(node: &str) -> Leader {
    Leader { node: node.into(), address: "10.0.0.1:7900".into() }
}

/// The name, the role and the lag of each.
fn roles(views: &[NodeView]) -> Vec<(&str, NodeRole, u64)> {
    views.iter().map(|view| (view.name(), view.role, view.behind)).collect()
}

#[test]
fn the_leader_lists_the_other_nodes_and_how_far_each_is_behind() {
    let nodes = Nodes::default();
    nodes.heard(report("a", 7));
    nodes.heard(report("b", 3));
    nodes.heard(report("b", 5));
    assert_eq!(roles(&nodes.followers("a", 7, LOST_AFTER)), [("b", NodeRole::Follower, 2)]);
    assert_eq!(nodes.live().len(), 2);
    assert!(nodes.remove("b") && !nodes.remove("b"));
}

#[test]
fn the_next_leader_lists_what_the_one_before_knew_and_that_one_itself_until_it_is_removed() {
    let ago = |age| clock::now().checked_sub(age).expect("the machine is up");
    let (first, second) = (Nodes::default(), Nodes::default());
    first.heard(report("b", 6));
    first.put(report("c", 4), ago(LOST_AFTER));
    // Each follower gets the list with the answer to its report.
    let known = serde_json::to_string(&first.known(report("a", 7))).unwrap();
    second.replace(serde_json::from_str(&known).unwrap(), "b");
    // It does not get itself ready for a change if it leads next.
    assert_eq!(second.live(), [leader("a")]);
    assert_eq!(second.commit(), 7);
    let seen = second.others("b", Some("a"), 7);
    assert_eq!(roles(&seen), [("a", NodeRole::Leader, 0), ("c", NodeRole::Unknown, 3)]);
    // The first one is killed some seconds after its last message.
    second.led(&leader("a"), ago(LOST_AFTER), 3, 8);
    let listed = second.followers("b", 9, LOST_AFTER);
    assert_eq!(roles(&listed), [("a", NodeRole::Lost, 1), ("c", NodeRole::Lost, 5)]);
    assert!(listed.iter().all(|node| node.version == "1" && node.reported_ms >= millis(LOST_AFTER)), "{listed:?}");
    // In the first seconds of the next leader, some have not had the time to report.
    let just_now = second.followers("b", 9, Duration::ZERO);
    assert_eq!(roles(&just_now), [("a", NodeRole::Unknown, 1), ("c", NodeRole::Unknown, 5)]);
    // One that nobody has heard of but in the stream.
    second.led(&leader("d"), clock::now(), 4, 9);
    assert_eq!(roles(&second.followers("b", 9, LOST_AFTER)).last(), Some(&("d", NodeRole::Follower, 0)));
    assert!(second.remove("a"));
    assert_eq!(second.followers("b", 9, LOST_AFTER).len(), 2);
}

#[test]
fn hosts_with_ever_new_names_do_not_fill_the_memory() {
    let nodes = Nodes::default();
    for number in 0..=3 * NODES_MAX {
        nodes.heard(report(&format!("node-{number}"), 1));
    }
    assert_eq!(nodes.live().len(), NODES_MAX);
    assert!(nodes.remove(&format!("node-{}", 3 * NODES_MAX)), "the newest is there");
}

#[test]
fn a_report_of_a_later_version_is_taken_and_half_a_report_is_not() {
    let sent = serde_json::to_value(report("a", 1)).unwrap();
    let (mut more, mut less) = (sent.clone(), sent);
    more["later"] = 1.into();
    less.as_object_mut().unwrap().remove("commit");
    assert_eq!(serde_json::from_value::<Report>(more).unwrap().node, "a");
    assert!(serde_json::from_value::<Report>(less).is_err());
}
