//! Sends requests to the leader, over HTTP/2 on its listener for nodes.
//!
//! Invariant: a request is sent again only if it had no effect, or if the leader can tell that it is the same one: a
//! failover in the middle has one effect and one answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use super::answer::{DOES_NOT_LEAD, UNTOUCHED, X_REQUEST_ID, new_id, refuse};
use super::envelope::{Envelope, FORWARDED, Sealed, Side};
use super::message::{Outgoing, SentBody, end_to_end};
use super::roles::{Roles, Target};
use super::unanswered::{IDEMPOTENCY_KEY, Unanswered};
use crate::gateway::{Body, Client};
use crate::journal::stream::Leader;
use crate::names::{CommitSeq, Digest, RequestId, hex};
use crate::observe::cluster::ForwardMetrics;

/// How long a request waits for a leader: longer than a take-over lasts.
pub(super) const LEADER_WAIT_MAX: Duration = Duration::from_secs(15);

/// How long connecting to the leader may take.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(1);

/// The times after which a connection whose other end is silent is lost.
const PING_PERIOD: Duration = Duration::from_secs(1);
const PING_WAIT_MAX: Duration = Duration::from_secs(2);

/// An answer of at most this size is read whole before it is passed on, so that one that breaks off is asked for again.
const ANSWER_BYTES_KEPT: u64 = 256 * 1024;

/// How long the leader may take for a message of a node: the next one follows.
const TELL_WAIT_MAX: Duration = Duration::from_secs(2);

/// How long the leader may take for a request that this node can answer too, though not as well.
const ASK_WAIT_MAX: Duration = Duration::from_secs(1);

/// The time between two attempts while the leader refuses connections and no other one is known.
const ATTEMPT_PERIOD: Duration = Duration::from_millis(20);

const NO_RANDOMNESS: &str = "The system gives no randomness.";

const IDEMPOTENT_REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// Forwards requests to the leader.
#[derive(Debug)]
pub(super) struct Forwarder {
    roles: Arc<Roles>,
    http: HttpClient<HttpConnector, Outgoing>,
    body_wait_max: Duration,
    metrics: ForwardMetrics,
}

/// What became of one attempt.
enum Attempt {
    Answered(Box<Response<Body>>),
    /// The leader has done nothing.
    NotSent,
    /// Nobody knows what the leader has done.
    Unknown,
}

