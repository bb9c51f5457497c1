//! Requests to a mounted service on a slow disk: nothing that is not durable leaves the host.

use std::convert::Infallible;

use bytes::Bytes;
use futures::poll;
use http_body_util::{BodyExt as _, Empty, StreamBody};
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
    _stores: Stores,
}

impl Web {
    fn new(file: &str) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let component = std::fs::read(project.join("../target/wasm32-wasip2/release").join(file));
        let component = component.expect("`cargo xtask test` builds the guests first");
        let name = ServiceName::parse("web").unwrap();
        let runtime = Runtime::new(&RUNTIME, Tasks::default().outages()).unwrap();
        let code = runtime.compile_http(&component).unwrap();
        let disk = SimulatedDisk::new(1);
        let quotas = [(name.clone(), LIMITS.store_bytes_max)];
        let stores = Stores::open_on(&disk.as_disk(), &STORE, &quotas, None).unwrap();
        let settings =
            LinkSettings { service: name.clone(), environment: Vec::new(), outbound_hosts: Vec::new(), limits: LIMITS };
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
        Self { disk, calls, name, _stores: stores }
    }

    async fn serve<B>(&self, path: &str, body: B) -> Response<HttpBody>
    where
        B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let request = Request::post(format!("http://shop.example/web{path}")).body(body).unwrap();
        let caller = HttpCaller { request: RequestId::from_bits(1), identity: None };
        self.calls.serve(&self.name, request, caller, &self.calls.routing(), Origin::HOST).await.unwrap()
    }

    async fn act(&self, script: &str) -> Bytes {
        let response = self.serve(&format!("/act?{script}"), Empty::new()).await;
        response.into_body().collect().await.unwrap().to_bytes()
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
