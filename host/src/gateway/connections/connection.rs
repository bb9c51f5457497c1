//! One connection, from its handshake to its end, supervised by its watch.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, ConnectionTimeouts};
use super::client::{Client, ConnectionPermit, ConnectionTrust};
use super::handler::{Handler, Shared};
use super::transport::{Transport, Wire};
use super::unread_answers::HeldBytes;
use super::unreadable_head;
use crate::clock;
use crate::gateway::response::body::Body;
use crate::gateway::response::refusal::Refusal;
use crate::gateway::response::status;

/// Resources of an open connection: its slot, and its part in the server's drain.
#[derive(Debug)]
pub(in crate::gateway) struct ConnectionGuard {
    pub(in crate::gateway) place: ConnectionPermit,
    pub(in crate::gateway) _open: mpsc::Sender<Infallible>,
}

/// Serves one connection to its end.
pub(in crate::gateway) async fn run<H: Handler>(
    shared: Arc<Shared<H>>,
    stream: TcpStream,
    client: Client,
    guard: ConnectionGuard,
) {
    let _open = shared.metrics.open();
    match guard.place.trust() {
        None => serve(&shared, stream, client, None).await,
        Some(trust) => tokio::select! {
            () = trust.ends(shared.unauthenticated_time_max) => shared.metrics.cut_off(),
            () = serve(&shared, stream, client, Some(&trust)) => {}
        },
    }
}

async fn serve<H: Handler>(
    shared: &Arc<Shared<H>>,
    mut stream: TcpStream,
    peer: Client,
    trust: Option<&Arc<ConnectionTrust>>,
) {
    let activity = Arc::new(Activity::new(shared.unread.bytes_per_second_min()));
    let client = match tokio::time::timeout(shared.timeouts.head, shared.proxies.client(&mut stream, peer)).await {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => {
            return tracing::debug!(peer = %peer.address, %error, "a proxy does not say who its client is");
        }
        Err(_late) => return shared.metrics.cut_off(),
    };
    let Some(wire) = handshake(shared, stream, client).await else { return };
    let held = Arc::new(HeldBytes::default());
    let service = service_fn(|request: Request<Incoming>| {
        let handling = activity.handle();
        let (shared, activity, held) = (Arc::clone(shared), Arc::clone(&activity), Arc::clone(&held));
        let trust = trust.cloned();
        // In a box, so that an unread answer holds only its bytes, and not the whole state of its handling.
        Box::pin(async move {
            let _handling = handling;
            let client = shared.proxies.client_of(&request, client);
            let mut response = respond(&shared, request, client, trust, &held).await;
            let bytes = response.body().bytes_held();
            if bytes > 0 {
                response.body_mut().watch(&activity, shared.unread.hold(bytes, client.key, &held));
            }
            Ok::<_, Infallible>(response)
        })
    });
    let on_unreadable_head = {
        let shared = Arc::clone(shared);
        move |code| unreadable_head::http1(&shared.handler.refuse(status::unreadable_head(code)))
    };
    let io = TokioIo::new(Transport::new(wire, Arc::clone(&activity), Box::new(on_unreadable_head)));
    let mut connection = pin!(shared.http.serve_connection(io, service));
    let mut stop = shared.stop.clone();
    let mut stopping = pin!(stop.wait());
    let alarm = pin!(tokio::time::sleep_until(activity.deadline(shared.timeouts).into()));
    let mut watch = Watch { activity: &activity, timeouts: shared.timeouts, alarm, leave_by: None };
    let end = poll_fn(|context| {
        loop {
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(End::Closed(ended));
            }
            if watch.leave_by.is_none() && stopping.as_mut().poll(context).is_ready() {
                watch.leave_by = Some(clock::now() + shared.drain);
            } else {
                match watch.poll(context) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Verdict::CutOff) => return Poll::Ready(End::CutOff),
                    Poll::Ready(Verdict::Leave) => {}
                }
            }
            // At the next poll it closes if it is idle; otherwise it tells the client to send no more requests.
            connection.as_mut().graceful_shutdown();
        }
    })
    .await;
    match end {
        End::Closed(Ok(())) => {}
        End::Closed(Err(error)) => tracing::debug!(client = %client.address, error, "a connection broke"),
        End::CutOff => {
            shared.metrics.cut_off();
            tracing::debug!(client = %client.address, "a connection took too long");
        }
    }
}

