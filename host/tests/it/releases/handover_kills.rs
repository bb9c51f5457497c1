//! A host that is killed with SIGKILL in the middle of a handover, of the way back, or of the deletion afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::components::{digest, shelf};
use super::handovers::{CONTRACT, call, notes};
use super::http::Client;
use super::process::{Process, shares};
use super::{Setup, until};
use crate::guest::now;

const SEED: u64 = 20_261_129;

/// How often the host is killed.
const ROUNDS: usize = 24;

/// The notes at first: enough for several pages.
const NOTES: u32 = 400;

/// Keys that are written while the data moves.
const KEYS: u32 = 20;

/// What was written: the last acknowledged number of each key, and the one that was on its way.
#[derive(Debug, Clone, Default)]
struct Written {
    acknowledged: BTreeMap<String, u32>,
    on_its_way: Option<(String, u32)>,
}

/// Writes one key after another until it is told to stop, or the host is gone.
async fn write(operator: Client, stop: Arc<AtomicBool>, mut written: Written, mut number: u32) -> (Written, u32) {
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let key = format!("key{:02}", number % KEYS);
        written.on_its_way = Some((key.clone(), number));
        let arguments = json!({ "key": key, "text": number.to_string() });
        match operator.try_post_json("/services/shelf/call/put", &arguments).await {
            Ok(answer) if answer.status == 204 => {
                written.acknowledged.insert(key, number);
                written.on_its_way = None;
            }
            Ok(answer) => panic!("{answer:?}"),
            Err(_gone) => break,
        }
    }
    (written, number)
}

impl Written {
    /// That the notes are what was written, and then what they are.
    fn check(&mut self, notes: &BTreeMap<String, String>, what: &str) {
        assert_eq!(notes.keys().filter(|key| key.starts_with("note")).count(), NOTES as usize, "{what}");
        let found: BTreeMap<_, u32> = notes
            .iter()
            .filter(|(key, _)| key.starts_with("key"))
            .map(|(key, text)| (key.clone(), text.parse().unwrap()))
            .collect();
        if let Some((key, number)) = self.on_its_way.take()
            && found.get(&key) == Some(&number)
        {
            self.acknowledged.insert(key, number);
        }
        assert_eq!(found, self.acknowledged, "{what}");
    }
}

/// The live digest, and whether the earlier implementation can still be returned to.
fn standing(service: &Value) -> (String, Option<bool>) {
    let was_live = service.get("mirror").map(|mirror| mirror["wasLive"].as_bool().unwrap());
    (service["live"]["digest"].as_str().unwrap().into(), was_live)
}

async fn service(host: &Process) -> Value {
    host.operator.get("/services/shelf").await.expect(200)
}

/// Begins or continues the next change: from `a` to `b`, back, forth, and the end.
async fn step(operator: &Client, turn: usize, component: &[u8]) {
    let (path, body) = match turn {
        0 => ("releases?handover=true", component.to_vec()),
        1 | 2 => ("rollback", Vec::new()),
        _ => ("settle", Vec::new()),
    };
    // A 409 says that it is not possible yet, or that it is done: the host shows which.
    let _lost = operator.try_send("POST", &format!("/services/shelf/{path}"), body).await;
}

/// Whether the change `turn` from a service that ran `before` is done.
fn is_done(turn: usize, before: &str, now: &Value) -> bool {
    let (live, was_live) = standing(now);
    match turn {
        0..=2 => live != before && was_live == Some(true),
        _ => live == before && was_live.is_none(),
    }
}

/// Whether the host itself will end the change.
fn is_begun(turn: usize, now: &Value) -> bool {
    turn == 0 && now.get("mirror").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_while_data_moves_has_all_of_it_on_one_side() {
    println!("seed {SEED}");
    let variants = ["layout=a", "layout=b"].map(shelf);
    let setup = Setup::new("").service("shelf", CONTRACT, &variants[0]);
    setup.write_manifest();
    let mut host = Process::start(setup.folder.path()).await;
    call(&host.operator, "fill", json!({ "prefix": "note", "count": NOTES })).await.expect(204);
    let (mut written, mut number) = (Written::default(), 0);
    let mut took = [Duration::from_millis(1_000); 4];
    let mut sides = [0, 0];
    for (round, share) in (0..ROUNDS).zip(shares(SEED)) {
        let turn = round % 4;
        let (before, _) = standing(&service(&host).await);
        let other = usize::from(before == digest(&variants[0]));
        let stop = Arc::new(AtomicBool::new(false));
        let writing = crate::calls::spawn(write(host.operator.clone(), Arc::clone(&stop), written, number));
        // The first of a kind tells how long it takes.
        let (operator, component, began) = (host.operator.clone(), variants[other].clone(), now());
        let was = before.clone();
        let changing = crate::calls::spawn(async move {
            step(&operator, turn, &component).await;
            loop {
                match operator.try_send("GET", "/services/shelf", "").await {
                    Ok(answer) if is_done(turn, &was, &answer.body) => return began.elapsed(),
                    Ok(answer) if !is_begun(turn, &answer.body) => step(&operator, turn, &component).await,
                    Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    Err(_gone) => return began.elapsed(),
                }
            }
        });
        if round < 4 {
            took[turn] = changing.await.unwrap();
        } else {
            tokio::time::sleep(took[turn].mul_f64(share * 1.3)).await;
        }
        host.kill().await;
        stop.store(true, Ordering::Relaxed);
        (written, number) = writing.await.unwrap();

        host = Process::start(setup.folder.path()).await;
        let what = format!("seed {SEED}, round {round}, turn {turn}, {:?}", took[turn]);
        let found = service(&host).await;
        let digests = variants.each_ref().map(|variant| digest(variant));
        assert!(digests.contains(&standing(&found).0), "{what}: {found}");
        written.check(&notes(&host.operator).await, &what);
        sides[usize::from(is_done(turn, &before, &found))] += 1;
        // What was not done is done now, by the host itself or by the next request.
        until("the end of the change", async || {
            let now = service(&host).await;
            let is_done = is_done(turn, &before, &now);
            if !is_done && !is_begun(turn, &now) {
                step(&host.operator, turn, &variants[other]).await;
            }
            is_done
        })
        .await;
        written.check(&notes(&host.operator).await, &what);
    }
    assert!(sides.iter().all(|count| *count >= 3), "all kills were on one side: {sides:?}");
}
