//! A listener and its connections: accepted up to a limit, served by one handler, drained at shutdown.
//!
//! The public API and the operator API are both such servers, each with its own handler.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::activity::ConnectionTimeouts;
use super::client::{Client, ConnectionLimit, ConnectionLimits, Connections};
use super::connection::{self, ConnectionGuard};
use super::handler::{Handler, OnTasks, ServerSettings, Shared};
use super::listener::Listener;
use super::unread_answers::UnreadAnswers;
use super::unreadable_head;
use crate::gateway::response::status;
use crate::observe::LogLimit;
use crate::observe::gateway::ConnectionMetrics;
use crate::tasks::Tasks;

/// Serves `handler` on `listener` until `tasks` is told to stop.
///
/// It resolves when the last connection has ended. Idle connections end at once, others after their requests are
/// answered, and all after `drain_ms_max`.
///
/// # Cancel safety
///
/// Dropping the future closes the listener; open connections continue.
pub async fn serve<H: Handler>(
    listener: Listener,
    handler: Arc<H>,
    settings: &ServerSettings,
    metrics: ConnectionMetrics,
    tasks: &Tasks,
) {
    let connections = Connections::new(ConnectionLimits {
        in_all_max: settings.connections_max,
        per_client_max: settings.connections_per_client_max,
        unauthenticated_max: settings.unauthenticated.map(|limits| limits.connections_max),
    });
    let shared = Arc::new(Shared {
        handler,
        http: protocols(settings, tasks),
        header_bytes_max: settings.header_bytes_max,
        tls: settings.tls.clone(),
        timeouts: ConnectionTimeouts {
            head: Duration::from_millis(settings.header_read_ms_max),
            idle: Duration::from_millis(settings.idle_ms_max),
        },
        unauthenticated_time_max: settings.unauthenticated.map_or(Duration::MAX, |limits| limits.time_max),
        proxies: settings.proxies.clone(),
        unread: UnreadAnswers::new(settings.unread),
        drain: Duration::from_millis(settings.drain_ms_max),
        stop: tasks.stop(),
        metrics,
    });
    let Some(socket) = listener.socket() else { return };
    let (open, mut all_ended) = mpsc::channel(1);
    let (mut stop, refused) = (tasks.stop(), LogLimit::default());
    let mut reserve = Reserve::default();
    loop {
        let stream = tokio::select! {
            biased;
            () = stop.wait() => break,
            stream = accept(&shared, &socket, &refused, &mut reserve) => stream,
        };
        let Some((stream, client)) = stream else { continue };
        // A proxy's address holds the connections of all its clients.
        let key = Some(client.key).filter(|_| !settings.proxies.trusts(client.address.ip()));
        match connections.take(key) {
            Ok(permit) => {
                let guard = ConnectionGuard { place: permit, _open: open.clone() };
                tasks.spawn("connection", connection::run(Arc::clone(&shared), stream, client, guard));
            }
            Err(limit) => shared.refuse(&stream, limit),
        }
    }
    listener.close();
    drop((socket, open));
    while all_ended.recv().await.is_some() {}
}

/// The next connection; `None` if the client was gone before, or the system lacked resources.
async fn accept<H: Handler>(
    shared: &Shared<H>,
    listener: &TcpListener,
    refused: &LogLimit,
    reserve: &mut Reserve,
) -> Option<(TcpStream, Client)> {
    reserve.renew();
    match listener.accept().await {
        Ok((stream, address)) => {
            // Answers are written whole, so Nagle's algorithm would only delay them.
            stream.set_nodelay(true).ok()?;
            return Some((stream, Client::new(address)));
        }
        // If a client disconnects early, accept returns its error.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => return None,
        Err(error) if refused.allows() => tracing::warn!(%error, "cannot accept a connection"),
        Err(_) => {}
    }
    let accepted = reserve.accept(listener);
    if let Ok(Some(stream)) = &accepted {
        shared.refuse(stream, ConnectionLimit::Full);
    }
    let is_lacking = accepted.is_err();
    drop(accepted);
    reserve.renew();
    if is_lacking {
        // Only time removes the cause, and an immediate retry would spin.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}

impl<H: Handler> Shared<H> {
    /// Tells the client of a new connection that it is refused.
    fn refuse(&self, stream: &TcpStream, limit: ConnectionLimit) {
        self.metrics.refused(limit.name());
        if self.tls.is_none() {
            // Best effort: the answer fits the buffer of a new connection. If not, the client only sees the close.
            let answer = self.handler.refuse(status::connection_refused(limit));
            let _unsent = stream.try_write(&unreadable_head::http1(&answer));
        }
    }
}

/// A spare file descriptor, with which the host can still answer a client when the process has no other left.
#[derive(Default)]
struct Reserve(Option<File>);

impl Reserve {
    /// Takes a descriptor if it has none.
    fn renew(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/dev/null").ok();
        }
    }

    /// Accepts the connection for which there was no descriptor: close it at once. `None` if no client waits; without a
    /// descriptor the system does not even say that.
    ///
    /// It does not wait, because meanwhile another connection could take the descriptor for good.
    fn accept(&mut self, listener: &TcpListener) -> io::Result<Option<TcpStream>> {
        drop(self.0.take().ok_or(io::ErrorKind::Other)?);
        let accepted = listener.accept().now_or_never().transpose()?;
        Ok(accepted.map(|(stream, _)| stream))
    }
}

fn protocols(settings: &ServerSettings, tasks: &Tasks) -> Builder<OnTasks> {
    let header_bytes_max = u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX);
    let mut builder = Builder::new(OnTasks(tasks.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        // The connection's watch enforces this, with one timer for all requests instead of one for each.
        .header_read_timeout(None)
        // A head must fit into the buffer; hyper allows no smaller one.
        .max_buf_size(settings.header_bytes_max.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams_per_connection_max)
        // Above this limit the library answers, without a body; below it, the host does.
        .max_header_list_size(header_bytes_max.saturating_mul(4));
    builder
}
