//! What a start reads of the journal.

use super::*;
use crate::journal::simulated::SimulatedDisk;

/// A checkpoint only when the stores are closed.
const QUIET: StoreSettings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };

fn on(disk: &SimulatedDisk) -> (Stores, Store) {
    let stores = Stores::open_on(&disk.as_disk(), &QUIET, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

/// Bytes that the start over `disk` reads of the first segment.
fn read_by_a_start(disk: &SimulatedDisk) -> u64 {
    let read = disk.read_bytes(FIRST_SEGMENT);
    let before = read();
    let (stores, cart) = on(disk);
    assert_eq!(now(&cart, "last").as_deref(), Some("1"));
    let read = read() - before;
    stores.close().unwrap();
    read
}

#[tokio::test]
async fn a_start_after_an_orderly_end_does_not_read_the_segments_again_and_one_after_a_kill_does() {
    let disk = SimulatedDisk::new(1);
    let (stores, cart) = on(&disk);
    for key in 0..100 {
        put(&cart, &format!("key-{key}"), &"x".repeat(1000)).await;
    }
    let number = put(&cart, "last", "1").await;
    stores.wait_durable(number).await.unwrap();
    let killed = disk.after_kill();
    stores.close().unwrap();

    assert!(read_by_a_start(&killed) > 100_000);
    // Only its header.
    assert!(read_by_a_start(&disk) < 1000);
    let (stores, cart) = on(&disk);
    // It replaces the segment without records.
    let number = put(&cart, "more", "1").await;
    stores.wait_durable(number).await.unwrap();
    let killed = disk.after_kill();
    stores.close().unwrap();
    let (stores, cart) = on(&killed);
    assert_eq!(now(&cart, "more").as_deref(), Some("1"));
    stores.close().unwrap();
}
