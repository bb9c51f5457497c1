//! Mirrors between two layouts of the same entities, without components: what a copy holds, and who is caught.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use proptest::prelude::*;
use wasmtime::component::Val;

use super::copy::Mirror;
use super::error::MirrorError;
use super::pages::Pages;
use super::side::StateSide;
use crate::clock;
use crate::config::StoreSettings;
use crate::journal::simulated::SimulatedDisk;
use crate::names::{CallId, Generation, ServiceName};
use crate::release::judging::isolated::chain;
use crate::runtime::{Failure, StateChange, StateEntity, StateError, StatePage, StateRun};
use crate::store::system::{INTENTS, MIRRORED_ENTITIES};
use crate::store::{
    CommitDetails, Direction, PinnedSnapshot, Scan, SnapshotError, Store, StoreError, Stores, Transaction,
};

const SETTINGS: StoreSettings = StoreSettings {
    segment_bytes: 1 << 20,
    overlay_bytes_max: 1 << 20,
    checkpoint_ms_max: 60_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 64,
};

const NO_CALL: CommitDetails = CommitDetails { call: CallId([0; 16]), data_version: None };

/// What an implementation does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It imports half of a value.
    Cuts,
    /// It stores two entities of an import under each other's key.
    Swaps,
    IgnoresRemovals,
    /// An import also damages the first entity.
    DamagesTheFirst,
    /// An export leaves out an entity.
    Skips,
    /// An export leaves out the first entity of each page but the first page.
    SkipsTheFirst,
    /// An export ends before the last key that it may give.
    EndsBeforeUntil,
    Repeats,
    Descends,
    /// An export ignores where it should begin.
    NeverEnds,
    /// An export gives more entities after the last one.
    GrowsWithoutEnd,
    Refuses,
    /// It writes so much for each entity that three of them are all that one commit takes.
    TakesThree,
    /// An import waits for a moment before it has its result.
    Waits,
}

/// An implementation that stores each entity under a prefix.
struct Layout {
    prefix: &'static str,
    fault: Fault,
}

impl Layout {
    fn scan(&self, transaction: &mut Transaction) -> Vec<(String, String)> {
        let (mut entries, mut after) = (Vec::new(), None::<String>);
        loop {
            let scan =
                Scan { prefix: self.prefix, after: after.as_deref(), direction: Direction::Ascending, limit: 1_000 };
            let page = transaction.scan(&scan).unwrap();
            after = page.entries.last().map(|entry| entry.key.clone());
            entries.extend(page.entries.into_iter().map(|entry| {
                let key = entry.key.strip_prefix(self.prefix).unwrap().to_owned();
                (key, String::from_utf8(entry.value.to_vec()).unwrap())
            }));
            if !page.more {
                return entries;
            }
        }
    }

    fn exported(&self, transaction: &mut Transaction, page: &StatePage) -> Vec<StateEntity> {
        // It reads entry by entry behind `after`, as a component with one entry for each entity does.
        let mut entities = Vec::new();
        let mut after = page.after.as_ref().map(|after| format!("{}{after}", self.prefix));
        if self.fault == Fault::NeverEnds {
            after = None;
        }
        while entities.len() < page.limit as usize {
            let scan = Scan { prefix: self.prefix, after: after.as_deref(), direction: Direction::Ascending, limit: 1 };
            let Some(entry) = transaction.scan(&scan).unwrap().entries.pop() else { break };
            let key = entry.key.strip_prefix(self.prefix).unwrap().to_owned();
            if page.until.as_ref().is_some_and(|until| *until < key) {
                break;
            }
            after = Some(entry.key);
            let value = Val::String(String::from_utf8(entry.value.to_vec()).unwrap());
            entities.push(StateEntity { key, value });
        }
        entities
    }
}

