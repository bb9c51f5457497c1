//! The public listener of a node, and the one for other nodes: each request runs here if this node leads, else it goes
//! to the leader.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::answer::{BEGUN, DOES_NOT_LEAD, UNTOUCHED, answer, does_not_lead, new_id, refuse};
use super::drain::DrainGuard;
use super::envelope::{AGE_MAX, Envelope, FORWARDED, NodeKey, Refused, Sealed, Side};
use super::forward::{Forwarder, LEADER_WAIT_MAX};
use super::nodes::millis;
use super::operator::OperatorSide;
use super::reads::ReadGate;
use super::replays::{Replays, Seen};
use super::roles::{Roles, Serving, Target};
use super::unanswered::Repeatable;
use crate::gateway::{Body, Client, Handler, Problem, ReadKind, Repeated};
use crate::observe::LogLimit;
use crate::release::Holder;

/// Answers the requests of clients.
#[derive(Debug)]
pub(super) struct PublicSide {
    pub(super) roles: Arc<Roles>,
    pub(super) forwarder: Arc<Forwarder>,
    pub(super) reads: Arc<ReadGate>,
}

impl Handler for PublicSide {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        let request = match self.read(request, client).await {
            Ok(response) => return response,
            Err(request) => request,
        };
        match self.roles.target(Instant::now() + LEADER_WAIT_MAX).await {
            Some(Target::Here(running)) => self.lead(running, request, client).await,
            Some(Target::There(_)) => {
                let envelope = Envelope { side: Side::Public, client, is_admin: false, is_repeated: false };
                self.forwarder.forward(request, envelope).await
            }
            None => self.forwarder.no_leader(&new_id()),
        }
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        answer(problem, &new_id())
    }
}

impl PublicSide {
    /// Answers a request as the leader. If this node is replaced before it can, the next leader answers.
    async fn lead(
        &self,
        running: DrainGuard<Serving>,
        mut request: Request<Incoming>,
        client: Client,
    ) -> Response<Body> {
        let repeatable = Repeatable::follow(&mut request);
        let mut response = Arc::clone(&running.gateway).handle(request, client).await;
        // The end of this leader waits for its requests.
        drop(running);
        if response.status() == StatusCode::SERVICE_UNAVAILABLE
            && !self.roles.leads()
            && let Some(unanswered) = repeatable.and_then(Repeatable::unanswered)
        {
            return self.forwarder.forward_again(unanswered, client).await;
        }
        self.reads.mark(response.headers_mut());
        response
    }

    /// Answers a request that only reads with what this node has.
    ///
    /// # Errors
    ///
    /// The request, if the leader has to answer it.
    async fn read(&self, request: Request<Incoming>, client: Client) -> Result<Response<Body>, Request<Incoming>> {
        // Not in use while it waits: what it waits for may have to take the replica away.
        let reads = self.roles.replica().map(|replica| replica.gateway.reads(request.method(), request.uri()));
        let may_read = match reads {
            None | Some(ReadKind::Writes) => false,
            Some(ReadKind::Nothing) => true,
            Some(ReadKind::Stores) => self.reads.may_read(request.headers()).await,
        };
        let Some(replica) = self.roles.replica().filter(|_| may_read) else { return Err(request) };
        let mut response = replica.gateway.read(request, client).await?;
        self.reads.mark(response.headers_mut());
        Ok(response)
    }
}

/// Answers the requests that other nodes forward.
#[derive(Debug)]
pub(super) struct NodeSide {
    pub(super) roles: Arc<Roles>,
    pub(super) operator: Arc<OperatorSide>,
    pub(super) reads: Arc<ReadGate>,
    pub(super) replays: Replays,
    /// Of lines about requests that this node does not take.
    pub(super) log: LogLimit,
}

