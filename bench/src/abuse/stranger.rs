//! A stranger's connections: from a separate address, and without regard for others.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// The address of a single stranger. Every address of 127.0.0.0/8 belongs to this machine.
pub(super) const ONE: Ipv4Addr = Ipv4Addr::new(127, 66, 0, 1);

/// The address of one of many strangers.
pub(super) fn of_many(number: usize) -> Ipv4Addr {
    let [high, low] = u16::try_from(number % 60_000).unwrap_or(0).to_be_bytes();
    Ipv4Addr::new(127, 77, high, low.max(1))
}

pub(super) async fn connect(from: Ipv4Addr, to: SocketAddr) -> anyhow::Result<TcpStream> {
    ensure!(to.ip().is_loopback(), "abuse goes to this machine only, not to {to}");
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(to).await.with_context(|| format!("connecting from {from} to {to}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends one request on a new connection and reads until the end; returns the status, or `None` if the connection was
/// closed or nothing came within `time`.
pub(super) async fn ask_once(from: Ipv4Addr, to: SocketAddr, request: &[u8], time: Duration) -> Option<u16> {
    let answer = async {
        let mut stream = connect(from, to).await.ok()?;
        stream.write_all(request).await.ok()?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.ok()?;
        std::str::from_utf8(head.get(9..)?).ok()?.parse().ok()
    };
    tokio::time::timeout(time, answer).await.ok().flatten()
}

/// Opens an HTTP/2 connection whose window is 0, and requests `path` on the maximum of streams.
pub(super) async fn unread_streams(to: SocketAddr, path: &str, streams: u32) -> anyhow::Result<TcpStream> {
    let mut stream = connect(ONE, to).await?;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2) is 0.
    frame(&mut bytes, 4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    // RFC 7541: `:method` GET, `:scheme` http, and two literals without an index: `:path` and `:authority`.
    let mut head = vec![0x82, 0x86, 0x04, u8::try_from(path.len())?];
    head.extend_from_slice(path.as_bytes());
    head.extend_from_slice(b"\x01\x09localhost");
    for number in 0..streams {
        // END_STREAM and END_HEADERS.
        frame(&mut bytes, 1, 0x5, number * 2 + 1, &head);
    }
    stream.write_all(&bytes).await?;
    Ok(stream)
}

fn frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    bytes.extend_from_slice(&length[1..]);
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
}