impl StateSide for Layout {
    fn export<'a>(
        &'a self,
        mut transaction: Transaction,
        page: &'a StatePage,
    ) -> BoxFuture<'a, StateRun<Vec<StateEntity>>> {
        let mut entities = self.exported(&mut transaction, page);
        match self.fault {
            Fault::Skips => entities.retain(|entity| !entity.key.ends_with('7')),
            Fault::SkipsTheFirst if page.after.is_some() && !entities.is_empty() => drop(entities.remove(0)),
            Fault::EndsBeforeUntil => entities.retain(|entity| Some(&entity.key) != page.until.as_ref()),
            Fault::Repeats if !entities.is_empty() => entities.insert(0, entities[0].clone()),
            Fault::Descends => entities.reverse(),
            Fault::GrowsWithoutEnd if entities.is_empty() => {
                let last = page.after.as_ref().and_then(|after| after.strip_prefix('~')?.parse::<u32>().ok());
                let first = last.unwrap_or(0) + 1;
                let keys = (first..first + page.limit).map(|number| format!("~{number:09}"));
                let wanted = keys.filter(|key| page.until.as_ref().is_none_or(|until| key <= until));
                entities.extend(wanted.map(|key| StateEntity { key, value: Val::String("more".into()) }));
            }
            _ => {}
        }
        // What the host checks of a component's page.
        let mut before = page.after.clone();
        let mut result = Ok(());
        for entity in &entities {
            if let Some(before) = before.filter(|before| *before >= entity.key) {
                result = Err(StateError::Order { before, key: entity.key.clone() });
                break;
            }
            before = Some(entity.key.clone());
        }
        Box::pin(std::future::ready(StateRun { result: result.map(|()| entities), transaction }))
    }

    fn import<'a>(&'a self, mut transaction: Transaction, changes: Vec<StateChange>) -> BoxFuture<'a, StateRun<()>> {
        let mut changes = changes;
        if self.fault == Fault::Refuses {
            let result = Err(StateError::Refused { text: "not mine".into() });
            return Box::pin(std::future::ready(StateRun { result, transaction }));
        }
        if self.fault == Fault::TakesThree && changes.len() > 3 {
            let result = Err(StateError::Import(Failure::Store(StoreError::TooManyKeys)));
            return Box::pin(std::future::ready(StateRun { result, transaction }));
        }
        if let (Fault::Swaps, [one, other, ..]) = (self.fault, changes.as_mut_slice()) {
            std::mem::swap(&mut one.value, &mut other.value);
        }
        let mut result = Ok(());
        for StateChange { key, value } in changes {
            let key = format!("{}{key}", self.prefix);
            let done = match value {
                Some(Val::String(text)) => {
                    let end = if self.fault == Fault::Cuts { text.len() / 2 } else { text.len() };
                    transaction.set(&key, text[..end].to_owned().into_bytes())
                }
                Some(other) => unreachable!("{other:?}"),
                None if self.fault == Fault::IgnoresRemovals => Ok(()),
                None => transaction.delete(&key),
            };
            if let Err(error) = done {
                result = Err(StateError::Import(Failure::Store(error)));
                break;
            }
        }
        if self.fault == Fault::DamagesTheFirst
            && let Some((key, _)) = self.scan(&mut transaction).first()
        {
            transaction.set(&format!("{}{key}", self.prefix), b"damaged".to_vec()).unwrap();
        }
        let waits = self.fault == Fault::Waits;
        Box::pin(async move {
            if waits {
                tokio::task::yield_now().await;
            }
            StateRun { result, transaction }
        })
    }

    fn difference(&self, original: &Val, copy: &Val) -> (String, String, String) {
        crate::value::first_difference(Some(&crate::contract::Type::String), Some(original), Some(copy))
    }
}

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
    mirror.finish(clock::now() + Duration::from_secs(10)).await
}

fn entries(count: usize) -> Vec<(String, Option<String>)> {
    (0..count).map(|n| (format!("{n:04}"), Some(format!("value {n}")))).collect()
}

async fn fails(source: Fault, target: Fault) -> String {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(source, target);
    let mut ended = complete(&mut mirror).await;
    if ended.is_ok() {
        host.write(&[("0100".into(), None), ("0101".into(), Some("later".into()))]).await;
        ended = complete(&mut mirror).await;
    }
    chain(&ended.unwrap_err())
}

#[tokio::test]
async fn a_wrong_importer_is_stopped_with_the_entity_and_the_field() {
    let check = async |fault, expected: &str| {
        let error = fails(Fault::None, fault).await;
        assert!(error.contains(expected), "{fault:?}: {error}");
    };
    check(Fault::Cuts, "\"0000\" is not the same after its import: the value is a text of 3 characters").await;
    check(Fault::Swaps, "\"0000\" is not the same after its import").await;
    check(Fault::IgnoresRemovals, "\"0100\" was removed, and the export afterwards still has it").await;
    check(Fault::DamagesTheFirst, "\"0000\" is not the same after its import").await;
    check(Fault::Refuses, "refuses the state: not mine").await;
}