impl Forwarder {
    /// `body_wait_max` is how long the body of a request may take to arrive.
    pub(super) fn new(roles: Arc<Roles>, body_wait_max: Duration) -> Arc<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_WAIT_MAX));
        let http = HttpClient::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(true)
            .http2_keep_alive_interval(PING_PERIOD)
            .http2_keep_alive_timeout(PING_WAIT_MAX)
            // A request that the connection loses is sent again here, or not at all.
            .retry_canceled_requests(false)
            .build(connector);
        Arc::new(Self { roles, http, body_wait_max, metrics: ForwardMetrics::new() })
    }

    /// Answers `request`, which came to this node, with what the leader answers.
    pub(super) async fn forward(&self, request: Request<Incoming>, envelope: Envelope) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let id = prepare(&mut head);
        let read = tokio::time::timeout(self.body_wait_max, SentBody::read(body)).await;
        let body = match read {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return refuse(StatusCode::BAD_REQUEST, "The body is malformed or breaks off.", &id),
            Err(_late) => return refuse(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.", &id),
        };
        let has_own_key =
            !head.method.is_safe() && envelope.side == Side::Public && !head.headers.contains_key(IDEMPOTENCY_KEY);
        if has_own_key {
            // The leader then knows the request if it comes again.
            let Ok(key) = key() else { return refuse(StatusCode::SERVICE_UNAVAILABLE, NO_RANDOMNESS, &id) };
            head.headers.insert(IDEMPOTENCY_KEY, key);
        }
        let mut response = self.send(&head, body, envelope, &id).await;
        if has_own_key {
            response.headers_mut().remove(IDEMPOTENT_REPLAY);
        }
        response
    }

    /// Sends a request again, which has run here until another node took the lead.
    pub(super) async fn forward_again(&self, unanswered: Unanswered, client: Client) -> Response<Body> {
        let Unanswered { mut head, body } = unanswered;
        let id = prepare(&mut head);
        let envelope = Envelope { side: Side::Public, client, is_admin: false, is_repeated: true };
        self.send(&head, SentBody::Kept(body), envelope, &id).await
    }

    /// Sends a request to the leader until one has answered it.
    async fn send(&self, head: &Parts, mut body: SentBody, mut envelope: Envelope, id: &RequestId) -> Response<Body> {
        let is_repeatable = head.method.is_safe() || envelope.side == Side::Public;
        let deadline = Instant::now() + LEADER_WAIT_MAX;
        loop {
            let leader = match self.roles.target(deadline).await {
                Some(Target::There(leader)) => leader,
                // This node has become the leader. It asks itself, as the body may be read already.
                Some(Target::Here(_)) => self.roles.node.clone(),
                None => return self.no_leader(id),
            };
            let Some(sent) = body.next() else { return self.unknown(id) };
            match self.attempt(head, sent, envelope, &leader).await {
                Attempt::Answered(response) => {
                    self.metrics.answered.increment(1);
                    return *response;
                }
                Attempt::NotSent => {}
                Attempt::Unknown if is_repeatable => envelope.is_repeated = true,
                Attempt::Unknown => return self.unknown(id),
            }
            self.metrics.repeated.increment(1);
            if Instant::now() >= deadline {
                return self.no_leader(id);
            }
            // The next leader is known soon; the same one may come back.
            let _same = tokio::time::timeout(ATTEMPT_PERIOD, self.roles.other_leader(&leader)).await;
        }
    }

    /// The number of the last commit that `leader` has acknowledged; `None` if it does not lead or does not answer.
    pub(super) async fn number(&self, leader: &Leader) -> Option<CommitSeq> {
        let body = self.tell(leader, "/number", Vec::new(), TELL_WAIT_MAX).await?;
        std::str::from_utf8(body.bytes()?).ok()?.parse().ok().map(CommitSeq)
    }

    /// Reports to `leader`, and returns what that answers; `None` if it did not take the report.
    pub(super) async fn report(&self, leader: &Leader, report: Vec<u8>) -> Option<Body> {
        self.tell(leader, "/report", report, TELL_WAIT_MAX).await
    }

    /// Sends a request without a body to `leader`, once; `None` if that does not answer it soon.
    pub(super) async fn ask(&self, head: &Parts, envelope: Envelope, leader: &Leader) -> Option<Response<Body>> {
        let mut head = head.clone();
        prepare(&mut head);
        let body = SentBody::Kept(Bytes::new()).next()?;
        match tokio::time::timeout(ASK_WAIT_MAX, self.attempt(&head, body, envelope, leader)).await {
            Ok(Attempt::Answered(response)) => Some(*response),
            Ok(_) | Err(_) => None,
        }
    }

    /// Sends a message of this node to another one, and returns what that answers. One without a body changes nothing there.
    pub(super) async fn tell(
        &self,
        to: &Leader,
        path: &'static str,
        body: Vec<u8>,
        wait_max: Duration,
    ) -> Option<Body> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = if body.is_empty() { Method::GET } else { Method::POST };
        head.uri = Uri::from_static(path);
        let client = Client::new(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
        let envelope = Envelope { side: Side::Node(Digest::of(&body)), client, is_admin: false, is_repeated: false };
        let body = SentBody::Kept(body.into()).next()?;
        match tokio::time::timeout(wait_max, self.attempt(&head, body, envelope, to)).await {
            Ok(Attempt::Answered(response)) if response.status().is_success() => Some(response.into_body()),
            Ok(_) | Err(_) => None,
        }
    }

    async fn attempt(&self, head: &Parts, body: Outgoing, envelope: Envelope, leader: &Leader) -> Attempt {
        let Some(request) = self.request(head, body, envelope, leader) else { return Attempt::NotSent };
        let answer = async {
            let response = match self.http.request(request).await {
                Ok(response) => response,
                Err(error) => {
                    tracing::debug!(%error, leader = leader.node, "a request did not reach the leader, or its answer was lost");
                    return if error.is_connect() { Attempt::NotSent } else { Attempt::Unknown };
                }
            };
            match response.headers().get(DOES_NOT_LEAD) {
                None => taken(response).await,
                Some(what) if what == UNTOUCHED => Attempt::NotSent,
                Some(_) => Attempt::Unknown,
            }
        };
        let is_message = matches!(envelope.side, Side::Node(_));
        tokio::select! {
            attempt = answer => attempt,
            // The earlier leader acknowledges nothing any more, or it has answered already.
            () = self.roles.other_leader(leader), if !is_message => Attempt::Unknown,
        }
    }

    /// The request for `leader`; `None` if this node cannot make it yet.
    fn request(&self, head: &Parts, body: Outgoing, envelope: Envelope, leader: &Leader) -> Option<Request<Outgoing>> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri: Uri = format!("http://{}{path}", leader.address).parse().ok()?;
        let sealed = Sealed { to: &leader.address, method: &head.method, uri: &uri };
        let sealed = envelope.seal(self.roles.key()?, sealed);
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_2;
        request.headers_mut().clone_from(&head.headers);
        request.headers_mut().insert(FORWARDED, sealed);
        Some(request)
    }

    pub(super) fn no_leader(&self, id: &RequestId) -> Response<Body> {
        self.metrics.without_leader.increment(1);
        refuse(StatusCode::SERVICE_UNAVAILABLE, "No host leads the cluster at the moment: try again.", id)
    }

    fn unknown(&self, id: &RequestId) -> Response<Body> {
        self.metrics.unknown.increment(1);
        let detail = "The host that leads was lost while it had this request: whether it had an effect is unknown.";
        refuse(StatusCode::SERVICE_UNAVAILABLE, detail, id)
    }
}

/// Makes the head one that can be forwarded, and returns the id of the request.
fn prepare(head: &mut Parts) -> RequestId {
    end_to_end(&mut head.headers);
    head.headers.remove(FORWARDED);
    if let Some(host) = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        head.headers.insert(HOST, host);
    }
    let given = head.headers.get(X_REQUEST_ID).and_then(|id| RequestId::parse(id.to_str().ok()?).ok());
    given.unwrap_or_else(|| {
        let id = new_id();
        head.headers.insert(X_REQUEST_ID, HeaderValue::from_str(id.as_str()).expect("an id is visible ASCII"));
        id
    })
}

/// The leader's answer, whole if it is small.
async fn taken(response: Response<Incoming>) -> Attempt {
    let (mut head, body) = response.into_parts();
    head.version = Version::HTTP_11;
    head.extensions.clear();
    end_to_end(&mut head.headers);
    let is_small = body.size_hint().exact().is_some_and(|bytes| bytes <= ANSWER_BYTES_KEPT);
    let body = match is_small {
        false => Body::stream(body.map_err(Into::into)),
        true => match body.collect().await {
            Ok(whole) => Body::from(whole.to_bytes()),
            Err(_) => return Attempt::Unknown,
        },
    };
    Attempt::Answered(Box::new(Response::from_parts(head, body)))
}

/// A key that no other request has.
fn key() -> Result<HeaderValue, getrandom::Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    Ok(HeaderValue::from_str(&format!("forwarded-{}", hex(&random))).expect("it is visible ASCII"))
}
