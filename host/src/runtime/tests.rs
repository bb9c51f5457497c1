//! The gate of outgoing requests, over a disk that takes its time.
//!
//! All else that components do is tested from outside, in `host/tests/it`; this needs a disk that a test commands.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wasmtime::component::Val;

use super::*;
use crate::clock;
use crate::config::{LimitSettings, StoreSettings};
use crate::contract::{Contracts, Function};
use crate::journal::simulated::SimulatedDisk;
use crate::names::{CallId, Number, RequestId, ServiceName};
use crate::store::{CommitDetails, Stores};

const LIMITS: LimitSettings = LimitSettings {
    memory_bytes_max: 8 << 20,
    deadline_ms: 5_000,
    calls_in_flight_max: 4,
    calls_waiting_max: 4,
    wait_ms_max: 1_000,
    store_bytes_max: 1 << 20,
    events_per_call_max: 10,
    answer_bytes_max: 10_000,
    log_bytes_per_second: 1_000,
    call_depth_max: 3,
    circuit_failures: 5,
    circuit_open_ms: 1_000,
};

const STORE: StoreSettings = StoreSettings {
    segment_bytes: 1 << 20,
    overlay_bytes_max: 1 << 20,
    checkpoint_ms_max: 60_000,
    index_cache_bytes: 1 << 20,
    batch_commits_max: 64,
};

/// A root call that has reached so far.
struct Reached(Number);

impl Outbound for Reached {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, _: &'a [Val]) -> OutboundFuture<'a> {
        unreachable!("the guest calls no other service, also not {}", import.name.wit)
    }

    fn reach(&mut self, saw: Number) -> Number {
        self.0.max(saw)
    }
}

/// No sync of the disk ends while it is there. It goes also when the test fails: the journal waits for its thread.
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
    let settings =
        LinkSettings { service: service.clone(), environment: Vec::new(), outbound_hosts: vec![host], limits: LIMITS };
    (runtime.link(&code, &world, settings).unwrap(), world)
}

#[tokio::test]
async fn a_request_leaves_the_host_only_when_all_that_its_call_did_is_durable() {
    let service = ServiceName::parse("fetcher").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let compiled = tempfile::tempdir().unwrap();
    let settings = RuntimeSettings {
        instances_max: 2,
        core_instances_per_component_max: 16,
        memories_per_component_max: 3,
        memory_keep_resident_bytes: 2 << 20,
        epoch_ms: 1,
    };
    let runtime = Runtime::new(&settings, compiled.path()).unwrap();
    let (program, world) = fetcher(&runtime, &service, authority.clone());
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &STORE, &[(service.clone(), LIMITS.store_bytes_max)], None).unwrap();
    let store = stores.service(&service).unwrap();

    let held_syncs = HeldSyncs::of(&disk);
    let mut transaction = store.begin();
    transaction.set("key", "value").unwrap();
    let committed =
        transaction.commit(CommitDetails { call: CallId([1; 16]), memo: None, data_version: None }).await.unwrap();
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
        async move { program.run(&function, &[authority], frame).await.result.unwrap() }
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
    // Others run from their beginning to their end: were the request let out, one of the connections would be its own.
    for _ in 0..5 {
        let ((), free) = tokio::join!(answer(), fetch(Number::default()));
        assert_eq!(free, said);
        assert!(futures::poll!(&mut held).is_pending());
    }
    drop(held_syncs);
    let ((), free) = tokio::join!(answer(), held);
    assert_eq!(free, said);
}
