//! The commit pipeline: the cost of validation, who waits for what and in which order, and the clock.

mod backpressure;
mod disk;
mod journal;
mod validation;

use super::*;
use crate::journal::simulated::SimulatedDisk;

const QUIET: StoreSettings = StoreSettings { checkpoint_ms_max: 3_600_000, ..SETTINGS };

fn on(disk: &SimulatedDisk, settings: &StoreSettings) -> (Stores, Store) {
    let stores = Stores::open_on(&disk.as_disk(), settings, &services(), None).unwrap();
    let cart = stores.service(&name("cart")).unwrap();
    (stores, cart)
}

async fn put_many(store: &Store, keys: impl Iterator<Item = String>) {
    let keys: Vec<_> = keys.collect();
    for keys in keys.chunks(400) {
        let mut transaction = store.begin();
        for key in keys {
            transaction.set(key, "1").unwrap();
        }
        commit(transaction).await.unwrap();
    }
}
