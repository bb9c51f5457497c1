//! The public listener of a node, and the one for other nodes: each request runs here if this node leads, else it goes
//! to the leader.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::answer::{BEGUN, DOES_NOT_LEAD, UNTOUCHED, answer, does_not_lead, new_id, refuse};
use super::drain::DrainGuard;
use super::envelope::{Envelope, FORWARDED, Side};
use super::forward::{Forwarder, LEADER_WAIT_MAX};
use super::operator::OperatorSide;
use super::reads::ReadGate;
use super::roles::{Roles, Serving, Target};
use crate::gateway::{Body, Client, Handler, Problem, ReadKind, Repeated};
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
            Some(Target::Here(running)) => {
                let mut response = Arc::clone(&running.gateway).handle(request, client).await;
                self.reads.mark(response.headers_mut());
                response
            }
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
        let mut response = Arc::clone(&replica.gateway).handle(request, client).await;
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
}

impl Handler for NodeSide {
    async fn handle(self: Arc<Self>, mut request: Request<Incoming>, _client: Client) -> Response<Body> {
        let Some(header) = request.headers_mut().remove(FORWARDED) else { return self.refuse_foreign() };
        let Some(key) = self.roles.key() else { return does_not_lead(UNTOUCHED) };
        let Some(envelope) = Envelope::open(&header, key, request.method(), request.uri()) else {
            return self.refuse_foreign();
        };
        if envelope.side == Side::Node && request.uri().path() == "/prepare" {
            return self.operator.prepare(request).await;
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
            Side::Node => self.operator.told(request).await,
        }
    }

    fn refuse_foreign(&self) -> Response<Body> {
        let detail = "This listener is for the hosts of this cluster: send requests to the public one.";
        refuse(StatusCode::FORBIDDEN, detail, &new_id())
    }
}

/// Removes the address of this node from the URI: the `Host` header names the one that the client used.
fn to_origin_form(request: &mut Request<Incoming>) {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Default::default, Into::into);
}
