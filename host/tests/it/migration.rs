//! Migrations: what a component says of its data, and what becomes of the store.

use std::sync::Arc;

use switchyard::config::LimitSettings;
use switchyard::contract::{Contracts, OutboundHttp};
use switchyard::names::{CallId, FormatName};
use switchyard::runtime::{
    DataDescription, DescribeError, Failure, IsolationError, LinkSettings, MigrateError, Migrated, Runtime,
};
use switchyard::store::{CommitDetails, CommitError, StoreError};
use wasmtime::component::Val;

use crate::guest::{Guest, component, limits, link_settings, runtime, workspace};
use crate::log;

/// The guest whose data has versions, which does wrong what `scenario` says.
fn guest(runtime: &Runtime, scenario: &str) -> Arc<Guest> {
    let limits = LimitSettings { deadline_ms: 200, store_bytes_max: 1 << 20, ..limits() };
    let environment = vec![("SCENARIO".into(), scenario.into())];
    let settings = LinkSettings { environment, ..link_settings(limits) };
    Guest::of("migrates.wasm", "test:migrates/notebook", settings, runtime)
}

fn text(text: &str) -> Val {
    Val::String(text.into())
}

fn note(text: &str, words: u32) -> Option<Val> {
    Some(Val::Option(Some(Box::new(Val::Tuple(vec![Val::String(text.into()), Val::U32(words)])))))
}

async fn commit(migrated: Migrated) -> Result<(), CommitError> {
    migrated.result.unwrap();
    migrated.transaction.commit(CommitDetails { call: CallId([2; 16]), data_version: None }).await.map(drop)
}

#[test]
fn a_component_that_exports_a_migration_fits_a_contract_that_knows_of_none() {
    let contracts = Contracts::read(&workspace().join("host/tests/wit")).unwrap();
    let world = contracts.world("test:migrates/notebook").unwrap();
    let verdict = contracts.judge(&world, &component("migrates.wasm"), OutboundHttp::Refused);
    assert!(verdict.accepted, "{verdict}");
    assert!(verdict.exports.contains(&"switchyard:service/migration@0.1.0".to_owned()), "{:?}", verdict.exports);
}

#[tokio::test]
async fn a_component_without_the_interface_has_data_of_version_0_and_does_not_migrate() {
    let guest = Guest::new(&runtime(1), limits());
    assert_eq!(guest.program.describe_data(guest.isolated_read()).await.unwrap(), DataDescription::default());
    let Migrated { result, .. } = guest.program.migrate(1, guest.isolated()).await;
    assert!(matches!(result, Err(MigrateError::NotExported)), "{result:?}");
}

#[tokio::test]
async fn data_is_migrated_when_the_transaction_commits_and_not_before() {
    let guest = guest(&runtime(1), "");
    let data = guest.program.describe_data(guest.isolated_read()).await.unwrap();
    assert_eq!(
        data,
        DataDescription { format: FormatName::parse("notebook").ok(), version: 2, reads_up_to: 3, pause_ms_max: 250 }
    );
    guest.commit("write", &[text("a"), text("one two")]).await;
    let rehearsed = guest.program.migrate(1, guest.isolated()).await;
    assert!(rehearsed.result.is_ok());
    drop(rehearsed);
    assert_eq!(guest.run("note", &[text("a")]).await.unwrap(), note("one two", 0));
    commit(guest.program.migrate(1, guest.isolated()).await).await.unwrap();
    assert_eq!(guest.run("note", &[text("a")]).await.unwrap(), note("one two", 2));
}

#[tokio::test]
async fn a_migration_that_runs_again_leaves_what_is_done() {
    let guest = guest(&runtime(1), "");
    for (id, words) in [("a", "one"), ("b", "one two")] {
        guest.commit("write", &[text(id), text(words)]).await;
        commit(guest.program.migrate(1, guest.isolated()).await).await.unwrap();
    }
    assert_eq!(guest.run("note", &[text("a")]).await.unwrap(), note("one", 1));
    assert_eq!(guest.run("note", &[text("b")]).await.unwrap(), note("one two", 2));
}

