//! Nothing of a call leaves the host before the commit that caused the call is durable.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use wasmtime::component::Val;

use super::{LIMITS, RETRIES, REUSE, RUNTIME, STORE};
use crate::call::{Answer, Backend, Calls, HostCall, LinkedComponent, LoadedRelease, Routing, Service};
use crate::config::{Grant, RuntimeSettings};
use crate::contract::Contracts;
use crate::journal::simulated::SimulatedDisk;
use crate::names::{Digest, Generation, HostSecret, ServiceName};
use crate::runtime::{LinkSettings, Runtime};
use crate::store::{CommitDetails, Stores};
use crate::tasks::Tasks;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "a test has no group of tasks")]
async fn a_request_of_a_delivery_waits_for_the_commit_that_emitted_its_event() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let component = std::fs::read(project.join("../target/wasm32-wasip2/release/fetches.wasm")).unwrap();
    let world = Contracts::read(&project.join("tests/wit")).unwrap().world("test:fetches/fetcher").unwrap();
    let settings = RuntimeSettings { instances_max: 4, ..RUNTIME };
    let runtime = Runtime::new(&settings, Tasks::default().outages()).unwrap();
    let name = ServiceName::parse("fetcher").unwrap();
    let settings = LinkSettings {
        service: name.clone(),
        environment: Vec::new(),
        outbound_hosts: vec![Grant::parse(&authority).unwrap()],
        limits: LIMITS,
    };
    let program = runtime.link(&runtime.compile(&component).unwrap(), &world, settings).unwrap();
    let disk = SimulatedDisk::new(1);
    let stores = Stores::open_on(&disk.as_disk(), &STORE, &[(name.clone(), 1 << 20)], None).unwrap();
    let store = stores.service(&name).unwrap();
    let program = LinkedComponent::Contract(program);
    let release = LoadedRelease::new(Digest::of(&component), Arc::clone(&world), program, &LIMITS, 0);
    let service = Arc::new(Service::new(name.clone(), store.clone(), LIMITS));
    let routing = Routing::new(
        &[Backend { service, release: Arc::new(release), generation: Generation::First }],
        Vec::new(),
        &[],
    )
    .unwrap();
    let calls = Calls::new(routing, 4, stores, Tasks::default(), REUSE, RETRIES, HostSecret::new([7; 32])).unwrap();

    let commit = async |key: &str| {
        let mut transaction = store.begin();
        transaction.set(key, "1").unwrap();
        let details = CommitDetails { call: crate::names::CallId([1; 16]), data_version: None };
        transaction.commit(details).await.unwrap()
    };
    // The first write opens the journal's segment, which needs additional syncs.
    store.wait_durable(commit("first").await).await.unwrap();
    disk.hold_syncs();
    let caused_by = commit("event").await;
    let mut functions = world.exports.iter().flat_map(|interface| &interface.functions);
    let call = HostCall {
        service: name,
        function: Arc::clone(functions.find(|function| &*function.name.wit == "fetch").unwrap()),
        arguments: vec![Val::String(authority)],
        calling_service: None,
        cause: "an event".into(),
        caused_by,
        time_unix_micros: 1,
        rows: Vec::new(),
        intent: false,
        span: crate::observe::traces::ParentSpan::none(),
    };
    let delivery = tokio::spawn(async move { calls.run_host_call(call, &calls.routing()).await });
    let early = tokio::time::timeout(Duration::from_millis(500), listener.accept()).await;
    // Before any assertion can fail: a blocked disk would block the end of the test.
    disk.let_syncs_go();
    assert!(early.is_err(), "the request left before the event was durable");
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut request = [0; 1024];
    assert!(connection.read(&mut request).await.unwrap() > 0);
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
    let answer = delivery.await.unwrap();
    assert!(matches!(&answer, Ok(Answer::Ok(Some(Val::String(text)))) if text == "200 hi"), "{answer:?}");
}
