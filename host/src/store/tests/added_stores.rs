//! Stores are added, removed and dropped at any time, on a disk that fails at any time. Afterwards the stores match the
//! order of commits, and a dropped store does not come back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::journal::simulated::{Fault, SimulatedDisk};
use crate::store::{DropError, Health, OpenError};

const NAMES: [&str; 3] = ["cart", "stock", "mail"];
const SMALL: StoreSettings = StoreSettings { segment_bytes: 512, ..SETTINGS };

/// The content of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Content {
    entries: BTreeMap<String, String>,
    version: u64,
}

/// The stores that are not empty.
type State = BTreeMap<&'static str, Content>;

#[derive(Debug, Clone, Copy)]
enum Way {
    Close,
    Kill,
    PowerLoss,
}

#[derive(Debug, Clone)]
enum Step {
    Add(usize),
    Detach(usize),
    Drop(usize),
    Commit { service: usize, key: u8, value: Option<u8>, version: Option<u64> },
    Wait,
    Restart { way: Way, checkpoints: bool },
    Fault { operation: u64, fault: Fault },
}

fn step() -> impl Strategy<Value = Step> {
    let service = || 0..NAMES.len();
    let commit = (service(), 0..3_u8, any::<Option<u8>>(), proptest::option::weighted(0.2, 1..9_u64));
    let way = prop::sample::select(vec![Way::Close, Way::Kill, Way::PowerLoss]);
    let fault = prop::sample::select(vec![Fault::Error, Fault::PowerLoss]);
    prop_oneof![
        6 => service().prop_map(Step::Add),
        4 => service().prop_map(Step::Detach),
        4 => service().prop_map(Step::Drop),
        16 => commit.prop_map(|(service, key, value, version)| Step::Commit { service, key, value, version }),
        2 => Just(Step::Wait),
        2 => (way, any::<bool>()).prop_map(|(way, checkpoints)| Step::Restart { way, checkpoints }),
        1 => (0..60_u64, fault).prop_map(|(operation, fault)| Step::Fault { operation, fault }),
    ]
}

struct Run {
    disk: SimulatedDisk,
    stores: Stores,
    checkpoints: bool,
    in_use: BTreeSet<usize>,
    /// The state after each commit, by its number.
    history: Vec<State>,
    acknowledged: CommitSeq,
}

fn open_on(disk: &SimulatedDisk, checkpoints: bool, in_use: &BTreeSet<usize>) -> Result<Stores, OpenError> {
    let settings = StoreSettings { checkpoint_ms_max: if checkpoints { 0 } else { 3_600_000 }, ..SMALL };
    let services: Vec<_> = in_use.iter().map(|service| (name(NAMES[*service]), 1 << 20)).collect();
    Stores::open_on(&disk.as_disk(), &settings, &services, None)
}

/// The content of all stores, in use or kept; `None` when the disk fails the read.
fn found(stores: &Stores) -> Option<State> {
    let mut state = State::new();
    for member in stores.inner.services.members() {
        let store = member.store;
        let page =
            store.begin_read().scan(&Scan { prefix: "", after: None, direction: Direction::Ascending, limit: 9 });
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let entries = page.ok()?.entries.into_iter().map(|entry| (entry.key, text(&entry.value)));
        let entries: BTreeMap<_, _> = entries.collect();
        let bytes: usize = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert_eq!(store.bytes(), bytes as u64);
        let content = Content { entries, version: store.data_version() };
        if content != Content::default() {
            state.insert(NAMES.into_iter().find(|known| *known == store.name().as_str()).unwrap(), content);
        }
    }
    Some(state)
}

impl Run {
    fn begin(seed: u64) -> Self {
        let disk = SimulatedDisk::new(seed);
        let (in_use, checkpoints) = (BTreeSet::from([0]), true);
        let stores = open_on(&disk, checkpoints, &in_use).unwrap();
        Self { disk, stores, checkpoints, in_use, history: vec![State::new()], acknowledged: CommitSeq(0) }
    }

    fn state(&self) -> State {
        self.history.last().unwrap().clone()
    }