#[tokio::test]
async fn a_wrong_exporter_is_stopped() {
    let check = async |source, target, expected: &str| {
        let error = fails(source, target).await;
        assert!(error.contains(expected), "{source:?} {target:?}: {error}");
    };
    check(Fault::Repeats, Fault::None, "in the order of their keys, each once").await;
    check(Fault::Descends, Fault::None, "in the order of their keys, each once").await;
    check(Fault::NeverEnds, Fault::None, "in the order of their keys, each once").await;
    // What an export leaves out at the borders of pages is in pages of another size.
    check(Fault::SkipsTheFirst, Fault::None, "exports the entity \"0008\" in pages of one size, and leaves it out")
        .await;
    check(Fault::EndsBeforeUntil, Fault::None, "exports the entity \"0063\" in pages of one size").await;
    check(Fault::None, Fault::Skips, "\"0007\" was imported, and the export afterwards does not have it").await;
    check(Fault::None, Fault::Repeats, "in the order of their keys, each once").await;
}

#[tokio::test]
async fn a_mirror_that_has_nothing_to_do_commits_nothing_and_a_later_one_copies_only_what_is_new() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    assert_eq!(mirror.imported(), 300);
    let number = host.store().last_commit();
    complete(&mut mirror).await.unwrap();
    assert_eq!(host.store().last_commit(), number);
    host.store().wait_durable(number).await.unwrap();
    let host = Host::open(host.disk.after_kill());
    host.write(&[("0001".into(), Some("new".into()))]).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    assert_eq!((mirror.imported(), host.copy().len()), (1, 300));
    assert_eq!(host.copy()["0001"], "new");
}

#[tokio::test]
async fn a_mirror_that_turns_around_reads_only_what_has_changed() {
    let mut host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    // Its source now is one that no export works with: what is read, fails.
    let mut mirror = host.turn(&mut mirror);
    mirror.source = Arc::new(Layout { prefix: prefix(host.live), fault: Fault::Descends });
    assert!(mirror.is_following());
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
    host.write(&[("0100".into(), None)]).await;
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap_err();
    mirror.source = Arc::new(Layout { prefix: prefix(host.live), fault: Fault::None });
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
    assert_eq!((mirror.imported(), host.copy().len()), (1, 299));
    // The way back is known as well, but for the pages that the import has changed; they are read when there is time.
    mirror.refresh_back(usize::MAX).await.unwrap();
    let mut mirror = host.turn(&mut mirror);
    mirror.source = Arc::new(Layout { prefix: prefix(host.live), fault: Fault::Descends });
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_mirror_that_is_not_complete_turns_into_one_that_reads_everything() {
    let mut host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    while !mirror.copy_next().await.unwrap() {}
    let mut turned = host.turn(&mut mirror);
    assert!(!turned.is_following());
    let error = turned.finish(clock::now() + Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "the copy has not reached the live data yet: 0 of about 300 entities are read");
    complete(&mut turned).await.unwrap();
    assert_eq!((turned.imported(), host.copy().len()), (0, 300));
}

#[tokio::test]
async fn what_is_too_large_for_one_import_is_copied_in_smaller_parts() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(Fault::None, Fault::TakesThree);
    complete(&mut mirror).await.unwrap();
    assert_eq!((mirror.imported(), host.copy()), (200, host.data(host.live)));
    let mut changes: Vec<_> = (0..200).step_by(3).map(|n| (format!("{n:04}"), Some(format!("later {n}")))).collect();
    changes.extend((0..200).step_by(20).map(|n| (format!("{n:04}"), None)));
    host.write(&changes).await;
    complete(&mut mirror).await.unwrap();
    assert_eq!((host.copy().len(), host.copy()), (190, host.data(host.live)));
}

/// A swap gives a mirror only so much time.
#[tokio::test]
async fn a_mirror_that_is_interrupted_copies_what_it_had_begun() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(Fault::None, Fault::Waits);
    complete(&mut mirror).await.unwrap();
    host.write(&[("0001".into(), Some("later".into())), ("0100".into(), None)]).await;
    let mut follow = Box::pin(mirror.follow(64));
    assert!(futures::poll!(follow.as_mut()).is_pending());
    drop(follow);
    assert_eq!((host.copy().len(), host.copy()["0001"].as_str()), (200, "value 1"));
    complete(&mut mirror).await.unwrap();
    assert_eq!((host.copy().len(), host.copy()), (199, host.data(host.live)));
}

