//! The access log: the contents of its one line, and what it never contains.

use std::io;
use std::sync::{Arc, Mutex};

use super::rig::Rig;
use crate::config::ClientAddressFrom;

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The access log of one request to `rig`, after it was asked once.
async fn logged(rig: &Rig, lines: &Lines, line: &str, headers: &str) -> (String, String) {
    // A test on another thread may have reached the log's line first, and found no subscriber.
    rig.ask("GET /nowhere", "", b"").await;
    tracing::callsite::rebuild_interest_cache();
    lines.0.lock().expect("no test panics with it").clear();
    rig.ask(line, headers, b"").await;
    let log = String::from_utf8(lines.0.lock().expect("no test panics with it").clone()).expect("text");
    let access: Vec<_> = log.lines().filter(|line| line.contains("switchyard::access")).collect();
    let [line] = access.as_slice() else { panic!("one line for the request: {log}") };
    let line = (*line).to_owned();
    (line, log)
}

/// Keeps what this thread logs while the guard lives.
fn capture() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn a_request_is_one_line_without_secrets() {
    let (lines, _installed) = capture();
    let rig = Rig::start(|_| {}).await;
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let secrets = "Authorization: Bearer secret-token\r\nIdempotency-Key: secret-key\r\nCookie: secret-cookie\r\n";
    let get = "GET /notes/secret-id?verbose=secret-value";
    let (line, log) = logged(&rig, &lines, get, &format!("{secrets}{trace}")).await;
    for part in ["GET", "/notes/{id}", "status=401", "r-1", "127.0.0.1", "4bf92f3577b34da6a3ce929d0e0e4736", "micros="]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
    let own: Vec<_> = log.lines().filter(|line| line.contains("switchyard")).collect();
    assert!(own.iter().all(|line| !line.contains("secret")), "{own:?}");
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_client_of_a_line_is_the_one_that_the_proxy_names() {
    let (lines, _installed) = capture();
    let check = async |trusted: &[&str], from: ClientAddressFrom, headers: &str, client: &str| {
        let rig = Rig::start(|settings| {
            settings.trusted_proxies = trusted.iter().map(|network| network.parse().expect("a network")).collect();
            settings.client_address_from = from;
        })
        .await;
        let (line, _) = logged(&rig, &lines, "GET /notes/a", headers).await;
        assert!(line.contains(&format!("client={client} ")), "{headers}: {line}");
    };
    let (x_forwarded_for, forwarded) = (ClientAddressFrom::XForwardedFor, ClientAddressFrom::Forwarded);
    let here = ["127.0.0.0/8"];
    check(&here, x_forwarded_for, "X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n", "203.0.113.7").await;
    check(&here, forwarded, "Forwarded: for=\"[2001:db8::7]:4711\";proto=https\r\n", "2001:db8::7").await;
    check(&[], x_forwarded_for, "X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.1").await;
}
