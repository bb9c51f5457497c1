//! The access log: the contents of its one line, and what it never contains.

use std::io;
use std::sync::{Arc, Mutex};

use super::rig::Rig;

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

#[tokio::test]
async fn a_request_is_one_line_without_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _installed = tracing::subscriber::set_default(subscriber);
    let rig = Rig::start(|_| {}).await;
    // A test on another thread may have reached the log's line first, and found no subscriber.
    rig.ask("GET /nowhere", "", b"").await;
    tracing::callsite::rebuild_interest_cache();
    lines.0.lock().expect("no test panics with it").clear();
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let secrets = "Authorization: Bearer secret-token\r\nIdempotency-Key: secret-key\r\nCookie: secret-cookie\r\n";
    rig.ask("GET /notes/secret-id?verbose=secret-value", &format!("{secrets}{trace}"), b"").await;
    let log = String::from_utf8(lines.0.lock().expect("no test panics with it").clone()).expect("text");
    let access: Vec<_> = log.lines().filter(|line| line.contains("switchyard::access")).collect();
    let [line] = access.as_slice() else { panic!("one line for the request: {log}") };
    for part in ["GET", "/notes/{id}", "status=401", "r-1", "127.0.0.1", "4bf92f3577b34da6a3ce929d0e0e4736", "micros="]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
    let own: Vec<_> = log.lines().filter(|line| line.contains("switchyard")).collect();
    assert!(own.iter().all(|line| !line.contains("secret")), "{own:?}");
}
