//! Damage of an index on the disk, in entries that nobody reads: the host finds it by itself.

use std::path::Path;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::figures::{metrics, value};
use super::process::Process;
use super::signals::find;
use super::{Setup, look, until};

/// The smallest segments and the smallest cache that there are.
const KEYS: &str = "store.segment_bytes = 16_777_216\nstore.index_cache_bytes = 65_536";

/// A start checks the pages of an index up to this size.
const CHECKED_BYTES_MAX: u64 = 16 << 20;

async fn write(process: &Process, script: &str) {
    process.operator.post_json("/services/front/call/write", &json!({ "script": script })).await.expect(200);
}

/// Flips a bit wherever the file has `text`.
fn flip(file: &Path, text: &str) {
    let mut bytes = std::fs::read(file).unwrap();
    let places = bytes.windows(text.len()).enumerate().filter(|(_, window)| *window == text.as_bytes());
    let places: Vec<_> = places.map(|(place, _)| place).collect();
    assert!(!places.is_empty(), "{text}");
    places.into_iter().for_each(|place| bytes[place] ^= 4);
    std::fs::write(file, bytes).unwrap();
}

/// An entry at the beginning of an index, of which the journal has nothing any more, and one at its end.
#[tokio::test(flavor = "multi_thread")]
async fn damage_in_a_large_index_is_found_without_a_reader_and_is_rebuilt_or_refused_by_key_and_file() {
    let setup = Setup::pair(KEYS);
    setup.write_manifest();
    let (index, segment) = (setup.path("data/services/front.redb"), "data/journal/00000000000000000001.segment");
    let segment = setup.path(segment);
    let process = Process::start(setup.folder.path()).await;
    write(&process, "set a-first value-of-the-first").await;
    for part in 0..6 {
        write(&process, &format!("fill filler-{part}- 40 100000")).await;
    }
    until("the end of the first segment", async || !segment.exists()).await;
    write(&process, "set z-last value-of-the-last").await;
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await, Some(0));

    assert!(std::fs::metadata(&index).unwrap().len() > CHECKED_BYTES_MAX);
    flip(&index, "value-of-the-first");
    flip(&index, "value-of-the-last");
    let (process, mut log) = Process::start_with_log(setup.folder.path()).await;
    // No client has asked for anything.
    let lost = find(&mut log, "the journal does not have them").await.unwrap();
    let lost: Value = serde_json::from_str(&lost).unwrap();
    assert!(lost.to_string().contains("a-first") && lost.to_string().contains(index.to_str().unwrap()), "{lost:#}");
    let rebuilt = find(&mut log, "damaged entries were rebuilt").await.unwrap();
    assert!(rebuilt.contains(index.to_str().unwrap()), "{rebuilt}");
    crate::calls::spawn(async move { while let Ok(Some(_line)) = log.next_line().await {} });
    let series = async |name: &str| {
        let name = format!("switchyard_index_{name}{{service=\"front\"}}");
        value(&metrics(&process.operator).await, &name).unwrap_or(0.0)
    };
    until("the count of what was rebuilt", async || series("rebuilt_entries_total").await == 1.0).await;
    until("one damaged entry: the first", async || series("damaged_entries").await == 1.0).await;
    assert!(series("scrubbed_bytes_total").await > CHECKED_BYTES_MAX as f64);

    assert_eq!(look(&process.public, "get z-last").await, "value-of-the-last");
    let refused = process.operator.post_json("/services/front/call/read", &json!({ "script": "get a-first" })).await;
    assert!(refused.status == 500 && !refused.body.to_string().contains("value-of"), "{refused:?}");
    assert_eq!(look(&process.public, "keys filler-0").await, "40");
    write(&process, "set a-first another value").await;
    assert_eq!(look(&process.public, "get a-first").await, "another value");
    until("an index without damage", async || series("damaged_entries").await == 0.0).await;
    process.signal(Signal::TERM);
    assert_eq!(process.ended().await, Some(0));
}