/// A migration that goes wrong, how it must end, and what the operator reads.
struct Wrong {
    scenario: &'static str,
    due: fn(&MigrateError) -> bool,
    text: &'static str,
}

fn isolated(error: &MigrateError) -> Option<&IsolationError> {
    let MigrateError::Failed(Failure::Nested(error)) = error else { return None };
    error.0.downcast_ref()
}

const WRONG: [Wrong; 6] = [
    Wrong {
        scenario: "migrate-refuses",
        due: |error| matches!(error, MigrateError::Refused { text } if text == "note 7 is in no language\u{fffd}[2J"),
        text: "the component refuses to migrate: note 7 is in no language",
    },
    Wrong {
        scenario: "migrate-panics",
        due: |error| matches!(error, MigrateError::Failed(Failure::Trap { log_tail, .. }) if log_tail.contains("note 7")),
        text: "the component trapped",
    },
    Wrong {
        scenario: "migrate-spins",
        due: |error| matches!(error, MigrateError::Failed(Failure::Deadline)),
        text: "the deadline of the call passed",
    },
    Wrong {
        scenario: "migrate-asks",
        due: |error| matches!(isolated(error), Some(IsolationError::Call { .. })),
        text: "it called test:migrates/peer@1.0.0#ask, but",
    },
    Wrong {
        scenario: "migrate-emits",
        due: |error| matches!(isolated(error), Some(IsolationError::Event { .. })),
        text: "it emitted test:migrates/notes-events@1.0.0#noted, but",
    },
    Wrong {
        scenario: "migrate-writes-on",
        due: |error| matches!(error, MigrateError::Failed(Failure::Store(StoreError::TooManyKeys { .. }))),
        text: "at most 512 keys",
    },
];

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

#[tokio::test]
async fn a_migration_that_goes_wrong_says_why() {
    log::capture();
    let runtime = runtime(1);
    for Wrong { scenario, due, text: said } in WRONG {
        let guest = guest(&runtime, scenario);
        guest.commit("write", &[text("a"), text("one two")]).await;
        log::take();
        let error = guest.program.migrate(1, guest.isolated()).await.result.unwrap_err();
        assert!(due(&error) && chain(&error).contains(said), "{scenario}: {}", chain(&error));
        let failed = matches!(error, MigrateError::Failed(_));
        assert_eq!(log::take().contains("switchyard:service/migration@0.1.0#migrate"), failed, "{scenario}");
        assert_eq!(guest.run("note", &[text("a")]).await.unwrap(), note("one two", 0), "{scenario}");
    }
}

#[tokio::test]
async fn a_migration_that_fills_the_store_is_refused_when_it_commits() {
    let guest = guest(&runtime(1), "migrate-fills");
    guest.commit("write", &[text("a"), text("one two")]).await;
    let full = commit(guest.program.migrate(1, guest.isolated()).await).await;
    assert!(matches!(full, Err(CommitError::Quota { .. })), "{full:?}");
    assert_eq!(guest.run("note", &[text("a")]).await.unwrap(), note("one two", 0));
}

#[tokio::test]
async fn a_component_that_talks_nonsense_of_its_data_is_told_so() {
    let runtime = runtime(1);
    let describe = async |scenario: &str| {
        let guest = guest(&runtime, scenario);
        guest.program.describe_data(guest.isolated_read()).await.unwrap_err()
    };
    let reads_less = describe("describe-reads-less").await;
    assert!(matches!(reads_less, DescribeError::ReadsLess { version: 2, reads_up_to: 1 }), "{reads_less:?}");
    let pauses = describe("describe-pauses-long").await;
    assert!(matches!(pauses, DescribeError::PauseTooLong { pause_ms_max: 30_001 }), "{pauses:?}");
    let format = describe("describe-no-format").await;
    assert!(matches!(format, DescribeError::Format(_)), "{format:?}");
    let panics = describe("describe-panics").await;
    assert!(matches!(panics, DescribeError::Failed(Failure::Trap { .. })), "{panics:?}");
    let writes = describe("describe-writes").await;
    assert!(matches!(writes, DescribeError::Failed(Failure::Store(StoreError::ReadOnly))), "{writes:?}");
}
