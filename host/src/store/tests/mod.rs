//! The store from its users' view: transactions, commits, restarts, and faults of a disk.

mod added_stores;
mod backup_faults;
mod backups;
mod bounds;
mod cluster;
mod copies;
mod damage;
mod faults;
mod follow;
mod generations;
mod host_commits;
mod model;
mod pipeline;
mod refusals;
mod rehearsals;
mod reseed;
mod serializable;
mod services;
mod starts;
mod syncs;
mod system;
mod threads;
mod transactions;
mod versions;

use std::path::Path;

use super::{CommitDetails, CommitError, Direction, Page, Scan, Store, Stores, Transaction};
use crate::config::StoreSettings;
use crate::names::{CallId, CommitSeq, ServiceName};

const SETTINGS: StoreSettings = StoreSettings {
    segment_bytes: 16 * 1024 * 1024,
    overlay_bytes_max: 16 * 1024 * 1024,
    checkpoint_ms_max: 10,
    index_cache_bytes: 1024 * 1024,
    batch_commits_max: 1024,
};

const FIRST_SEGMENT: &str = "journal/00000000000000000001.segment";

fn name(text: &str) -> ServiceName {
    ServiceName::parse(text).unwrap()
}

fn services() -> Vec<(ServiceName, u64)> {
    vec![(name("cart"), 1 << 30), (name("stock"), 1 << 30)]
}

fn open(data: &Path) -> Stores {
    Stores::open(data, &SETTINGS, &services()).unwrap()
}

fn details() -> CommitDetails {
    CommitDetails { call: CallId([7; 16]), data_version: None }
}

async fn commit(transaction: Transaction) -> Result<CommitSeq, CommitError> {
    transaction.commit(details()).await
}

async fn put(store: &Store, key: &str, value: &str) -> CommitSeq {
    let mut transaction = store.begin();
    transaction.set(key, value.to_owned()).unwrap();
    commit(transaction).await.unwrap()
}

fn text(transaction: &mut Transaction, key: &str) -> Option<String> {
    transaction.get(key).unwrap().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

fn now(store: &Store, key: &str) -> Option<String> {
    text(&mut store.begin_read(), key)
}

fn scan(prefix: &str, after: Option<&str>, direction: Direction, limit: u32) -> impl Fn(&mut Transaction) -> Page {
    move |transaction| transaction.scan(&Scan { prefix, after, direction, limit }).unwrap()
}
