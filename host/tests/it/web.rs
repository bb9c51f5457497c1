//! Raw `wasi:http` components of 0.2 and 0.3: each test runs both.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Body, Frame};
use hyper::{Request, Response};
use switchyard::call::{Backend, Calls, HttpCaller, LinkedComponent, LoadedRelease, Origin, Routing, Service};
use switchyard::config::{Grant, LimitSettings};
use switchyard::contract::World;
use switchyard::limits::OUTGOING_PER_CALL_MAX;
use switchyard::names::{CommitSeq, Digest, Generation, HostSecret, RequestId, ServiceName};
use switchyard::runtime::{Failure, HttpBody, HttpFrame, HttpProgram, LinkSettings, ResponseObserver, Runtime};
use switchyard::store::{Stores, Transaction};
use switchyard::tasks::Tasks;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::Sender;
use wasmtime::component::Val;

use crate::guest::{Guest, REUSE, component, limits, link_settings, now, runtime, store_settings};

const COMPONENTS: [&str; 2] = ["web_0_2.wasm", "web_0_3.wasm"];

struct Web(Arc<HttpProgram>);

/// Observes no response.
#[derive(Debug)]
struct Nobody;

impl ResponseObserver for Nobody {
    fn guest_failed(&self, _failure: &Failure) {}

    fn response_failed(&self) {}
}

/// A caller who has not signed in.
fn nobody() -> HttpCaller {
    HttpCaller { request: RequestId::from_bits(1), identity: None, only_reads: false }
}

impl Web {
    fn new(runtime: &Runtime, file: &str, outbound_hosts: Vec<Grant>) -> Self {
        let settings = LinkSettings {
            service: ServiceName::parse("web").unwrap(),
            environment: vec![("GREETING".into(), "hello".into())],
            outbound_hosts,
            limits: limits(),
        };
        let code = runtime.compile_http(&component(file)).unwrap();
        Self(runtime.link_http(&code, settings, &Tasks::default()).unwrap())
    }

    async fn ask<B>(&self, path: &str, body: B, deadline_ms: u64) -> Result<Response<HttpBody>, Failure>
    where
        B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
    {
        let request = Request::post(format!("http://shop.example/web{path}")).body(body).unwrap();
        let deadline = now() + Duration::from_millis(deadline_ms);
        let frame = HttpFrame {
            request: RequestId::from_bits(1),
            deadline,
            stream_deadline: deadline,
            instance: Arc::new(()),
            transaction: Transaction::scratch(),
            generation: Generation::First,
            identity: None,
            only_reads: false,
            seed: [7; 32],
            time_unix_micros: 1_700_000_000_000_000,
        };
        Ok(self.0.handle(request, frame, Arc::new(Nobody)).await?.stream(CommitSeq(0)))
    }

    async fn say(&self, path: &str, body: &str) -> Result<String, Failure> {
        let response = self.ask(path, Full::from(body.to_owned()), 2_000).await?;
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Ok(String::from_utf8(bytes.into()).unwrap())
    }
}

#[tokio::test]
async fn a_component_answers_and_has_its_environment() {
    let runtime = runtime(1);
    for file in COMPONENTS {
        assert_eq!(Web::new(&runtime, file, Vec::new()).say("/greeting", "").await.unwrap(), "hello", "{file}");
    }
}

/// The second piece is sent when the first has come back: nobody gathers a whole body.
#[tokio::test]
async fn bodies_stream_both_ways() {
    let runtime = runtime(1);
    for file in COMPONENTS {
        let web = Web::new(&runtime, file, Vec::new());
        let (send, body) = pieces();
        send.send("one").await.unwrap();
        let mut echo = web.ask("/echo", body, 2_000).await.unwrap().into_body();
        for next in [Some("two"), Some("three"), None] {
            let piece = echo.frame().await.unwrap().unwrap().into_data().unwrap();
            match next {
                Some(next) => send.send(next).await.unwrap(),
                None => assert_eq!(piece, "three", "{file}"),
            }
        }
        drop(send);
        assert!(echo.frame().await.is_none(), "{file}");
    }
}

#[tokio::test]
async fn a_component_that_fails_before_its_response_is_a_failure() {
    let runtime = runtime(1);
    for file in COMPONENTS {
        let web = Web::new(&runtime, file, Vec::new());
        let end = web.say("/panic", "").await;
        assert!(
            matches!(&end, Err(Failure::Trap { log_tail, .. }) if log_tail.contains("no answer")),
            "{file}: {end:?}"
        );
        let end = web.say("/silence", "").await;
        assert!(matches!(end, Err(Failure::Trap { .. })), "{file}: {end:?}");
        let end = web.ask("/spin", Full::<Bytes>::default(), 50).await;
        assert!(matches!(end, Err(Failure::Deadline)), "{file}");
        assert_eq!(web.say("/greeting", "").await.unwrap(), "hello", "{file}: the slot is free again");
    }
}

