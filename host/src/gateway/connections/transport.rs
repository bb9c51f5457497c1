//! The bytes of one connection, plain or through TLS; records its activity.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use hyper::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::activity::Activity;
use super::unreadable_head;

/// The start of an HTTP/2 connection; no HTTP/1.1 request starts like this.
const HTTP2_PREFACE: &[u8] = b"PRI ";

#[derive(Debug)]
pub(in crate::gateway) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Builds the host's answer to a head for which the HTTP library would send only a status.
type OnUnreadableHead = Box<dyn Fn(StatusCode) -> Vec<u8> + Send>;

/// A wire that reports its reads and writes to the connection's watch.
pub(in crate::gateway) struct Transport {
    wire: Wire,
    activity: Arc<Activity>,
    /// Bytes of the HTTP/2 preface seen so far; `None` once the protocol is known.
    preface: Option<usize>,
    on_unreadable_head: OnUnreadableHead,
    /// The rest of the host's answer to an unreadable head. It is the last answer on the connection.
    last: Option<Bytes>,
}

impl Transport {
    pub(in crate::gateway) fn new(wire: Wire, activity: Arc<Activity>, on_unreadable_head: OnUnreadableHead) -> Self {
        Self { wire, activity, preface: Some(0), on_unreadable_head, last: None }
    }

    /// If `bytes` are the library's answer to an unreadable head, drops them and sends the host's own answer instead.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        let status = if self.activity.waits_for_head() { unreadable_head::status(bytes) } else { None };
        if let Some(status) = status {
            self.last = Some((self.on_unreadable_head)(status).into());
        }
        status.is_some()
    }

    /// Sends the rest of the host's own last answer.
    fn poll_last(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(last) = self.last.as_mut().filter(|last| !last.is_empty()) {
            let written = match &mut self.wire {
                Wire::Plain(stream) => ready!(Pin::new(stream).poll_write(context, last))?,
                Wire::Tls(stream) => ready!(Pin::new(stream).poll_write(context, last))?,
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            last.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    fn saw(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let Some(seen) = self.preface {
            let rest = HTTP2_PREFACE.get(seen..).unwrap_or_default();
            let compared = rest.len().min(bytes.len());
            self.preface = match (bytes.get(..compared) == rest.get(..compared), compared == rest.len()) {
                (true, true) => {
                    self.activity.speaks_http2();
                    None
                }
                (true, false) => Some(seen + compared),
                (false, _) => None,
            };
        }
        self.activity.read();
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        this.saw(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.last.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if this.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let polled = match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        this.wrote(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.last.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if let Some(only) = only(pieces).filter(|only| this.replaces(only)) {
            return Poll::Ready(Ok(only.len()));
        }
        let polled = match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Wire::Tls(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
        };
        this.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_last(context))?;
        match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(context),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_last(context))?;
        match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Transport {
    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = polled {
            self.activity.wrote(bytes);
        }
        polled
    }
}

/// The only non-empty piece, if there is exactly one.
fn only<'p>(pieces: &'p [io::IoSlice<'_>]) -> Option<&'p [u8]> {
    let mut full = pieces.iter().filter(|piece| !piece.is_empty());
    full.next().filter(|_| full.next().is_none()).map(|piece| &**piece)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("wire", &self.wire).finish_non_exhaustive()
    }
}
