//! Requests to a mounted service on a slow disk: nothing that is not durable leaves the host. And requests that only read,
//! as on a node that does not lead.

use std::convert::Infallible;

use bytes::Bytes;
use futures::poll;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Request, Response};

use super::*;
use crate::call::HttpCaller;
use crate::contract::World;
use crate::runtime::HttpBody;

/// The mounted service `web` over a simulated disk.
struct Web {
    disk: SimulatedDisk,
    calls: Calls,
    name: ServiceName,
    stores: Stores,
}

impl Web {
    fn new(file: &str) -> Self {
        Self::granting(file, &[])
    }

    /// It may send requests to `outbound_hosts`.
    fn granting(file: &str, outbound_hosts: &[Grant]) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let component = std::fs::read(project.join("../target/wasm32-wasip2/release").join(file));
        let component = component.expect("`cargo xtask test` builds the guests first");
        let name = ServiceName::parse("web").unwrap();
        let runtime = Runtime::new(&RUNTIME, Tasks::default().outages()).unwrap();
        let code = runtime.compile_http(&component).unwrap();
        let disk = SimulatedDisk::new(1);
        let quotas = [(name.clone(), LIMITS.store_bytes_max)];
        let stores = Stores::open_on(&disk.as_disk(), &STORE, &quotas, None).unwrap();
        let outbound_hosts = outbound_hosts.to_vec();
        let settings = LinkSettings { service: name.clone(), environment: Vec::new(), outbound_hosts, limits: LIMITS };
        let tasks = Tasks::default();
        let program = LinkedComponent::Http(runtime.link_http(&code, settings, &tasks).unwrap());
        let release = LoadedRelease::new(Digest::of(&component), Arc::new(World::http()), program, &LIMITS, 0);
        let backend = Backend {
            service: Arc::new(Service::new(name.clone(), stores.service(&name).unwrap(), LIMITS)),
            release: Arc::new(release),
            generation: Generation::First,
        };
        let routing = Routing::new(&[backend], Vec::new(), &[]).unwrap();
        let calls = Calls::new(routing, 64, stores.clone(), tasks, REUSE, RETRIES, HostSecret::new([7; 32])).unwrap();
        Self { disk, calls, name, stores }
    }

    async fn serve<B>(&self, path: &str, body: B) -> Response<HttpBody>
    where
        B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        self.run(path, body, false).await.unwrap()
    }

    async fn run<B>(&self, path: &str, body: B, only_reads: bool) -> Result<Response<HttpBody>, CallError>
    where
        B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let request = Request::post(format!("http://shop.example/web{path}")).body(body).unwrap();
        let caller = HttpCaller { request: RequestId::from_bits(1), identity: None, only_reads };
        self.calls.serve(&self.name, request, caller, &self.calls.routing(), Origin::HOST).await
    }

    async fn act(&self, script: &str) -> Bytes {
        let response = self.serve(&format!("/act?{script}"), Empty::new()).await;
        response.into_body().collect().await.unwrap().to_bytes()
    }
}

/// What a node that does not lead answers; `None` if the leader has to.
async fn read(web: &Web, path: &str, body: &str) -> Option<Bytes> {
    match web.run(path, Full::from(body.to_owned()), true).await {
        Ok(response) => Some(response.into_body().collect().await.unwrap().to_bytes()),
        Err(CallError::OnlyReads { .. }) => None,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// That `future` still waits when other requests have come to their ends.
async fn waits<T>(web: &Web, mut future: std::pin::Pin<&mut impl Future<Output = T>>) {
    for _ in 0..10 {
        assert!(poll!(&mut future).is_pending(), "it did not wait for the disk");
        assert_eq!(web.act("get=untouched").await, "none");
    }
}

#[tokio::test]
async fn a_response_leaves_the_host_only_when_what_it_wrote_or_read_is_durable() {
    for file in ["web_0_2.wasm", "web_0_3.wasm"] {
        let web = Web::new(file);
        // The first write opens the journal's segment, which needs additional syncs.
        web.act("set=first:1").await;
        web.disk.hold_syncs();
        let mut writes = std::pin::pin!(web.act("set=a:1"));
        waits(&web, writes.as_mut()).await;
        let mut reads = std::pin::pin!(web.act("get=a"));
        waits(&web, reads.as_mut()).await;
        web.disk.let_syncs_go();
        assert_eq!((writes.await, reads.await), ("set".into(), "1".into()), "{file}");
    }
}

#[tokio::test]
async fn a_part_of_a_response_leaves_the_host_only_when_what_was_read_for_it_is_durable() {
    for file in ["web_0_2.wasm", "web_0_3.wasm"] {
        let web = Web::new(file);
        web.act("set=first:1").await;
        let (end, ends) = tokio::sync::oneshot::channel::<()>();
        let body = futures::stream::once(async move {
            ends.await.unwrap();
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"end")))
        });
        let mut late = web.serve("/act-late?get=a", StreamBody::new(body)).await.into_body();
        assert_eq!(late.frame().await.unwrap().unwrap().into_data().unwrap(), "begun ", "{file}");
        web.disk.hold_syncs();
        let mut writes = std::pin::pin!(web.act("set=a:1"));
        waits(&web, writes.as_mut()).await;
        end.send(()).unwrap();
        {
            let mut next = std::pin::pin!(late.frame());
            waits(&web, next.as_mut()).await;
            web.disk.let_syncs_go();
            assert_eq!(next.await.unwrap().unwrap().into_data().unwrap(), "1", "{file}");
        }
        assert_eq!(writes.await, "set", "{file}");
    }
}

#[tokio::test]
async fn a_run_that_only_reads_ends_at_its_first_write_or_request_before_its_response_and_nothing_has_happened() {
    for file in ["web_0_2.wasm", "web_0_3.wasm"] {
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = other.local_addr().unwrap().to_string();
        let web = Web::granting(file, &[Grant::parse(&address).unwrap()]);
        web.act("set=a:1;set=n:1").await;
        let before = web.stores.last();
        assert_eq!(read(&web, "/act?get=a;service-get=a", "").await.unwrap(), "1,1", "{file}");
        for writes in ["get=a;set=a:2", "add=n", "service-set=a:2", "add=n;set=a:2;get=a"] {
            assert_eq!(read(&web, &format!("/act?{writes}"), "").await, None, "{file}: {writes}");
        }
        // A request that a guest makes goes nowhere, also if the guest goes on without its answer.
        assert_eq!(read(&web, "/fetch", &address).await, None, "{file}");
        assert!(poll!(std::pin::pin!(other.accept())).is_pending(), "{file}: a request left the host");
        // A host that is not granted gets none from anywhere.
        let denied = read(&web, "/fetch", "127.0.0.1:1").await.unwrap();
        assert!(String::from_utf8_lossy(&denied).contains("HttpRequestDenied"), "{file}: {denied:?}");
        // After the response has begun, a write is refused on every node.
        let late = read(&web, "/act-late?get=a;set=a:2;get=a", "").await.unwrap();
        assert!(
            late.starts_with(b"begun 1,error: the response has begun") && late.ends_with(b",1"),
            "{file}: {late:?}"
        );
        assert_eq!(web.stores.last(), before, "{file}");
        let routing = web.calls.routing();
        let service = &routing.live().backend(&web.name).unwrap().service;
        // Those that go to the leader are counted there.
        let figures = service.figures();
        assert!(figures.calls <= 4 && figures.errors.unavailable == 0, "{file}: {figures:?}");
        // Where everything is allowed, the same requests do it once.
        assert_eq!(web.act("get=a;set=a:2;add=n").await, "1,set,2", "{file}");
    }
}