    /// Records `state` as the one after the last commit, unless nothing was committed.
    fn advance(&mut self, state: &State) {
        let last = self.stores.inner.services.pipeline.journal.last();
        let noted = CommitSeq(self.history.len() as u64 - 1);
        assert!(last == noted || last.0 == noted.0 + 1);
        if last > noted {
            self.history.push(state.clone());
        }
    }

    /// Does a step; false when the disk failed it.
    async fn step(&mut self, step: &Step) -> bool {
        match *step {
            Step::Add(service) => self.add(service),
            Step::Detach(service) => {
                assert_eq!(self.stores.detach(&name(NAMES[service])), self.in_use.remove(&service));
            }
            Step::Drop(service) => self.drop_store(service),
            Step::Commit { service, key, value, version } => self.commit(service, key, value, version).await,
            Step::Wait => self.wait().await,
            Step::Restart { way, checkpoints } => self.restart(way, checkpoints),
            Step::Fault { operation, fault } => self.disk.plan(operation, fault),
        }
        self.stores.health() == Health::Running
    }

    fn add(&mut self, service: usize) {
        let added = self.stores.add(&name(NAMES[service]), 1 << 20);
        // A new store has a record of its own, without entries.
        self.advance(&self.state());
        match added {
            Ok(_) => assert!(self.in_use.insert(service)),
            Err(OpenError::InUse { .. }) => assert!(self.in_use.contains(&service)),
            Err(_) => assert!(!self.in_use.contains(&service)),
        }
        assert_eq!(self.stores.service(&name(NAMES[service])).is_some(), self.in_use.contains(&service));
        self.check();
    }

    fn drop_store(&mut self, service: usize) {
        let mut state = self.state();
        state.remove(NAMES[service]);
        let dropped = self.stores.drop_store(&name(NAMES[service]));
        self.advance(&state);
        match dropped {
            Ok(()) => {
                self.acknowledged = self.stores.durable();
                assert!(!self.disk.paths().contains(&format!("services/{}.redb", NAMES[service])));
                assert!(self.stores.unused().iter().all(|kept| kept.service.as_str() != NAMES[service]));
            }
            Err(DropError::InUse { .. }) => assert!(self.in_use.contains(&service)),
            Err(DropError::Unknown { .. }) => assert_eq!(self.state().get(NAMES[service]), None),
            Err(_) => assert!(!self.in_use.contains(&service)),
        }
        self.check();
    }

    fn check(&self) {
        if let Some(found) = found(&self.stores) {
            assert_eq!(found, self.state());
        }
    }

    async fn commit(&mut self, service: usize, key: u8, value: Option<u8>, version: Option<u64>) {
        let Some(store) = self.stores.service(&name(NAMES[service])) else { return };
        let mut state = self.state();
        let content = state.entry(NAMES[service]).or_default();
        let mut transaction = store.begin();
        let key = format!("key-{key}");
        match value {
            Some(value) => {
                let value = value.to_string().repeat(9);
                transaction.set(&key, value.clone()).unwrap();
                content.entries.insert(key, value);
            }
            None => {
                transaction.delete(&key).unwrap();
                content.entries.remove(&key);
            }
        }
        content.version = version.unwrap_or(content.version);
        state.retain(|_, content| *content != Content::default());
        let _maybe = transaction.commit(CommitDetails { data_version: version, ..details() }).await;
        self.advance(&state);
    }

    async fn wait(&mut self) {
        let last = CommitSeq(self.history.len() as u64 - 1);
        if self.stores.wait_durable(last).await.is_ok() {
            self.acknowledged = last;
        }
    }