#[tokio::test]
async fn an_export_that_gives_more_entities_than_its_data_has_bytes_is_stopped() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(200)).await;
    let mut mirror = host.mirror(Fault::GrowsWithoutEnd, Fault::None);
    let error = complete(&mut mirror).await.unwrap_err().to_string();
    assert!(error.contains("its export does not end"), "{error}");
}

#[tokio::test]
async fn a_commit_marks_the_pages_that_read_what_it_wrote_and_no_others() {
    let host = Host::open(SimulatedDisk::new(1));
    let mut pages = Pages::new(host.store().last_commit());
    // Several groups of pages, each page with one entity.
    for page in 0..1_000 {
        let mut transaction = host.store().begin_read();
        transaction.get(&format!("item/{page:04}")).unwrap();
        let after = if page == 0 { String::new() } else { format!("{:04}", page - 1) };
        pages.insert(after, Some(format!("{page:04}")), transaction.into_reads());
    }
    assert_eq!((pages.count(), pages.dirty()), (1_000, 0));
    let touched = ["0000", "0127", "0128", "0500", "0999"];
    let written = touched.iter().chain(&["2000"]).map(|key| (key.to_string(), Some("new".to_owned())));
    host.write(&written.collect::<Vec<_>>()).await;
    pages.mark_dirty(&host.store(), Generation::First);
    let dirty: Vec<_> = pages.next_dirty(100).into_iter().filter_map(|(_, until)| until).collect();
    assert_eq!(dirty, touched);
    assert_eq!(pages.next_dirty(2).len(), 2, "no more than were asked for");
}

#[tokio::test]
async fn a_call_is_repeated_on_a_copy_only_if_the_copy_held_what_the_call_read() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    let early = host.call();
    while !mirror.copy_next().await.unwrap() {}
    assert_eq!(mirror.follow(64).await.unwrap(), 0);
    assert_eq!(host.repeated(&host.call()), Err(SnapshotError::Behind), "it is not verified");
    complete(&mut mirror).await.unwrap();
    let before = host.call();
    // One write is copied, and the page of the other is left.
    host.write(&[("0001".into(), Some("new".into())), ("0250".into(), Some("new".into()))]).await;
    let between = host.call();
    assert_eq!(mirror.follow(1).await.unwrap(), 1);
    let half = host.call();
    assert_eq!(mirror.follow(1).await.unwrap(), 0);
    let after = host.call();
    // A live write that no page reads makes the copy unknown until the mirror has looked at it.
    let mut transaction = host.store().begin();
    transaction.set("aside", "x").unwrap();
    transaction.commit(NO_CALL).await.unwrap();
    let aside = host.call();
    mirror.follow(1).await.unwrap();
    for (call, what) in [(&early, "early"), (&between, "between"), (&half, "half"), (&aside, "aside")] {
        assert_eq!(host.repeated(call), Err(SnapshotError::Behind), "{what}");
    }
    assert_eq!(host.repeated(&before).unwrap()["0001"], "value 1");
    for call in [&after, &host.call()] {
        let seen = host.repeated(call).unwrap();
        assert_eq!((seen["0001"].as_str(), seen["0250"].as_str(), seen.len()), ("new", "new", 300));
    }
}

#[tokio::test]
async fn a_mirror_counts_the_commits_that_its_copy_lacks() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(300)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    assert_eq!(mirror.commits_behind(), 0);
    for key in ["0001", "0100", "0200"] {
        host.write(&[(key.into(), Some("new".into()))]).await;
    }
    assert!(mirror.follow(1).await.unwrap() > 0);
    assert_eq!(mirror.commits_behind(), 3);
    while mirror.follow(64).await.unwrap() > 0 {}
    assert_eq!(mirror.commits_behind(), 0);
}

#[tokio::test]
async fn a_copy_is_not_completed_while_an_unfinished_call_is_bound_to_its_release() {
    let host = Host::open(SimulatedDisk::new(1));
    host.write(&entries(10)).await;
    let mut mirror = host.mirror(Fault::None, Fault::None);
    complete(&mut mirror).await.unwrap();
    let commit = async |write| {
        let mut transaction = host.store().begin();
        transaction.write_row(write);
        transaction.commit(NO_CALL).await.unwrap();
    };
    let intent = CallId([7; 16]);
    commit(INTENTS.put(&intent, "what it takes to run it again")).await;
    let error = mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap_err();
    assert!(matches!(error, MirrorError::OpenIntents { count: 1 }) && error.is_temporary(), "{error}");
    commit(INTENTS.delete(&intent)).await;
    mirror.finish(clock::now() + Duration::from_secs(10)).await.unwrap();
}

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
