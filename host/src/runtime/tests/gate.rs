//! The gate of outgoing requests: on a slow disk, and for runs that may make no requests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wasmtime::component::Val;

use super::{LIMITS, SETTINGS};
use crate::clock;
use crate::config::{Grant, StoreSettings};
use crate::contract::{Contracts, Function, World};
use crate::journal::simulated::SimulatedDisk;
use crate::names::{CallId, CommitSeq, RequestId, ServiceName};
use crate::runtime::{Frame, IsolatedFrame, LinkSettings, Outbound, OutboundFuture, Program, Runtime};
use crate::store::{CommitDetails, Stores};
use crate::tasks::Outages;

const STORE: StoreSettings = StoreSettings {
    segment_bytes: 1 << 20,
    overlay_bytes_max: 1 << 20,
    checkpoint_ms_max: 60_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 64,
};

/// A root call whose last commit is this one.
struct Reached(CommitSeq);

impl Outbound for Reached {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, _: &'a [Val]) -> OutboundFuture<'a> {
        unreachable!("the guest calls no other service, also not {}", import.name.wit)
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        self.0.max(saw)
    }
}

/// Blocks all syncs of the disk until it is dropped, also when the test fails, because the journal waits for its
/// thread.
struct HeldSyncs<'a>(&'a SimulatedDisk);

impl<'a> HeldSyncs<'a> {
    fn of(disk: &'a SimulatedDisk) -> Self {
        disk.hold_syncs();
        Self(disk)
    }
}

impl Drop for HeldSyncs<'_> {
    fn drop(&mut self) {
        self.0.let_syncs_go();
    }
}

fn fetcher(runtime: &Runtime, service: &ServiceName, host: String) -> (Arc<Program>, Arc<World>) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let component = std::fs::read(project.join("../target/wasm32-wasip2/release/fetches.wasm"));
    let code = runtime.compile(&component.expect("build the guests with `cargo xtask guests`")).unwrap();
    let world = Contracts::read(&project.join("tests/wit")).unwrap().world("test:fetches/fetcher").unwrap();
    let settings = LinkSettings {
        service: service.clone(),
        environment: Vec::new(),
        outbound_hosts: vec![Grant::parse(&host).unwrap()],
        limits: LIMITS,
    };
    (runtime.link(&code, &world, settings).unwrap(), world)
}

#[tokio::test]
async fn a_request_leaves_the_host_only_when_all_that_its_call_did_is_durable() {
    let service = ServiceName::parse("fetcher").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let runtime = Runtime::new(&SETTINGS, &Outages::default()).unwrap();
    let (program, world) = fetcher(&runtime, &service, authority.clone());
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &STORE, &[(service.clone(), LIMITS.store_bytes_max)], None).unwrap();
    let store = stores.service(&service).unwrap();

    let commit = async || {
        let mut transaction = store.begin();
        transaction.set("key", "value").unwrap();
        transaction.commit(CommitDetails { call: CallId([1; 16]), data_version: None }).await.unwrap()
    };
    // A commit waits for the journal's first file, which a disk without syncs would never have ready.
    store.wait_durable(commit().await).await.unwrap();
    let held_syncs = HeldSyncs::of(&disk);
    let committed = commit().await;
    let fetch = |reached| {
        let function = Arc::clone(&world.exports[0].functions[0]);
        let frame = Frame {
            transaction: store.begin_read(),
            identity: None,
            calling_service: None,
            seed: [7; 32],
            time_unix_micros: 0,
            deadline: clock::now() + Duration::from_millis(LIMITS.deadline_ms),
            outbound: Box::new(Reached(reached)),
            request: RequestId::from_bits(1),
        };
        let (program, authority) = (Arc::clone(&program), Val::String(authority.clone()));
        async move { program.run(&function, [authority], frame).await.result.unwrap() }
    };
    let answer = async || {
        let (mut connection, _) = listener.accept().await.unwrap();
        let read = connection.read(&mut [0; 1024]).await.unwrap();
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        assert!(read > 0);
    };
    let said = Some(Val::String("200 hi".into()));

    let held = fetch(committed);
    tokio::pin!(held);
    assert!(futures::poll!(&mut held).is_pending());
    // Runs other calls completely: if the request had left the host, one of the connections would be its own.
    for _ in 0..5 {
        let ((), free) = tokio::join!(answer(), fetch(CommitSeq::default()));
        assert_eq!(free, said);
        assert!(futures::poll!(&mut held).is_pending());
    }
    drop(held_syncs);
    let ((), free) = tokio::join!(answer(), held);
    assert_eq!(free, said);
}

#[tokio::test]
async fn an_isolated_run_sends_no_request_whatever_is_granted() {
    let service = ServiceName::parse("fetcher").unwrap();
    let runtime = Runtime::new(&SETTINGS, &Outages::default()).unwrap();
    let (program, world) = fetcher(&runtime, &service, "127.0.0.1:9".into());
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &STORE, &[(service.clone(), LIMITS.store_bytes_max)], None).unwrap();
    let frame = IsolatedFrame {
        transaction: stores.service(&service).unwrap().begin_read(),
        seed: [7; 32],
        time_unix_micros: 0,
        deadline: clock::now() + Duration::from_millis(LIMITS.deadline_ms),
        request: RequestId::from_bits(1),
    };
    let authority = [Val::String("127.0.0.1:9".into())];
    let finished = program.run_isolated(Some(&world.exports[0].functions[0]), authority, frame).await;
    assert_eq!(finished.result.unwrap(), Some(Val::String("ErrorCode::HttpRequestDenied".into())));
}