    fn restart(&mut self, way: Way, checkpoints: bool) {
        self.checkpoints = checkpoints;
        let killed = self.disk.after_kill();
        let lost = self.disk.after_power_loss();
        let closed = self.stores.clone().close();
        self.disk = match way {
            Way::PowerLoss => lost,
            // A failed disk is repaired: the planned fault is over.
            Way::Close if closed.is_err() => self.disk.after_kill(),
            Way::Close => self.disk.clone(),
            Way::Kill => killed,
        };
        let opened = open_on(&self.disk, checkpoints, &self.in_use).ok().filter(|stores| found(stores).is_some());
        self.stores = opened.unwrap_or_else(|| {
            // A failed start leaves everything unchanged.
            self.disk = self.disk.after_kill();
            open_on(&self.disk, checkpoints, &self.in_use).unwrap_or_else(|error| panic!("{error:?}"))
        });
        let durable = self.stores.durable();
        assert!(durable >= self.acknowledged, "{durable:?} of {:?}", self.acknowledged);
        self.history.truncate(usize::try_from(durable.0).unwrap() + 1);
        assert_eq!(self.history.len() as u64, durable.0 + 1);
        self.check();
        self.acknowledged = durable;
    }

    /// Waits until all commits are in the indexes, and checks that no memory is counted for them any more.
    fn settle(&self) {
        let members = self.stores.inner.services.members();
        while self.checkpoints && !members.iter().all(|member| member.store.is_applied()) {
            std::thread::yield_now();
        }
        if self.checkpoints {
            assert_eq!(self.stores.inner.services.unwritten_bytes(), 0);
        }
    }
}

/// Runs `steps`. When the disk fails one, it stops there and starts again by `way`.
async fn run(steps: &[Step], mut run: Run, way: Way) -> Run {
    for step in steps {
        if !run.step(step).await {
            run.restart(way, true);
        }
    }
    run
}

async fn whole_run(steps: &[Step], begun: Run, way: Way) {
    let mut run = run(steps, begun, way).await;
    run.wait().await;
    run.restart(way, true);
    // Enough commits that segments are deleted: a start must not need the deleted ones any more.
    for key in 0..12 {
        run.commit(0, key % 3, Some(key), None).await;
        run.settle();
    }
    for (way, checkpoints) in [(Way::PowerLoss, true), (Way::Close, false), (Way::PowerLoss, true)] {
        run.restart(way, checkpoints);
    }
    run.settle();
    run.stores.close().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_there_is_what_the_one_order_says(
        steps in proptest::collection::vec(step(), 1..60), seed in 0..100_u64, power in any::<bool>(),
    ) {
        let way = if power { Way::PowerLoss } else { Way::Kill };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(whole_run(&steps, Run::begin(seed), way));
    }
}

/// A store that is added, filled, sealed, dropped and added again, while others continue.
fn one_life() -> Vec<Step> {
    let commit = |service, key, version| Step::Commit { service, key, value: Some(key), version };
    let mut steps = vec![Step::Add(1), commit(0, 0, None), commit(1, 1, None), commit(1, 2, Some(3)), Step::Wait];
    steps.extend([commit(0, 1, None), Step::Detach(1), commit(0, 2, None), Step::Add(1), commit(1, 0, Some(4))]);
    steps.extend([Step::Detach(1), Step::Drop(1), commit(0, 0, None), Step::Drop(1), Step::Add(1)]);
    steps.extend([commit(1, 2, None), Step::Wait, commit(0, 1, Some(1)), commit(1, 1, None), Step::Wait]);
    steps
}

async fn every_operation(fault: Fault, way: Way) {
    let whole = run(&one_life(), Run::begin(0), way).await;
    whole.settle();
    whole.stores.close().unwrap();
    for operation in 0..whole.disk.operations() {
        let begun = Run::begin(operation);
        begun.disk.plan(operation, fault);
        whole_run(&one_life(), begun, way).await;
    }
}

#[tokio::test]
async fn power_loss_at_any_operation_leaves_whole_stores_or_none() {
    every_operation(Fault::PowerLoss, Way::PowerLoss).await;
}

#[tokio::test]
async fn a_kill_at_any_operation_leaves_whole_stores_or_none() {
    every_operation(Fault::PowerLoss, Way::Kill).await;
}

#[tokio::test]
async fn an_error_at_any_operation_leaves_whole_stores_or_none() {
    every_operation(Fault::Error, Way::Kill).await;
}

#[tokio::test]
async fn an_error_and_then_power_loss_leave_whole_stores_or_none() {
    every_operation(Fault::Error, Way::PowerLoss).await;
}
