//! Any commits, kills and swaps: the copy is what a model says.

use proptest::prelude::*;

use super::*;
use crate::store::system::MIRRORED_ENTITIES;

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<(u8, Option<u8>)>),
    CopyNext,
    Follow,
    /// The copy is completed and verified.
    Complete,
    /// A new host on what the disk has kept, with a new mirror.
    Kill,
    /// The copy is completed, and becomes the live data.
    Turn,
    RefreshBack,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec((any::<u8>(), proptest::option::weighted(0.7, any::<u8>())), 1..8)
            .prop_map(Step::Write),
        3 => Just(Step::CopyNext),
        3 => Just(Step::Follow),
        2 => Just(Step::Complete),
        1 => Just(Step::Kill),
        2 => Just(Step::Turn),
        2 => Just(Step::RefreshBack),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn a_copy_is_what_a_model_says_after_any_commits_and_kills(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut host = Host::open(SimulatedDisk::new(1));
            let mut mirror = host.mirror(Fault::None, Fault::None);
            let mut model = BTreeMap::new();
            // Calls with the data that they read.
            let mut calls = Vec::new();
            for step in steps {
                match step {
                    Step::Write(writes) => {
                        let writes: Vec<_> = writes
                            .into_iter()
                            .map(|(key, value)| (format!("{key:03}"), value.map(|value| value.to_string())))
                            .collect();
                        host.write(&writes).await;
                        for (key, value) in writes {
                            match value {
                                Some(value) => drop(model.insert(key, value)),
                                None => drop(model.remove(&key)),
                            }
                        }
                    }
                    Step::CopyNext => drop(mirror.copy_next().await.unwrap()),
                    Step::Follow => drop(mirror.follow(3).await.unwrap()),
                    Step::Complete => complete(&mut mirror).await.unwrap(),
                    Step::Kill => {
                        calls.clear();
                        host.store().wait_durable(host.store().last_commit()).await.unwrap();
                        let (disk, live) = (host.disk.after_kill(), host.live);
                        host = Host { live, ..Host::open(disk) };
                        mirror = host.mirror(Fault::None, Fault::None);
                    }
                    Step::Turn => {
                        complete(&mut mirror).await.unwrap();
                        calls.clear();
                        mirror = host.turn(&mut mirror);
                    }
                    Step::RefreshBack => mirror.refresh_back(2).await.unwrap(),
                }
                calls.push((host.call(), model.clone()));
                for (call, read) in &calls {
                    match host.repeated(call) {
                        Ok(seen) => assert_eq!(&seen, read),
                        Err(error) => assert_eq!(error, SnapshotError::Behind),
                    }
                }
            }
            complete(&mut mirror).await.unwrap();
            assert_eq!((host.copy(), host.data(host.live)), (model.clone(), model.clone()));
            assert_eq!(host.repeated(&host.call()).unwrap(), model);
            let rows = host.store().row_keys(&MIRRORED_ENTITIES, .., 1_000).unwrap();
            assert!(rows.into_iter().map(|key| key.0).eq(model.keys().cloned()));
        });
    }
}
