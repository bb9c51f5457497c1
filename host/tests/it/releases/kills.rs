//! A host that is killed with SIGKILL in the middle of a change: it starts again with what was before, or what was to be.

use std::time::Duration;

use super::components::{digest, variant, web};
use super::http::{Answer, Client};
use super::process::{Process, shares};
use super::{Setup, look};
use crate::guest::now;
use serde_json::{Value, json};

/// What is under way when the host is killed.
#[derive(Debug, Clone, Copy)]
enum Change {
    Deploy,
    Set,
    Candidate,
    Rollback,
    Migration,
    /// A set in which each release migrates the data of its service.
    Migrations,
    /// Of a service that speaks HTTP itself.
    Mounted,
}

const CHANGES: [Change; 7] = [
    Change::Deploy,
    Change::Set,
    Change::Candidate,
    Change::Rollback,
    Change::Migration,
    Change::Migrations,
    Change::Mounted,
];

/// What is deployed in a round: it says so, and migrates the data of `front` where that is the change. All that is
/// deployed later reads what it writes.
fn component(change: Change, round: usize) -> Vec<u8> {
    // Few ones, so that they are compiled before.
    let call = round % 3;
    match change {
        Change::Migration | Change::Migrations => {
            let version = round + 1;
            variant(&format!("call=say m{round}|version={version}|reads=99|pause=2000|migrate=set form {version}"))
        }
        Change::Mounted => web(["0.2", "0.3"][round % 2], &format!("w{call}")),
        _ => variant(&format!("call=say r{call}|reads=99")),
    }
}

async fn make(operator: &Client, change: Change, component: &[u8]) -> Option<Answer> {
    let send = async |method: &str, path: &str, body: Vec<u8>| operator.try_send(method, path, body).await.ok();
    match change {
        Change::Deploy | Change::Migration => send("POST", "/services/front/releases", component.to_vec()).await,
        Change::Mounted => send("POST", "/services/web/releases", component.to_vec()).await,
        Change::Candidate => send("POST", "/services/back/releases?weight=50", component.to_vec()).await,
        Change::Rollback => send("POST", "/services/front/rollback?force=true", Vec::new()).await,
        Change::Set | Change::Migrations => {
            send("PUT", "/components", component.to_vec()).await?;
            let uploaded = json!({ "digest": digest(component) });
            let set = json!({ "set": { "front": uploaded, "back": uploaded } }).to_string();
            send("POST", "/releases", set.into_bytes()).await
        }
    }
}

/// The live digests of `back` and `front`, that of the candidate of `back`, and the live one of `web`.
fn standing(services: &Value) -> [Option<String>; 4] {
    let text = |release: &Value| release["digest"].as_str().map(ToOwned::to_owned);
    let [back, front, web] = [0, 1, 2].map(|number| &services[number]);
    [text(&back["live"]), text(&front["live"]), text(&back["candidate"]), text(&web["live"])]
}

const ROUNDS: usize = 56;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_in_a_change_starts_with_what_was_or_with_what_was_to_be() {
    let first = variant("call=say r0|reads=99");
    let setup = Setup::new("").service("front", super::FRONT, &first).service("back", super::BACK, &first);
    let setup = setup.mounted(&component(Change::Mounted, 0), "outbound_hosts = [\"127.0.0.1:9\"]\n");
    setup.write_manifest();
    let mut host = Process::start(setup.folder.path()).await;
    let (mut took, mut before_and_after) = ([Duration::from_millis(40); CHANGES.len()], [0, 0]);
    for (round, share) in (1..=ROUNDS).zip(shares(20_261_123)) {
        let kind = round % CHANGES.len();
        let change = CHANGES[kind];
        let component = component(change, round);
        let services_before = host.services().await;
        let before = standing(&services_before);
        let lines = host.history().await.len();
        // The first of a kind tells how long it takes; it is done when the host is killed.
        let wait = if round <= CHANGES.len() { Duration::from_secs(60) } else { took[kind].mul_f64(share * 1.2) };
        let (operator, began) = (host.operator.clone(), now());
        let changing = make(&operator, change, &component);
        match tokio::time::timeout(wait, changing).await {
            Ok(answer) => {
                assert!(answer.is_some_and(|answer| matches!(answer.status, 200 | 201 | 409)), "{change:?}");
                took[kind] = began.elapsed();
            }
            Err(_elapsed) => {}
        }
        host.kill().await;

        host = Process::start(setup.folder.path()).await;
        let services = host.services().await;
        let after = standing(&services);
        let new = Some(digest(&component));
        let what = format!("round {round}, {change:?}, killed after {wait:?} of {:?}", took[kind]);
        match change {
            Change::Deploy | Change::Migration => assert!(after[1] == before[1] || after[1] == new, "{what}"),
            Change::Candidate => assert!(after[2] == before[2] || after[2] == new, "{what}"),
            Change::Mounted => assert!(after[3] == before[3] || after[3] == new, "{what}"),
            Change::Set | Change::Migrations if after[0] != before[0] || after[1] != before[1] => {
                assert_eq!((&after[0], &after[1]), (&new, &new), "{what}: a half of the set");
            }
            Change::Set | Change::Migrations | Change::Rollback => {}
        }
        // Data and releases are of one commit: no data is migrated for a release that is not live.
        for (number, live) in [(0, 0), (1, 1)] {
            let version = |services: &Value| services[number]["dataVersion"].clone();
            assert!(
                after[live] != before[live] || version(&services) == version(&services_before),
                "{what}: half of it"
            );
        }
        before_and_after[usize::from(after != before)] += 1;
        // As many lines as there were changes, and numbers without a gap.
        let now = host.history().await;
        let numbers: Vec<_> = now.iter().rev().map(|line| line["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=now.len() as u64).collect::<Vec<_>>(), "{what}");
        let more = now.len() - lines;
        let due = if matches!(change, Change::Set | Change::Migrations) { 0..=2 } else { 0..=1 };
        assert!(due.contains(&more) && (after == before || more > 0), "{what}: {more} lines more");
        setup.nothing_is_left_over(&services);
        answers(&host, &services).await;
    }
    assert!(before_and_after.iter().all(|count| *count >= 5), "all kills were on one side: {before_and_after:?}");
}

/// The live release of `front` answers, and the data of both services is of the version that its store says.
async fn answers(host: &Process, services: &Value) {
    let (answer, form) = (look(&host.public, "variant").await, look(&host.public, "get form").await);
    let live = services[1]["live"]["digest"].as_str().unwrap();
    let known = (0..3).map(|call| (format!("r{call}"), component(Change::Deploy, call)));
    let migrated = (1..=ROUNDS).map(|round| (format!("m{round}"), component(Change::Migration, round)));
    let found = known.chain(migrated).find(|(_, component)| digest(component) == live).unwrap();
    assert_eq!(answer, found.0);
    let behind = look(&host.public, "back.read{get form}").await;
    assert_eq!(services[0]["dataVersion"], behind.parse::<u64>().unwrap_or(0), "{answer}");
    let mounted = host.public.get("/web/variant").await.expect(200);
    let live = services[2]["live"]["digest"].as_str().unwrap();
    let found = (0..6).find(|round| digest(&component(Change::Mounted, *round)) == live).unwrap();
    assert_eq!(mounted, format!("w{}", found % 3));
    assert_eq!(services[1]["dataVersion"], form.parse::<u64>().unwrap_or(0), "{answer}");
}