/// Calls the handler, unless the client leaves too many answers unread.
async fn respond<H: Handler>(
    shared: &Arc<Shared<H>>,
    mut request: Request<Incoming>,
    client: Client,
    trust: Option<Arc<ConnectionTrust>>,
    held: &HeldBytes,
) -> Response<Body> {
    let refuse = |refusal: Refusal| shared.handler.refuse(refusal.into());
    if let Some(refusal) = head_is_too_large(&request, shared.header_bytes_max) {
        return refuse(refusal);
    }
    if !shared.unread.has_room(client.key, held, 0) {
        shared.metrics.unread();
        return refuse(Refusal::UnreadAnswers);
    }
    if let Some(trust) = trust {
        request.extensions_mut().insert(trust);
    }
    let reads = request.method().is_safe();
    let response = Arc::clone(&shared.handler).handle(request, client).await;
    // A safe request can be repeated, so its answer may be dropped. The answer of any other request is sent.
    if reads && !shared.unread.has_room(client.key, held, response.body().bytes_held()) {
        shared.metrics.unread();
        return refuse(Refusal::UnreadAnswers);
    }
    response
}

/// Over HTTP/2, the library accepts heads somewhat above the limit.
fn head_is_too_large(request: &Request<Incoming>, bytes_max: usize) -> Option<Refusal> {
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    // RFC 9113, section 10.5.1, counts 32 more bytes for each field.
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum::<usize>();
    let too_large = request.version() == Version::HTTP_2 && path.saturating_add(fields) > bytes_max;
    too_large.then_some(Refusal::HeadTooLarge { bytes_max })
}

enum End {
    Closed(Result<(), Box<dyn std::error::Error + Send + Sync>>),
    CutOff,
}

/// The wire, once it is ready for HTTP; `None` if the TLS handshake fails or takes too long.
async fn handshake<H>(shared: &Shared<H>, stream: TcpStream, client: Client) -> Option<Wire> {
    let Some(tls) = &shared.tls else { return Some(Wire::Plain(stream)) };
    let accept = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
    let mut stop = shared.stop.clone();
    tokio::select! {
        biased;
        () = stop.wait() => None,
        accepted = tokio::time::timeout(shared.timeouts.head, accept) => match accepted {
            Ok(Ok(stream)) => Some(Wire::Tls(Box::new(stream))),
            Ok(Err(error)) => {
                tracing::debug!(client = %client.address, %error, "a TLS handshake failed");
                None
            }
            Err(_late) => {
                shared.metrics.cut_off();
                None
            }
        },
    }
}

/// Decides when to close a connection that has waited too long.
struct Watch<'a> {
    activity: &'a Activity,
    timeouts: ConnectionTimeouts,
    /// One timer for the connection's life. It is reset only to an earlier time; otherwise the deadline is checked when
    /// the timer fires. So a request resets no timer.
    alarm: Pin<&'a mut Sleep>,
    /// When the connection must be closed, after it was asked to end.
    leave_by: Option<Instant>,
}

enum Verdict {
    /// It is idle: ask it to end, which an answer in progress may delay.
    Leave,
    CutOff,
}

impl Watch<'_> {
    fn deadline(&self) -> Instant {
        match self.leave_by {
            None => self.activity.deadline(self.timeouts),
            Some(leave_by) if self.activity.reads_head() => leave_by.min(self.activity.deadline(self.timeouts)),
            Some(leave_by) => leave_by,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Verdict> {
        let deadline = self.deadline();
        if deadline < self.alarm.deadline().into_std() {
            self.alarm.as_mut().reset(deadline.into());
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            let deadline = self.deadline();
            if clock::now() < deadline {
                self.alarm.as_mut().reset(deadline.into());
            } else if self.leave_by.is_some() || self.activity.reads_head() {
                return Poll::Ready(Verdict::CutOff);
            } else {
                let leave_by = clock::now() + self.timeouts.head;
                self.leave_by = Some(leave_by);
                self.alarm.as_mut().reset(leave_by.into());
                return Poll::Ready(Verdict::Leave);
            }
        }
        Poll::Pending
    }
}
