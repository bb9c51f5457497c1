//! Exports and imports of a running service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};

use super::handovers::{host, notes};
use super::until;
use crate::calls::spawn;

/// Notes that are written in turn: an export reads several pages of them.
const KEYS: u32 = 300;

/// An export: the number of its commit, and the numbers in its notes, ascending.
fn read(exported: &str) -> (u64, Vec<u32>) {
    let lines: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap(), &json!({ "end": { "entities": KEYS } }));
    let texts = lines.iter().filter_map(|line| line["value"]["note"]["text"].as_str());
    let mut numbers: Vec<u32> = texts.map(|text| text.parse().unwrap()).collect();
    numbers.sort_unstable();
    (lines[0]["number"].as_u64().unwrap(), numbers)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_beside_writes_is_of_one_commit() {
    let rig = host("layout=a").await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (operator, stopped, last) = (rig.operator.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
    // Each note is written anew after all others: the notes of one commit have numbers that follow each other.
    let writes = spawn(async move {
        for number in 1_u32.. {
            if stopped.load(Ordering::SeqCst) {
                return;
            }
            let arguments = json!({ "key": format!("key{:03}", number % KEYS), "text": number.to_string() });
            operator.post_json("/services/shelf/call/put", &arguments).await.expect(204);
            last.store(number, Ordering::SeqCst);
        }
    });
    until("all notes", async || acknowledged.load(Ordering::SeqCst) >= KEYS).await;
    let (mut beside, mut earlier) = (0, None);
    until("exports beside writes", async || {
        let before = acknowledged.load(Ordering::SeqCst);
        let exported = rig.operator.get("/services/shelf/state").await.expect(200);
        let after = acknowledged.load(Ordering::SeqCst);
        let (commit, numbers) = read(exported.as_str().unwrap());
        let newest = *numbers.last().unwrap();
        assert!(numbers.iter().copied().eq(newest + 1 - KEYS..=newest), "not of one commit: {numbers:?}");
        assert!((before..=after + 1).contains(&newest), "{before} {newest} {after}");
        if let Some((commit_before, newest_before)) = earlier.replace((commit, newest)) {
            let (commits, writes) = (commit - commit_before, u64::from(newest - newest_before));
            assert!(commits >= writes, "{commits} commits, {writes} writes");
        }
        beside += u32::from(after > before + 1);
        beside >= 10
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    writes.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_imported_into_an_empty_service_and_a_fault_names_the_entity_and_the_field() {
    let rig = host("layout=a").await;
    rig.fill("note", 250).await;
    rig.put("tea", "tea, 1299 EUR").await;
    let exported = rig.operator.get("/services/shelf/state").await.expect(200);
    let exported = exported.as_str().unwrap();
    let entities: Vec<&str> = exported.lines().filter(|line| line.contains("\"key\"")).collect();
    let empty = host("layout=b").await;
    let import = async |query: &str, lines: &[&str]| {
        empty.operator.post(&format!("/services/shelf/state{query}"), lines.join("\n")).await
    };
    let batches = || entities.chunks(100).enumerate();
    for (_, batch) in batches() {
        let tried = import("?dryRun=true", batch).await.expect(200);
        assert_eq!((tried["added"].as_u64(), notes(&empty.operator).await.len()), (Some(batch.len() as u64), 0));
    }
    for (index, batch) in batches() {
        let query = if index == 0 { "?first=true&reason=moved" } else { "" };
        assert_eq!(import(query, batch).await.expect(200)["added"], batch.len());
    }
    assert_eq!(notes(&empty.operator).await, notes(&rig.operator).await);
    let again = empty.operator.get("/services/shelf/state").await.expect(200);
    let lines = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(again.as_str().unwrap()), lines(exported));
    let line = empty.history().await.pop().unwrap();
    assert_eq!((&line["what"], &line["reason"]), (&json!("import"), &json!("moved")));

    // A fault leaves nothing of its batch.
    let wrong = r#"{"key":"tea","value":{"note":{"text":"tea","price":{"amount":"much","currency":"EUR"}}}}"#;
    let refused = import("", &[r#"{"key":"note000001"}"#, wrong]).await;
    let words = ["Entity 1, \"tea\"", "/note/price/amount"];
    assert!(words.iter().all(|word| refused.detail().contains(word)), "{refused:?}");
    assert_eq!(refused.expect(400)["entity"], 1);
    let refused = import("", &[entities[0], entities[1], "{\"value\":1}"]).await;
    assert_eq!(refused.expect(400)["entity"], 2);
    assert_eq!(notes(&empty.operator).await.len(), 251);
}
