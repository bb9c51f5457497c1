//! Mirrors between two layouts of the same entities, without components: what a copy holds, and who is caught.

mod copying;
mod faults;
mod layout;
mod model;
mod pages;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::layout::{Fault, Layout};
use super::copy::Mirror;
use super::error::MirrorError;
use crate::clock;
use crate::config::StoreSettings;
use crate::journal::simulated::SimulatedDisk;
use crate::names::{CallId, Generation, ServiceName};
use crate::store::{CommitDetails, PinnedSnapshot, SnapshotError, Store, Stores};

const SETTINGS: StoreSettings = StoreSettings {
    segment_bytes: 1 << 20,
    overlay_bytes_max: 1 << 20,
    checkpoint_ms_max: 60_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 64,
};

const NO_CALL: CommitDetails = CommitDetails { call: CallId([0; 16]), data_version: None };

fn name() -> ServiceName {
    ServiceName::parse("shop").unwrap()
}

/// The layouts of the two generations.
const PREFIXES: [(Generation, &str); 2] = [(Generation::First, "item/"), (Generation::Second, "row:")];

fn prefix(generation: Generation) -> &'static str {
    PREFIXES.into_iter().find(|(known, _)| *known == generation).map(|(_, prefix)| prefix).unwrap()
}

/// A host with one store, whose live data is of the first layout at first.
struct Host {
    disk: SimulatedDisk,
    stores: Stores,
    live: Generation,
}

impl Host {
    fn open(disk: SimulatedDisk) -> Self {
        let stores = Stores::open_on(&disk.as_disk(), &SETTINGS, &[(name(), 64 << 20)], None).unwrap();
        Self { disk, stores, live: Generation::First }
    }

    fn store(&self) -> Store {
        self.stores.service(&name()).unwrap()
    }

    fn mirror(&self, source: Fault, target: Fault) -> Mirror {
        let source = Layout { prefix: prefix(self.live), fault: source };
        let target = Layout { prefix: prefix(self.live.other()), fault: target };
        Mirror::new(self.store(), self.live, Arc::new(source), Arc::new(target))
    }

    async fn write(&self, entries: &[(String, Option<String>)]) {
        let mut transaction = self.store().begin().in_generation(self.live);
        let prefix = prefix(self.live);
        for (key, value) in entries {
            match value {
                Some(value) => transaction.set(&format!("{prefix}{key}"), value.clone().into_bytes()).unwrap(),
                None => transaction.delete(&format!("{prefix}{key}")).unwrap(),
            }
        }
        transaction.commit(NO_CALL).await.unwrap();
    }

    /// A call on the live data, as a shadow remembers it.
    fn call(&self) -> PinnedSnapshot {
        self.store().begin_read().in_generation(self.live).snapshot().unwrap()
    }

    /// What a shadow of `call` reads on the copy.
    fn repeated(&self, call: &PinnedSnapshot) -> Result<BTreeMap<String, String>, SnapshotError> {
        let other = self.live.other();
        let mut transaction = call.rehearse_on(other)?;
        Ok(Layout { prefix: prefix(other), fault: Fault::None }.scan(&mut transaction).into_iter().collect())
    }

    fn copy(&self) -> BTreeMap<String, String> {
        self.data(self.live.other())
    }

    fn data(&self, generation: Generation) -> BTreeMap<String, String> {
        let mut transaction = self.store().begin_read().in_generation(generation);
        Layout { prefix: prefix(generation), fault: Fault::None }.scan(&mut transaction).into_iter().collect()
    }

    /// Swaps the generations, and returns the mirror of the other direction.
    fn turn(&mut self, mirror: &mut Mirror) -> Mirror {
        self.live = self.live.other();
        mirror.turn()
    }
}

async fn complete(mirror: &mut Mirror) -> Result<(), MirrorError> {
    while !mirror.copy_next().await? {}
    while mirror.follow(64).await? > 0 {}
    let mut after = String::new();
    while !mirror.is_following()
        && let Some(last) = mirror.verify_next(&after).await?
    {
        after = last;
    }
    mirror.finish(clock::now() + Duration::from_secs(10)).await.map(drop)
}

fn entries(count: usize) -> Vec<(String, Option<String>)> {
    (0..count).map(|n| (format!("{n:04}"), Some(format!("value {n}")))).collect()
}
