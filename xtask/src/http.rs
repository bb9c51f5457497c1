//! A client for single requests to a host on this machine: HTTP/1.1, one connection each.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// How long an answer may take: longer than a call's deadline.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);

/// A host's public side, and the caller's token.
pub(crate) struct Client<'a> {
    /// `127.0.0.1:8080`.
    pub(crate) address: &'a str,
    pub(crate) token: Option<&'a str>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The body, which is JSON unless it is empty.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body)
            .with_context(|| format!("no JSON in the answer {}: {}", self.status, self.body))
    }
}

impl Client<'_> {
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send("GET", path, None, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send("POST", path, Some(body), "")
    }

    /// Sends a body with an idempotency key.
    pub(crate) fn write(&self, method: &str, path: &str, key: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(method, path, Some(body), &format!("Idempotency-Key: {key}\r\n"))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>, headers: &str) -> anyhow::Result<Answer> {
        let Self { address, token } = self;
        let body = body.map(Value::to_string).unwrap_or_default();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{token}{headers}\r\n{body}",
            body.len()
        );
        let mut connection = TcpStream::connect(address).with_context(|| format!("cannot reach {address}"))?;
        connection.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
        connection.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).with_context(|| format!("no whole answer to {method} {path}"))?;
        read(&answer)
    }
}

fn read(answer: &[u8]) -> anyhow::Result<Answer> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of its headers")?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let Some(status) = status else { bail!("no HTTP answer: {head}") };
    let chunked = lines.any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked"));
    let body = if chunked { join_chunks(body)? } else { body.to_owned() };
    Ok(Answer { status, body })
}

fn join_chunks(mut rest: &str) -> anyhow::Result<String> {
    let mut body = String::new();
    loop {
        let (length, after) = rest.split_once("\r\n").context("a chunk without its length")?;
        let length = usize::from_str_radix(length, 16).context("a chunk without its length")?;
        if length == 0 {
            return Ok(body);
        }
        let (chunk, after) = after.split_at_checked(length).context("a chunk that is cut off")?;
        body.push_str(chunk);
        rest = after.strip_prefix("\r\n").context("a chunk without its end")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_and_without_chunks() {
        let check = |answer: &str, expected: Option<(u16, &str)>| {
            let found = read(answer.as_bytes()).ok().map(|answer| (answer.status, answer.body));
            assert_eq!(found, expected.map(|(status, body)| (status, body.to_owned())), "{answer:?}");
        };
        check("HTTP/1.1 204 No Content\r\n\r\n", Some((204, "")));
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Some((200, "{}")));
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", Some((200, "{}")));
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", None);
        check("nonsense\r\n\r\n", None);
        check("", None);
    }
}
