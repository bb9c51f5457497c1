//! Connections: how long they may last, how many may be open, and how they end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::rig::{Answered, Rig, read_to_end};
use crate::clock;
use crate::config::ClientAddressFrom;

const GET: &[u8] = b"GET /notes/a HTTP/1.1\r\nHost: t\r\n\r\n";

#[tokio::test]
async fn a_client_that_dawdles_is_cut_off() {
    let rig = Rig::start(|settings| {
        settings.header_read_ms_max = 100;
        settings.body_read_ms_max = 200;
        settings.idle_ms_max = 400;
    })
    .await;
    let post = b"POST /notes HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{";
    let cases: &[(&str, &[u8], u64, usize)] = &[
        ("nothing is sent", b"", 400, 0),
        ("a head without end", b"GET /notes/a HT", 100, 0),
        ("a head that may be HTTP/2", b"PRI", 100, 0),
        ("a body without end", post, 200, 1),
        ("idle after a request", GET, 400, 1),
        ("the preface of HTTP/2 alone", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 0),
    ];
    for (what, bytes, at_least, answers) in cases {
        let began = clock::now();
        let got = rig.exchange(bytes).await;
        let took = clock::now().duration_since(began);
        assert!(took >= Duration::from_millis(*at_least), "{what}: cut off after {took:?}");
        assert_eq!(got.windows(9).filter(|nine| *nine == b"HTTP/1.1 ").count(), *answers, "{what}");
        if *what == "a body without end" {
            assert_eq!(Answered::parse(&got).status, 408);
        }
    }
}