impl Handler for NodeSide {
    async fn handle(self: Arc<Self>, mut request: Request<Incoming>, _client: Client) -> Response<Body> {
        let Some(header) = request.headers_mut().remove(FORWARDED) else { return self.refuse_foreign() };
        let Some(key) = self.roles.key() else { return does_not_lead(UNTOUCHED) };
        let envelope = match self.open(&header, key, &request) {
            Ok(envelope) => envelope,
            Err(refused) => return *refused,
        };
        if let Side::Node(digest) = &envelope.side {
            return self.operator.message(request, digest).await;
        }
        let Some(Target::Here(running)) = self.roles.target_now() else { return does_not_lead(UNTOUCHED) };
        to_origin_form(&mut request);
        let mut response = self.answer(&running, request, envelope).await;
        self.reads.mark(response.headers_mut());
        // Its commits were refused, or nobody knows what became of them. The next leader answers.
        if response.status() == StatusCode::SERVICE_UNAVAILABLE && !self.roles.leads() {
            response.headers_mut().insert(DOES_NOT_LEAD, BEGUN);
        }
        response
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        answer(problem, &new_id())
    }
}

impl NodeSide {
    /// What the node says that sent `request`.
    ///
    /// # Errors
    ///
    /// The answer to a request that no node of this cluster has sent, or not just now, or that this node has had.
    fn open(
        &self,
        header: &HeaderValue,
        key: &NodeKey,
        request: &Request<Incoming>,
    ) -> Result<Envelope, Box<Response<Body>>> {
        let sealed = Sealed { to: &self.roles.node.address, method: request.method(), uri: request.uri() };
        let (envelope, tag) =
            Envelope::open(header, key, sealed, self.replays.since()).map_err(|refused| match refused {
                Refused::Foreign => Box::new(self.refuse_foreign()),
                Refused::Age(age) => Box::new(self.refuse_age(age)),
            })?;
        // A question of a node changes nothing, and there may be thousands in a second.
        let is_question = matches!(envelope.side, Side::Node(_)) && request.method().is_safe();
        match if is_question { Seen::Never } else { self.replays.see(tag) } {
            Seen::Never => Ok(envelope),
            seen => Err(Box::new(self.refuse_again(seen))),
        }
    }

    async fn answer(
        &self,
        running: &DrainGuard<Serving>,
        mut request: Request<Incoming>,
        envelope: Envelope,
    ) -> Response<Body> {
        if envelope.is_repeated {
            request.extensions_mut().insert(Repeated);
        }
        match envelope.side {
            Side::Public => Arc::clone(&running.gateway).handle(request, envelope.client).await,
            Side::Operator => {
                if envelope.is_admin {
                    request.extensions_mut().insert(Holder::admin());
                }
                self.operator.lead(running, request, envelope.client).await
            }
            // It was answered before.
            Side::Node(_) => self.refuse_foreign(),
        }
    }

    fn refuse_foreign(&self) -> Response<Body> {
        let detail = "This listener is for the hosts of this cluster: send requests to the public one.";
        refuse(StatusCode::FORBIDDEN, detail, &new_id())
    }

    /// The clock of this node or of the one that sent the request is wrong, or somebody sends an old one again.
    fn refuse_age(&self, age: Duration) -> Response<Body> {
        if self.log.allows() {
            let (age_ms, age_ms_max) = (millis(age), millis(AGE_MAX));
            let what =
                "a request of another host is too old: the clocks of the hosts differ, or somebody sends it again";
            tracing::error!(age_ms, age_ms_max, "{what}");
        }
        let detail = "The request is too old: the clocks of two hosts of the cluster differ.";
        refuse(StatusCode::SERVICE_UNAVAILABLE, detail, &new_id())
    }

    fn refuse_again(&self, seen: Seen) -> Response<Body> {
        if seen == Seen::Full {
            let detail = "This host has had too many requests of other hosts in the last minute.";
            return refuse(StatusCode::SERVICE_UNAVAILABLE, detail, &new_id());
        }
        if self.log.allows() {
            tracing::error!("somebody sends requests of other hosts of the cluster again; they are refused");
        }
        refuse(StatusCode::FORBIDDEN, "This host has had this request.", &new_id())
    }
}

/// Removes the address of this node from the URI: the `Host` header names the one that the client used.
fn to_origin_form(request: &mut Request<Incoming>) {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Default::default, Into::into);
}
