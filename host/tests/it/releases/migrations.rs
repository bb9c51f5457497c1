//! Swaps that change the form of the data: what calls see of it, what remains of one that fails, and what a crash leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::components::{digest, says, variant};
use super::{Rig, Setup, look, until};
use crate::guest::now;

/// Says `2` over data of version 1, which it makes of what was there.
fn migrates(pause_ms: u32, script: &str) -> Vec<u8> {
    variant(&format!("call=say 2|version=1|pause={pause_ms}|migrate={script}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_wait_for_a_migration_and_see_data_and_release_change_at_once() {
    let rig = Arc::new(Rig::pair("").await);
    rig.write("front", "set form old; set n 0").await;
    let stop = AtomicBool::new(false);
    let calls = async |client: usize| {
        let public = rig.client_from([127, 0, 5, u8::try_from(client).unwrap() + 1]);
        let (mut added, mut seen, mut longest) = (0_u64, Vec::new(), Duration::ZERO);
        while !stop.load(Ordering::Relaxed) {
            let began = now();
            let answer = match client % 2 {
                0 => look(&public, "get form; variant; back.read{say x}").await,
                _ => {
                    added += 1;
                    super::act(&public, &format!("get form; variant; back.write{{add m}}; add n-{client}")).await
                }
            };
            longest = longest.max(began.elapsed());
            let parts: Vec<_> = answer.split(',').take(2).collect();
            assert!(matches!(parts[..], ["old", "1"] | ["new", "2"]), "{answer}");
            if seen.last() != Some(&parts[1].to_owned()) {
                seen.push(parts[1].to_owned());
            }
        }
        (added, seen, longest)
    };
    let deploys = async {
        until("some calls", async || rig.service("front").await["figures"]["calls"].as_u64() > Some(200)).await;
        let deployed = rig.deploy("front", "", migrates(3_000, "set form new; sleep 100")).await.expect(201);
        let calls = rig.service("front").await["figures"]["calls"].as_u64();
        until("more calls", async || rig.service("front").await["figures"]["calls"].as_u64() > calls.map(|n| n + 200))
            .await;
        stop.store(true, Ordering::Relaxed);
        deployed
    };
    let (deployed, clients) = tokio::join!(deploys, join_all((0..8).map(calls)));
    assert!(deployed["verdict"]["text"].as_str().unwrap().contains("a rollback then goes only to"));
    for (client, (added, seen, longest)) in clients.into_iter().enumerate() {
        assert_eq!(seen, ["1", "2"]);
        assert!(longest < Duration::from_millis(3_000), "client {client} waited {longest:?}");
        let counted = rig.write("front", &format!("get n-{client}")).await;
        assert_eq!(counted, if added == 0 { "none".into() } else { added.to_string() });
    }
    let front = rig.service("front").await;
    assert_eq!((&front["dataVersion"], &front["live"]["dataVersion"]["writes"]), (&json!(1), &json!(1)));
    assert_eq!(rig.told("front").await, ["deploy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_fails_in_the_swap_leaves_everything_as_it_was() {
    // On the snapshot it passes: whether it fits the store is known when it is committed.
    let rig = Rig::pair("limits.store_bytes_max = 1_048_576").await;
    rig.write("front", "set a b").await;
    let fills = migrates(5_000, "set a c; big 600000; set x %; big 600000; set y %");
    let refused = rig.deploy("front", "", fills.clone()).await.expect(422);
    assert!(refused["detail"].as_str().unwrap().contains("migration of front failed"), "{refused:#}");
    assert_eq!(rig.act("get a; get x; variant; add n").await, "b,none,1,1");
    let front = rig.service("front").await;
    assert_eq!((&front["dataVersion"], &front["live"]["number"]), (&json!(0), &json!(1)));
    assert_eq!(rig.told("front").await, ["refused"]);
    let line = rig.history().await.pop().unwrap();
    assert_eq!((&line["to"], &line["verdict"]["accepted"]), (&json!(digest(&fills)), &json!(false)));
    assert!(line["verdict"]["text"].as_str().unwrap().contains("NO swap: the migration of front failed"), "{line:#}");
    rig.nothing_is_left_over().await;
    let rig = rig.restart().await;
    assert_eq!(rig.act("get a; get x; variant; add n").await, "b,none,1,2");
    rig.deploy("front", "", migrates(5_000, "set a c")).await.expect(201);
    assert_eq!(rig.act("get a; variant").await, "c,2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_does_not_wait_for_calls_longer_than_it_may() {
    let rig = Rig::pair("").await;
    let held = async {
        let long = rig.look("sleep 2000; variant");
        let deploy = async {
            until("a call under way", async || rig.service("front").await["figures"]["inFlight"] == 1).await;
            let answer = rig.deploy("front", "", migrates(300, "set a b")).await;
            (answer.status, answer.detail().to_owned(), rig.look("variant").await)
        };
        tokio::join!(long, deploy)
    };
    let (long, (status, detail, after)) = held.await;
    assert_eq!((long.as_str(), status, after.as_str()), ("1", 409, "1"), "{detail}");
    assert!(detail.contains("within 300 ms"), "{detail}");
    assert_eq!(rig.told("front").await, ["refused"]);
    rig.nothing_is_left_over().await;
    rig.deploy("front", "", migrates(300, "set a b")).await.expect(201);
    assert_eq!(rig.look("get a; variant").await, "b,2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_refused_where_the_data_has_moved_on_unless_it_is_forced() {
    let rig = Rig::pair("").await;
    rig.deploy("front", "", variant("call=say r|reads=1")).await.expect(201);
    rig.deploy("front", "", migrates(3_000, "set form new")).await.expect(201);
    // The release before says that it reads the new data; the first one does not.
    rig.change("front", "rollback").await.expect(200);
    assert_eq!(rig.look("get form; variant").await, "new,r");
    let refused = rig.change("front", "rollback").await;
    assert_eq!(refused.status, 409);
    assert!(refused.detail().contains("version 1") && refused.detail().contains("`force`"), "{}", refused.detail());
    assert_eq!(rig.look("get form; variant").await, "new,r");
    rig.change("front", "rollback?force=true").await.expect(200);
    assert_eq!(rig.look("get form; variant").await, "new,1");
    assert_eq!(rig.service("front").await["dataVersion"], 1);
    // Those releases have written data of version 0 since: it is migrated again.
    rig.deploy("front", "", migrates(3_000, "set form newer")).await.expect(201);
    assert_eq!(rig.look("get form; variant").await, "newer,2");
    let rig = rig.restart().await;
    assert_eq!(rig.look("get form; variant").await, "newer,2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_migrates_the_data_of_all_its_services_or_of_none() {
    let rig = Rig::pair("limits.store_bytes_max = 1_048_576").await;
    // On the snapshots both pass: that one does not fit its store is known when they are committed. That must undo the
    // other one, whichever runs first.
    let fills = migrates(5_000, "set a b; big 600000; set x %; big 600000; set y %");
    for (fits, full) in [("front", "back"), ("back", "front")] {
        let refused = rig.deploy_set(&[(fits, migrates(5_000, "set a b")), (full, fills.clone())]).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert_eq!(rig.look("get a; variant; back.read{get a; variant}").await, "none,1,none,1", "{full} is full");
        rig.nothing_is_left_over().await;
    }
    let both = [("front", migrates(5_000, "set a b")), ("back", migrates(5_000, "set a c"))];
    rig.deploy_set(&both).await.expect(201);
    assert_eq!(rig.look("get a; variant; back.read{get a; variant}").await, "b,2,c,2");
    for service in ["front", "back"] {
        assert_eq!(rig.service(service).await["dataVersion"], 1);
    }
    let rig = rig.restart().await;
    assert_eq!(rig.look("get a; variant; back.read{get a; variant}").await, "b,2,c,2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_ends_as_it_should_though_the_operator_goes_away() {
    let rig = Rig::pair("").await;
    let component = migrates(10_000, "set form new; sleep 600");
    let deploy = rig.deploy("front", "", component);
    let goes_away = async {
        // Calls that wait say that the swap has begun.
        let waits = async || tokio::time::timeout(Duration::from_millis(200), rig.look("variant")).await.is_err();
        until("the swap", waits).await;
    };
    tokio::select! {
        answer = deploy => panic!("too soon: {answer:?}"),
        () = goes_away => {}
    }
    until("the new release", async || rig.service("front").await["live"]["number"] == 2).await;
    assert_eq!(rig.look("get form; variant").await, "new,2");
    assert_eq!(rig.told("front").await, ["deploy"]);
    let rig = rig.restart().await;
    assert_eq!(rig.look("get form; variant").await, "new,2");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_release_of_a_service_migrates_what_was_there() {
    let setup = Setup::pair("").without_services();
    let setup = setup.service("front", super::FRONT, &migrates(3_000, "set form new"));
    let rig = setup.service("back", super::BACK, &says("1")).start().await;
    assert_eq!(rig.look("get form; variant").await, "new,2");
    assert_eq!(rig.service("front").await["dataVersion"], 1);
    let rig = rig.restart().await;
    assert_eq!(rig.deploy("front", "", migrates(3_000, "set form new")).await.expect(200)["unchanged"], true);
}