#[tokio::test]
async fn a_head_sent_byte_by_byte_gains_no_time() {
    let rig = Rig::start(|settings| settings.header_read_ms_max = 200).await;
    let mut stream = rig.connect().await;
    let began = clock::now();
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let mut end = [0; 1];
    loop {
        tokio::select! {
            _ = tick.tick() => {
                if stream.write_all(b"G").await.is_err() { break }
            }
            read = stream.read(&mut end) => {
                assert!(matches!(read, Ok(0) | Err(_)), "there is nothing to answer");
                break;
            }
        }
    }
    let took = clock::now().duration_since(began);
    assert!((Duration::from_millis(200)..Duration::from_secs(5)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn there_is_a_limit_to_connections_in_all_and_of_one_client() {
    for (in_all, per_client, status) in [(2, 100, 503), (100, 2, 429)] {
        let rig = Rig::start(|settings| {
            settings.connections_max = in_all;
            settings.connections_per_client_max = per_client;
        })
        .await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = rig.connect().await;
            stream.write_all(GET).await.expect("it is taken");
            stream.read_exact(&mut [0; 16]).await.expect("it is answered");
            held.push(stream);
        }
        let refused = Answered::parse(&read_to_end(&mut rig.connect().await).await);
        assert_eq!(refused.status, status);
        assert_eq!(refused.header("retry-after"), Some("1"));
        let problem: serde_json::Value = serde_json::from_slice(&refused.body).expect("JSON");
        assert_eq!(problem["status"], status);
        drop(held.pop());
        rig.wait_for_room().await;
    }
}

#[tokio::test]
async fn http_2_is_spoken_with_prior_knowledge() {
    let rig = Rig::start(|_| {}).await;
    let io = TokioIo::new(rig.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    rig.tasks.spawn("client", async move { drop(connection.await) });
    let request = |method: &str, path: &str| Request::builder().method(method).uri(format!("http://t{path}"));
    let get = request("GET", "/notes/n-1").body(Full::<Bytes>::default()).expect("a request");
    let answered = sender.send_request(get).await.expect("an answer");
    assert_eq!((answered.status(), answered.version()), (StatusCode::OK, Version::HTTP_2));
    let head = request("HEAD", "/notes/5000").body(Full::default()).expect("a request");
    let answered = sender.send_request(head).await.expect("an answer");
    assert_eq!(answered.headers()["content-length"], "5023");
    assert!(answered.into_body().collect().await.expect("an end").to_bytes().is_empty());
    let large = Full::from(Bytes::from(vec![b' '; 100_000]));
    let post = request("POST", "/notes").header("content-type", "application/json").body(large).expect("a request");
    assert_eq!(sender.send_request(post).await.expect("an answer").status(), StatusCode::PAYLOAD_TOO_LARGE);
    let large = request("GET", "/notes/n-1").header("x-large", "x".repeat(9_000)).body(Full::default());
    let answered = sender.send_request(large.expect("a request")).await.expect("an answer");
    assert_eq!(answered.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(answered.headers()["content-type"], "application/problem+json");
    let many = (0..50).map(|_| {
        let get = request("GET", "/notes/n-1").body(Full::default()).expect("a request");
        sender.clone().send_request(get)
    });
    for answered in futures::future::join_all(many.collect::<Vec<_>>()).await {
        assert_eq!(answered.expect("an answer").status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_drain_lets_requests_end_and_idle_connections_go() {
    let rig = Rig::start(|_| {}).await;
    let mut idle = rig.connect().await;
    idle.write_all(GET).await.expect("it is taken");
    idle.read_exact(&mut [0; 16]).await.expect("it is answered");
    let mut fresh = rig.connect().await;
    let mut busy = rig.connect().await;
    busy.write_all(b"GET /notes/wait HTTP/1.1\r\nHost: t\r\n\r\n").await.expect("it is taken");
    let io = TokioIo::new(rig.connect().await);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    rig.tasks.spawn("client", async move { drop(connection.await) });
    let wait = Request::builder().uri("http://t/notes/wait").body(Empty::<Bytes>::new()).expect("a request");
    let over_http2 = sender.send_request(wait);
    rig.callback.gate.entered.acquire_many(2).await.expect("it is open").forget();
    let tasks = rig.tasks.clone();
    let (drained, answers) = tokio::join!(tasks.shut_down(Duration::from_secs(20)), async {
        read_to_end(&mut idle).await;
        assert!(read_to_end(&mut fresh).await.is_empty());
        rig.callback.gate.leave.add_permits(2);
        (read_to_end(&mut busy).await, over_http2.await)
    });
    assert_eq!(drained, Ok(()));
    let (busy, over_http2) = answers;
    let busy = Answered::parse(&busy);
    assert_eq!((busy.status, busy.header("connection")), (200, Some("close")));
    assert_eq!(over_http2.expect("it was under way").status(), StatusCode::OK);
    assert!(TcpStream::connect(rig.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let rig = Rig::with(|_| {}, vec![], 100).await;
    let mut busy = rig.connect().await;
    busy.write_all(b"GET /notes/wait HTTP/1.1\r\nHost: t\r\n\r\n").await.expect("it is taken");
    rig.callback.gate.entered.acquire().await.expect("it is open").forget();
    assert_eq!(rig.tasks.shut_down(Duration::from_secs(20)).await, Ok(()));
    assert!(read_to_end(&mut busy).await.is_empty());
}

#[tokio::test]
async fn a_request_is_given_up_when_its_client_goes_away() {
    // With one slot, the next connection is served once the host sees that the last one is closed.
    let rig = Rig::start(|settings| settings.connections_max = 1).await;
    let mut stream = rig.connect().await;
    stream.write_all(b"GET /notes/wait HTTP/1.1\r\nHost: t\r\n\r\n").await.expect("it is taken");
    rig.callback.gate.entered.acquire().await.expect("it is open").forget();
    drop(stream);
    rig.wait_for_room().await;
    rig.callback.gate.leave.add_permits(1);
    assert_eq!(rig.tasks.shut_down(Duration::from_secs(20)).await, Ok(()));
    assert_eq!(rig.callback.gate.done.load(Ordering::SeqCst), 0);
}

/// A connection from another local address than the other tests use.
async fn connect_from(rig: &Rig, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{address}:0").parse().expect("an address")).expect("it is this machine's");
    socket.connect(rig.address).await.expect("it listens")
}

async fn status_of(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("it is taken");
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.expect("it is answered");
    String::from_utf8_lossy(&line).into_owned()
}

const LARGE: &str = "GET /notes/15000000 HTTP/1.1\r\nHost: t\r\n\r\n";
const SMALL: &str = "GET /notes/a HTTP/1.1\r\nHost: t\r\n\r\n";

#[tokio::test]
async fn a_client_that_reads_no_answers_gets_no_more_of_them_and_others_do() {
    for in_all in [false, true] {
        let rig = Rig::start(|settings| match in_all {
            false => settings.unread_bytes_per_client_max = 1 << 20,
            true => settings.unread_bytes_max = 1 << 20,
        })
        .await;
        let mut unread = rig.connect().await;
        assert_eq!(status_of(&mut unread, LARGE).await, "HTTP/1.1 200");
        for request in [LARGE, SMALL] {
            assert_eq!(status_of(&mut rig.connect().await, request).await, "HTTP/1.1 503", "all: {in_all}");
        }
        let mut other = connect_from(&rig, "127.0.0.2").await;
        assert_eq!(status_of(&mut other, SMALL).await, "HTTP/1.1 200", "all: {in_all}");
        drop(unread);
        while status_of(&mut rig.connect().await, SMALL).await != "HTTP/1.1 200" {}
    }
}

#[tokio::test]
async fn streams_of_one_connection_share_what_may_be_unread() {
    let rig = Rig::start(|settings| settings.unread_bytes_per_connection_max = 1 << 20).await;
    let io = TokioIo::new(rig.connect().await);
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake(io)
        .await
        .expect("HTTP/2");
    rig.tasks.spawn("client", async move { drop(connection.await) });
    let mut statuses = Vec::new();
    let mut answers = Vec::new();
    for path in ["/notes/800000", "/notes/800000", "/notes/100000", "/notes/800000"] {
        let get = Request::builder().uri(format!("http://t{path}")).body(Empty::<Bytes>::new()).expect("a request");
        let answered = sender.send_request(get).await.expect("an answer");
        statuses.push(answered.status().as_u16());
        answers.push(answered);
    }
    assert_eq!(statuses, [200, 503, 200, 503]);
    assert_eq!(status_of(&mut rig.connect().await, SMALL).await, "HTTP/1.1 200", "another connection of the client");
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_rate() {
    let network = "127.0.0.0/8".parse().expect("a network");
    for (trusted, expected) in [(vec![network], [200, 200, 429]), (vec![], [200, 429, 429])] {
        let rig = Rig::start(|settings| {
            settings.trusted_proxies = trusted;
            settings.requests_per_second_per_client = Some(1);
            settings.request_burst_per_client = Some(1);
        })
        .await;
        let mut statuses = Vec::new();
        for client in ["203.0.113.7", "198.51.100.1, 203.0.113.8", "203.0.113.8"] {
            let answered = rig.ask("GET /notes/a", &format!("X-Forwarded-For: {client}\r\n"), b"").await;
            statuses.push(answered.status);
        }
        assert_eq!(statuses, expected);
    }
}

#[tokio::test]
async fn the_proxy_protocol_comes_before_the_request() {
    let rig = Rig::start(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        settings.client_address_from = ClientAddressFrom::ProxyProtocol;
        settings.requests_per_second_per_client = Some(1);
        settings.request_burst_per_client = Some(1);
    })
    .await;
    let get = "GET /notes/a HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    let ask = async |client: &str| {
        let header = format!("PROXY TCP4 {client} 192.0.2.1 4711 443\r\n");
        Answered::parse(&rig.exchange(format!("{header}{get}").as_bytes()).await).status
    };
    assert_eq!((ask("203.0.113.7").await, ask("203.0.113.8").await, ask("203.0.113.8").await), (200, 200, 429));
    assert!(rig.exchange(get.as_bytes()).await.is_empty(), "a trusted proxy has to say who its client is");
    let mut direct = connect_from(&rig, "127.0.0.2").await;
    assert_eq!(status_of(&mut direct, get).await, "HTTP/1.1 200", "and nobody else may");
}
