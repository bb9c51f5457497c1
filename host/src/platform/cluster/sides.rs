//! The public listener of a node, and the one for other nodes: each request runs here if this node leads, else it goes
//! to the leader.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, Response, StatusCode};
use tokio::time::Instant;

use super::envelope::{Envelope, FORWARDED, Side};
use super::forward::{BEGUN, DOES_NOT_LEAD, Forwarder, LEADER_WAIT_MAX, UNTOUCHED, new_id, refuse};
use super::operator::OperatorSide;
use super::roles::{Roles, Running, Target};
use crate::gateway::{Body, Client, Handler, Problem, Repeated};
use crate::release::Holder;

/// Answers the requests of clients.
#[derive(Debug)]
pub(super) struct PublicSide {
    pub(super) roles: Arc<Roles>,
    pub(super) forwarder: Arc<Forwarder>,
}

impl Handler for PublicSide {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        match self.roles.target(Instant::now() + LEADER_WAIT_MAX).await {
            Some(Target::Here(running)) => Arc::clone(&running.gateway).handle(request, client).await,
            Some(Target::There(_)) => {
                let envelope = Envelope { side: Side::Public, client, is_admin: false, is_repeated: false };
                self.forwarder.forward(request, envelope).await
            }
            None => self.forwarder.no_leader(&new_id()),
        }
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        problem.into_response(&new_id())
    }
}

/// Answers the requests that other nodes forward.
#[derive(Debug)]
pub(super) struct NodeSide {
    pub(super) roles: Arc<Roles>,
    pub(super) operator: Arc<OperatorSide>,
}

impl Handler for NodeSide {
    async fn handle(self: Arc<Self>, mut request: Request<Incoming>, _client: Client) -> Response<Body> {
        let Some(header) = request.headers_mut().remove(FORWARDED) else { return self.refuse_foreign() };
        let Some(key) = self.roles.key() else { return does_not_lead(UNTOUCHED) };
        let Some(envelope) = Envelope::open(&header, key, request.method(), request.uri()) else {
            return self.refuse_foreign();
        };
        let Some(Target::Here(running)) = self.roles.target_now() else { return does_not_lead(UNTOUCHED) };
        to_origin_form(&mut request);
        let mut response = self.answer(&running, request, envelope).await;
        // Its commits were refused, or nobody knows what became of them. The next leader answers.
        if response.status() == StatusCode::SERVICE_UNAVAILABLE && !self.roles.leads() {
            response.headers_mut().insert(DOES_NOT_LEAD, BEGUN);
        }
        response
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        problem.into_response(&new_id())
    }
}

impl NodeSide {
    async fn answer(&self, running: &Running, mut request: Request<Incoming>, envelope: Envelope) -> Response<Body> {
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
            Side::Node => self.operator.report(request).await,
        }
    }

    fn refuse_foreign(&self) -> Response<Body> {
        let detail = "This listener is for the hosts of this cluster: send requests to the public one.";
        refuse(StatusCode::FORBIDDEN, detail, &new_id())
    }
}

fn does_not_lead(what: HeaderValue) -> Response<Body> {
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, "This host does not lead the cluster.", &new_id());
    response.headers_mut().insert(DOES_NOT_LEAD, what);
    response
}

/// Removes the address of this node from the URI: the `Host` header names the one that the client used.
fn to_origin_form(request: &mut Request<Incoming>) {
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(Default::default, Into::into);
}
