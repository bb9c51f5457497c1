//! A store behaves like a plain map, through checkpoints, restarts and kills.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::journal::simulated::SimulatedDisk;

type Model = BTreeMap<String, String>;

#[derive(Debug, Clone)]
enum Step {
    Set(String, String),
    Delete(String),
    Get(String),
    Scan {
        prefix: String,
        after: Option<String>,
        direction: Direction,
        limit: u32,
    },
    Commit,
    Abort,
    /// Brings all commits into the index.
    Checkpoint,
    /// An orderly close and a start; or a kill. Then checkpoints run by themselves, or do not run.
    Restart {
        killed: bool,
        checkpoints: bool,
    },
}

fn key() -> impl Strategy<Value = String> {
    // Few keys of few characters, so that they collide; some at the ends of the character ranges.
    proptest::collection::vec(prop::sample::select(vec!['a', 'b', '\u{d7ff}', '\u{e000}', char::MAX]), 1..4)
        .prop_map(String::from_iter)
}

fn step() -> impl Strategy<Value = Step> {
    let scan = (key(), 0_usize..3, proptest::option::of(key()), any::<bool>(), 1_u32..6);
    let scan = scan.prop_map(|(key, length, after, ascending, limit)| {
        let prefix: String = key.chars().take(length).collect();
        let after = after.map(|after| format!("{prefix}{after}"));
        let direction = if ascending { Direction::Ascending } else { Direction::Descending };
        Step::Scan { prefix, after, direction, limit }
    });
    prop_oneof![
        8 => (key(), "[a-z]{0,8}").prop_map(|(key, value)| Step::Set(key, value)),
        4 => key().prop_map(Step::Delete),
        4 => key().prop_map(Step::Get),
        8 => scan,
        6 => Just(Step::Commit),
        1 => Just(Step::Abort),
        2 => Just(Step::Checkpoint),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(killed, checkpoints)| Step::Restart { killed, checkpoints }),
    ]
}

struct Run {
    disk: SimulatedDisk,
    stores: Stores,
    committed: Model,
    checkpoints: bool,
}

impl Run {
    fn open(disk: SimulatedDisk, committed: Model, checkpoints: bool) -> Self {
        let checkpoint_ms_max = if checkpoints { 0 } else { 3_600_000 };
        let settings = StoreSettings { segment_bytes: 512, checkpoint_ms_max, ..SETTINGS };
        let stores = Stores::open_on(&disk.as_disk(), &settings, &services(), None).unwrap();
        Self { disk, stores, committed, checkpoints }
    }

    fn store(&self) -> Store {
        self.stores.service(&name("cart")).unwrap()
    }

    fn restart(self, killed: bool, checkpoints: bool) -> Self {
        let disk = if killed {
            let disk = self.disk.after_kill();
            self.stores.close().unwrap();
            disk
        } else {
            self.stores.close().unwrap();
            self.disk
        };
        Self::open(disk, self.committed, checkpoints)
    }

    fn checkpoint(&self) {
        while self.checkpoints && !self.store().is_applied() {
            std::thread::yield_now();
        }
    }
}

fn scan_model(model: &Model, prefix: &str, after: Option<&str>, direction: Direction, limit: u32) -> Page {
    let found = model.iter().filter(|(key, _)| key.starts_with(prefix));
    let entry =
        |(key, value): (&String, &String)| super::super::Entry { key: key.clone(), value: value.clone().into() };
    let mut entries: Vec<_> = match direction {
        Direction::Ascending => {
            found.filter(|(key, _)| after.is_none_or(|after| key.as_str() > after)).map(entry).collect()
        }
        Direction::Descending => {
            found.filter(|(key, _)| after.is_none_or(|after| key.as_str() < after)).rev().map(entry).collect()
        }
    };
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    Page { entries, more }
}

async fn run(steps: Vec<Step>) {
    let mut run = Run::open(SimulatedDisk::new(1), Model::new(), true);
    let mut transaction = run.store().begin();
    let mut model = run.committed.clone();
    for step in steps {
        match step {
            Step::Set(key, value) => {
                transaction.set(&key, value.clone()).unwrap();
                model.insert(key, value);
            }
            Step::Delete(key) => {
                transaction.delete(&key).unwrap();
                model.remove(&key);
            }
            Step::Get(key) => assert_eq!(text(&mut transaction, &key), model.get(&key).cloned()),
            Step::Scan { prefix, after, direction, limit } => {
                let found = scan(&prefix, after.as_deref(), direction, limit)(&mut transaction);
                assert_eq!(found, scan_model(&model, &prefix, after.as_deref(), direction, limit));
            }
            Step::Commit => {
                let number = commit(transaction).await.unwrap();
                run.stores.wait_durable(number).await.unwrap();
                run.committed.clone_from(&model);
                let bytes: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
                assert_eq!(run.store().bytes(), bytes as u64);
                transaction = run.store().begin();
            }
            Step::Abort => {
                transaction = run.store().begin();
                model.clone_from(&run.committed);
            }
            Step::Checkpoint => run.checkpoint(),
            Step::Restart { killed, checkpoints } => {
                run = run.restart(killed, checkpoints);
                transaction = run.store().begin();
                model.clone_from(&run.committed);
            }
        }
    }
    drop(transaction);
    let run = run.restart(true, false);
    let all = scan("", None, Direction::Ascending, 1000)(&mut run.store().begin());
    assert_eq!(all, scan_model(&run.committed, "", None, Direction::Ascending, 1000));
    run.stores.close().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_what_a_plain_map_is(steps in proptest::collection::vec(step(), 1..80)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(steps));
    }
}