#[tokio::test]
async fn a_response_that_breaks_off_does_not_look_whole() {
    let runtime = runtime(1);
    for file in COMPONENTS {
        let web = Web::new(&runtime, file, Vec::new());
        let response = web.ask("/break-off", Full::<Bytes>::default(), 2_000).await.unwrap();
        let mut body = response.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "begun", "{file}");
        assert!(body.frame().await.unwrap().is_err(), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_nobody_waits_for_any_more_gives_its_slot_back() {
    let runtime = runtime(1);
    for file in COMPONENTS {
        let web = Web::new(&runtime, file, Vec::new());
        for _ in 0..30 {
            // A guest goes on for a moment when its response is there: its slot may not be free yet.
            while web.ask("/spin", Full::<Bytes>::default(), 60_000).or_gives_up().await.is_some() {}
            while web.say("/greeting", "").await.is_err() {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn code_that_was_swapped_away_is_unloaded_when_its_last_request_ends() {
    let runtime = runtime(1);
    let data = tempfile::tempdir().unwrap();
    let name = ServiceName::parse("web").unwrap();
    let stores = Stores::open(data.path(), &store_settings(), &[(name.clone(), 0)]).unwrap();
    let service = Arc::new(Service::new(name.clone(), stores.service(&name).unwrap(), limits()));
    for file in COMPONENTS {
        let Web(program) = Web::new(&runtime, file, Vec::new());
        let code = Arc::downgrade(&program);
        let program = LinkedComponent::Http(program);
        let release = LoadedRelease::new(Digest::of(file.as_bytes()), Arc::new(World::http()), program, &limits(), 0);
        let member =
            Backend { service: Arc::clone(&service), release: Arc::new(release), generation: Generation::First };
        let routing = Routing::new(&[member], Vec::new(), &[]).unwrap();
        let (send, body) = pieces();
        send.send("one").await.unwrap();
        let request = Request::post("http://shop.example/web/echo").body(body).unwrap();
        let calls = calls(&stores, 1);
        let answer = calls.serve(&name, request, nobody(), &routing, Origin::HOST).await.unwrap();
        // A swap lets go of what requests began on.
        drop(routing);
        assert!(code.strong_count() > 0, "{file}: a request is under way on it");
        drop(send);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "one", "{file}");
        // The guest goes on for a moment when its answer is there.
        while code.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Otherwise clients that read slowly could hold the instances of all mounted services.
#[tokio::test]
async fn a_request_holds_its_slot_until_the_last_byte_of_its_response() {
    let data = tempfile::tempdir().unwrap();
    let name = ServiceName::parse("web").unwrap();
    let stores = Stores::open(data.path(), &store_settings(), &[(name.clone(), 0)]).unwrap();
    let limits = LimitSettings { calls_in_flight_max: 1, calls_waiting_max: 0, deadline_ms: 60_000, ..limits() };
    let service = Arc::new(Service::new(name.clone(), stores.service(&name).unwrap(), limits.clone()));
    for file in COMPONENTS {
        let Web(program) = Web::new(&runtime(4), file, Vec::new());
        let program = LinkedComponent::Http(program);
        let release = LoadedRelease::new(Digest::of(file.as_bytes()), Arc::new(World::http()), program, &limits, 0);
        let backend =
            Backend { service: Arc::clone(&service), release: Arc::new(release), generation: Generation::First };
        let routing = Routing::new(&[backend], Vec::new(), &[]).unwrap();
        let calls = calls(&stores, 4);
        let serve = |body| {
            let request = Request::post("http://shop.example/web/echo").body(body).unwrap();
            calls.serve(&name, request, nobody(), &routing, Origin::HOST)
        };
        let (send, body) = pieces();
        send.send("one").await.unwrap();
        let slow = serve(body).await.unwrap();
        assert!(serve(pieces().1).await.is_err(), "{file}: the response has begun, and has not ended");
        drop(send);
        assert_eq!(slow.into_body().collect().await.unwrap().to_bytes(), "one", "{file}");
        // The guest goes on for a moment when its response has ended.
        while service.figures().in_flight > 0 {
            tokio::task::yield_now().await;
        }
        assert!(serve(pieces().1).await.is_ok(), "{file}: the slot is free again");
        while service.figures().in_flight > 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// As many services may have more calls in flight together than the host has instances.
#[tokio::test]
async fn a_request_waits_for_an_instance_until_one_is_free_or_its_time_is_over() {
    let data = tempfile::tempdir().unwrap();
    let name = ServiceName::parse("web").unwrap();
    let stores = Stores::open(data.path(), &store_settings(), &[(name.clone(), 0)]).unwrap();
    for file in COMPONENTS {
        for wait_ms_max in [1, 60_000] {
            let limits = LimitSettings { calls_in_flight_max: 4, wait_ms_max, deadline_ms: 60_000, ..limits() };
            let service = Arc::new(Service::new(name.clone(), stores.service(&name).unwrap(), limits.clone()));
            let Web(program) = Web::new(&runtime(1), file, Vec::new());
            let program = LinkedComponent::Http(program);
            let release = LoadedRelease::new(Digest::of(file.as_bytes()), Arc::new(World::http()), program, &limits, 0);
            let backend = Backend { service, release: Arc::new(release), generation: Generation::First };
            let routing = Routing::new(&[backend], Vec::new(), &[]).unwrap();
            let calls = calls(&stores, 1);
            let serve = |body| {
                let request = Request::post("http://shop.example/web/echo").body(body).unwrap();
                calls.serve(&name, request, nobody(), &routing, Origin::HOST)
            };
            let (send, body) = pieces();
            send.send("one").await.unwrap();
            let first = serve(body).await.unwrap();
            if wait_ms_max == 1 {
                let error = serve(pieces().1).await.unwrap_err();
                assert!(error.to_string().contains("no instance is free"), "{file}: {error}");
                continue;
            }
            let mut second = std::pin::pin!(serve(pieces().1));
            assert!(futures::poll!(&mut second).is_pending(), "{file}: the only instance is in use");
            drop(send);
            assert_eq!(first.into_body().collect().await.unwrap().to_bytes(), "one", "{file}");
            assert!(second.await.is_ok(), "{file}: the first has ended");
        }
    }
}

/// A data plane whose components that speak HTTP have so many instances.
fn calls(stores: &Stores, instances: u32) -> Calls {
    let none = Routing::new(&[], Vec::new(), &[]).unwrap();
    let (retries, secret) = (crate::calls::RETRIES, HostSecret::new([1; 32]));
    Calls::new(none, instances, stores.clone(), Tasks::default(), REUSE, retries, secret).unwrap()
}

/// A body whose pieces are sent one by one.
fn pieces() -> (Sender<&'static str>, impl Body<Data = Bytes, Error = Infallible> + Send + 'static) {
    let (send, mut pieces) = tokio::sync::mpsc::channel(1);
    let body = futures::stream::poll_fn(move |context| pieces.poll_recv(context));
    (send, StreamBody::new(futures::StreamExt::map(body, |piece: &str| Ok(Frame::data(Bytes::from(piece))))))
}

trait GivesUp: Future + Sized {
    /// What it resolves to within 2 ms; otherwise it is dropped.
    async fn or_gives_up(self) -> Option<Self::Output> {
        tokio::time::timeout(Duration::from_millis(2), self).await.ok()
    }
}

impl<T: Future> GivesUp for T {}

#[tokio::test]
async fn a_request_goes_out_only_to_a_host_that_was_granted() {
    let authority = says_hi().await;
    let runtime = runtime(1);
    for file in COMPONENTS {
        let granted = Web::new(&runtime, file, vec![Grant::parse(&authority).unwrap()]);
        assert_eq!(granted.say("/fetch", &authority).await.unwrap(), "200 hi", "{file}");
        let refused = Web::new(&runtime, file, vec![Grant::parse("example.com").unwrap()])
            .say("/fetch", &authority)
            .await
            .unwrap();
        assert!(refused.contains("HttpRequestDenied"), "{file}: {refused}");
    }
}

#[tokio::test]
async fn a_component_with_a_contract_reaches_out_only_where_it_was_granted_too() {
    let authority = says_hi().await;
    let runtime = runtime(1);
    for (granted, said) in [(&*authority, "200 hi"), ("example.com", "ErrorCode::HttpRequestDenied")] {
        let settings = LinkSettings { outbound_hosts: vec![Grant::parse(granted).unwrap()], ..link_settings(limits()) };
        let guest = Guest::of("fetches.wasm", "test:fetches/fetcher", settings, &runtime);
        let answer = guest.run("fetch", &[Val::String(authority.clone())]).await.unwrap();
        assert_eq!(answer, Some(Val::String(said.into())));
    }
}

#[tokio::test]
async fn a_call_has_only_so_many_connections_to_outside_hosts_open() {
    let authority = says_hi_to_all(OUTGOING_PER_CALL_MAX).await;
    let runtime = runtime(1);
    let settings = LinkSettings { outbound_hosts: vec![Grant::parse(&authority).unwrap()], ..link_settings(limits()) };
    let guest = Guest::of("fetches.wasm", "test:fetches/fetcher", settings, &runtime);
    for _call in 0..2 {
        let asked = format!("{}*{authority}", OUTGOING_PER_CALL_MAX + 2);
        let answer = guest.run("fetch", &[Val::String(asked)]).await.unwrap();
        let expected = format!("{OUTGOING_PER_CALL_MAX} x 200 hi, 2 x ErrorCode::ConnectionLimitReached");
        assert_eq!(answer, Some(Val::String(expected)), "connections of an earlier call do not count");
    }
}

/// The authority of a server that accepts `count` connections before it answers all of them, again and again.
async fn says_hi_to_all(count: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    Tasks::default().spawn("says hi to all", async move {
        while let Ok((first, _)) = listener.accept().await {
            let mut connections = vec![first];
            while connections.len() < count {
                connections.push(listener.accept().await.unwrap().0);
            }
            for mut connection in connections {
                let _read = connection.read(&mut vec![0; 1024]).await.unwrap();
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
            }
        }
    });
    authority
}

/// The authority of a server that answers one path.
async fn says_hi() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    Tasks::default().spawn("says hi", async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 1024];
            let read = connection.read(&mut request).await.unwrap();
            assert!(request.starts_with(b"GET /hello HTTP/1.1\r\n"), "{read} bytes");
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        }
    });
    authority
}
