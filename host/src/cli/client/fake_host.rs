//! A host for tests: it gives prepared answers, one connection each, and records the requests.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write};
use std::net::{TcpListener, TcpStream};

use clap::Parser as _;
use serde_json::Value;
use tokio::sync::oneshot;

use super::target::Target;
use crate::admin::API_HEADER;
use crate::cli::arguments::{Arguments, Command};
use crate::config::AdminToken;

/// A request that the host received.
#[derive(Debug)]
pub(in crate::cli) struct Seen {
    /// Method and path with query.
    pub(in crate::cli) line: String,
    head: String,
    pub(in crate::cli) body: Vec<u8>,
}

impl Seen {
    pub(in crate::cli) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub(in crate::cli) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(in crate::cli) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// The method and path of each request.
pub(in crate::cli) fn lines(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.line.as_str()).collect()
}

#[derive(Debug, Default)]
pub(in crate::cli) struct FakeHost {
    answers: VecDeque<String>,
}

impl FakeHost {
    pub(in crate::cli) fn new() -> Self {
        Self::default()
    }

    pub(in crate::cli) fn answer(self, status: u16, body: impl ToString) -> Self {
        let body = body.to_string();
        self.raw(&format!(
            "HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n{API_HEADER}: operator\r\n\r\n{body}",
            body.len()
        ))
    }

    pub(in crate::cli) fn raw(mut self, answer: &str) -> Self {
        self.answers.push_back(answer.into());
        self
    }

    /// Runs `client` against the host, and returns the requests. Connections beyond the prepared answers are refused.
    pub(in crate::cli) fn run<T>(self, client: impl FnOnce(&Target) -> T) -> (T, Vec<Seen>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::scope(|scope| {
            let host = scope.spawn(|| self.serve(listener));
            let done = client(&target(&address.to_string()));
            // An empty connection ends a host that still waits for a request.
            drop(TcpStream::connect(address));
            (done, host.join().expect("the host"))
        })
    }

    fn serve(self, listener: TcpListener) -> Vec<Seen> {
        let mut all = Vec::new();
        for answer in self.answers {
            let (mut connection, _) = listener.accept().expect("a connection");
            let Some(seen) = seen(&mut connection) else { break };
            all.push(seen);
            connection.write_all(answer.as_bytes()).expect("the client listens");
        }
        all
    }
}

fn seen(connection: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).expect("text");
    let (line, rest) = head.split_once(" HTTP/1.1\r\n").expect("a request line");
    let mut seen = Seen { line: line.into(), head: rest.into(), body: Vec::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    seen.body.resize(length, 0);
    connection.read_exact(&mut seen.body).expect("the body");
    Some(seen)
}

fn target(address: &str) -> Target {
    Target { url: format!("http://{address}"), token: AdminToken::from_bits([0xab; 32]), trust: None }
}

/// The address of a host that does not run.
pub(in crate::cli) fn closed() -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    target(&listener.local_addr().expect("an address").to_string())
}

/// An output that accepts this many writes, then is closed. Reports the first write.
#[derive(Debug, Default)]
pub(in crate::cli) struct Pipe {
    pub(in crate::cli) left: usize,
    pub(in crate::cli) taken: String,
    pub(in crate::cli) first: Option<oneshot::Sender<()>>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Some(left) = self.left.checked_sub(1) else { return Err(ErrorKind::BrokenPipe.into()) };
        self.left = left;
        if let Some(first) = self.first.take() {
            first.send(()).expect("somebody waits for it");
        }
        self.taken.push_str(std::str::from_utf8(bytes).expect("text"));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Parses `line` as a command.
pub(in crate::cli) fn parsed(line: &str) -> Command {
    Arguments::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}")).command
}
