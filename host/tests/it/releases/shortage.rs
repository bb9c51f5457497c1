//! Shortages of the machine while a component runs: they are no failures of the component.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Setup;
use super::components::web;
use super::process::Process;
use crate::guest::component;

const KEYS: &str = "limits.circuit_failures = 2\nlimits.circuit_clients = 1\nlimits.circuit_open_ms = 60_000";

/// More calls than it takes to open a circuit.
const CALLS: u64 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_for_which_no_descriptor_is_left_is_unavailable_and_opens_no_circuit() {
    let authority = says_hi().await;
    let granted = format!("outbound_hosts = [\"{authority}\"]\n");
    for version in ["0.2", "0.3"] {
        let setup = Setup::new(KEYS).mounted(&web(version, "1"), &granted);
        let setup = setup.service("fetcher", "test:fetches/fetcher@1.0.0", &component("fetches.wasm")).with(&granted);
        setup.write_manifest();
        let process = Process::start(setup.folder.path()).await;
        let contract = async || process.public.get(&format!("/fetch?authority={authority}!")).await;
        let mounted = async || process.public.post("/web/fetch-or-fail", authority.clone()).await;
        let hi = async || {
            let said = contract().await.expect(200);
            assert!(said == "200 hi" && mounted().await.expect(200) == "200 hi", "{version}: {said}");
        };
        hi().await;
        // Connections that are open stay.
        let mut open = TcpStream::connect(process.public.address()).await.unwrap();
        let get = format!("GET /fetch?authority={authority}! HTTP/1.1\r\nhost: shop\r\n\r\n");
        let length = authority.len();
        let post =
            format!("POST /web/fetch-or-fail HTTP/1.1\r\nhost: shop\r\ncontent-length: {length}\r\n\r\n{authority}");
        assert_eq!((status(&mut open, &get).await, status(&mut open, &post).await), (200, 200), "{version}");
        let files = process.limit_files(Some(0));
        for _ in 0..CALLS {
            assert_eq!((status(&mut open, &get).await, status(&mut open, &post).await), (503, 503), "{version}");
        }
        process.limit_files(files);
        hi().await;
        for service in process.services().await.as_array().unwrap() {
            let errors = &service["figures"]["errors"];
            assert_eq!((&errors["trap"], &errors["unavailable"]), (&json!(0), &json!(CALLS)), "{version}: {service:#}");
            assert_eq!(service["live"]["circuitOpen"], false, "{version}");
        }
        process.kill().await;
    }
}

/// Sends a request on a connection, and reads the response to its end: its status.
pub(super) async fn status(connection: &mut TcpStream, request: &str) -> u16 {
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0, "the connection ends");
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let is_whole = match length {
            Some(length) => body.len() >= length.parse().unwrap(),
            None => body.ends_with("0\r\n\r\n"),
        };
        if is_whole {
            return head["http/1.1 ".len()..][..3].parse().unwrap();
        }
    }
}

/// The authority of a server that says hi, and then closes its connection.
async fn says_hi() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    crate::calls::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _request = connection.read(&mut [0; 1024]).await.unwrap();
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        }
    });
    authority
}
