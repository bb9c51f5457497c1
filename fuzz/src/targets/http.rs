//! Any bytes, sent to the public side of a host: it answers in HTTP or closes the connection, and continues to serve.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use switchyard::config::{Flags, load};
use switchyard::platform::{self, Host};

use super::workspace;
use crate::run::Target;

/// The number of inputs between good requests.
const LOOK_EVERY: u64 = 100;

/// The longest wait for the end of an exchange: longer than a call may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The problem after a trap of the guest, which traps on invalid scripts: this is not a fault of the host.
const GUEST_FAILED: &str = "The service failed; nothing was changed.";

const MANIFEST: &str = r#"
[host]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
log_filter = "off"

[gateway]
header_read_ms_max = 50
body_read_ms_max = 50
idle_ms_max = 50
requests_per_second_per_client = 10_000_000
request_burst_per_client = 10_000_000
access_log = false

[services.front]
contract = "test:calls/front-service@1.0.0"
component = "callers.wasm"

[services.back]
contract = "test:calls/back-service@1.0.0"
component = "callers.wasm"
"#;

pub(crate) struct Http {
    _runtime: tokio::runtime::Runtime,
    _host: Host,
    _folder: tempfile::TempDir,
    address: SocketAddr,
    inputs: u64,
}

impl Http {
    pub(crate) fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let root = workspace();
        let path = folder.path().join("switchyard.toml");
        let wit = root.join("host/tests/wit").canonicalize()?;
        let guests = root.join("target/wasm32-wasip2/release").canonicalize()?;
        let manifest = MANIFEST.replace("[host]", &format!("[host]\nwit = {wit:?}"));
        std::fs::write(&path, manifest.replace("\"callers.wasm\"", &format!("{:?}", guests.join("callers.wasm"))))?;
        let configuration = load(&path, &[], Flags::default())?;
        let runtime = tokio::runtime::Runtime::new()?;
        // Runs on a thread of the runtime, because a start blocks its thread.
        let host = runtime
            .block_on(async { tokio::spawn(async move { platform::start(&configuration, &|_| {}).await }).await })??;
        let address = host.gateway_address();
        Ok(Self { _runtime: runtime, _host: host, _folder: folder, address, inputs: 0 })
    }

    fn exchange(&self, input: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        // The host may close before it has read everything; its answer still counts. It treats a client that ends its
        // side as gone, so the input is left open, and the host's own limits end it.
        let _closed = stream.write_all(input);
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => Err(error),
            _ => Ok(answer),
        }
    }
}

impl Target for Http {
    fn corpus(&self) -> Vec<Vec<u8>> {
        let texts = [
            "GET /front?script=say%201 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "POST /front HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"script\":\"say 1\"}",
            "POST /front HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n12\r\n{\"script\":\"say 1\"}\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html;q=0.5, */*;q=0.1\r\nAccept-Encoding: gzip, br;q=0\r\nRange: bytes=0-1,5-\r\nIf-None-Match: W/\"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
            "OPTIONS /front HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nAccess-Control-Request-Method: POST\r\nIdempotency-Key: \"k\"\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
            "GET http://a:80/front?script=%25%00 HTTP/1.0\r\nX-Request-Id: 1\r\nAuthorization: Bearer x\r\n\r\nGET /openapi.json HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x05\x01\x05\0\0\0\x01\x02\x04\x06\x07\x01",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b": ",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Host: \r\n",
            b"Transfer-Encoding: gzip, chunked\r\n",
            b"Expect: 100-continue\r\n",
            b"Upgrade: h2c\r\n",
            b"CONNECT a:1 HTTP/1.1",
            b"Range: bytes=",
            b"%00",
            b"%",
            b"%2F..",
            b"?",
            b"&",
            b"ffffffffffffffff\r\n",
            b"\0\0\xff\x01\x25\0\0\0\x01",
            b"Idempotency-Key: ",
            b"Forwarded: for=1.2.3.4\r\n",
            b"X-Forwarded-For: ::1\r\n",
            b"Content-Encoding: gzip\r\n",
        ]
    }

    fn run(&mut self, input: &[u8]) -> String {
        self.inputs += 1;
        if self.inputs.is_multiple_of(LOOK_EVERY) {
            let good = b"GET /front?script=say%20fine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let answer = self.exchange(good).expect("the host answers a good request");
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        }
        let answer = self.exchange(input).expect("the host answers, or closes the connection");
        let is_http = answer.is_empty() || answer.starts_with(b"HTTP/1.") || input.starts_with(b"PRI * HTTP/2.0");
        assert!(is_http, "no HTTP: {}", String::from_utf8_lossy(&answer));
        let status = String::from_utf8_lossy(answer.get(..12).unwrap_or_default()).into_owned();
        let text = String::from_utf8_lossy(&answer);
        assert!(!status.ends_with("500") || text.contains(GUEST_FAILED), "{text}");
        status
    }
}
