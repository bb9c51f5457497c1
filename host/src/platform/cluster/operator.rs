//! The operator's listener of a node: health, readiness, metrics and the cluster here; everything else at the leader.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::answer::{new_id, refuse};
use super::drain::DrainGuard;
use super::envelope::{Envelope, Side};
use super::forward::Forwarder;
use super::nodes::Nodes;
use super::roles::{Roles, Serving, Target};
use crate::admin::{API_HEADER, NodeAdmin, bearer};
use crate::gateway::{Body, Client, ConnectionTrust, Handler, Problem, normalize_path};
use crate::tasks::{Outages, Stop};

const UNCONFIRMED: &str = "The stream of the cluster has not confirmed what the answer would show. If this was a change, look \
                           later whether it was made.";

/// Answers the operator.
#[derive(Debug)]
pub(super) struct OperatorSide {
    pub(super) cluster: String,
    /// Without a message for so long, a leader may not speak for the cluster.
    pub(super) lease: Duration,
    pub(super) roles: Arc<Roles>,
    pub(super) forwarder: Arc<Forwarder>,
    pub(super) admin: NodeAdmin,
    pub(super) nodes: Arc<Nodes>,
    pub(super) outages: Outages,
    pub(super) stop: Stop,
}

/// The resources that a node answers itself.
enum Own {
    Health,
    Ready,
    Metrics,
    Cluster,
    StepDown,
    Node(String),
}

impl Own {
    fn at(path: &str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            "/metrics" => Some(Self::Metrics),
            "/cluster" => Some(Self::Cluster),
            "/cluster/step-down" => Some(Self::StepDown),
            path => path.strip_prefix("/cluster/nodes/").map(|node| Self::Node(node.to_owned())),
        }
    }

    fn method(&self) -> Method {
        match self {
            Self::StepDown => Method::POST,
            Self::Node(_) => Method::DELETE,
            _ => Method::GET,
        }
    }
}

impl Handler for OperatorSide {
    async fn handle(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        let request = match self.admin.check(request) {
            Ok(request) => request,
            Err(refused) => return *refused,
        };
        let target = self.roles.target_now();
        match (Own::at(&normalize_path(request.uri().path())), target) {
            (Some(Own::Health), _) => self.admin.health(&request),
            (Some(Own::Ready), Some(Target::Here(_))) if self.roles.lease_left().is_zero() => {
                let because = "it leads the cluster, and the servers of the stream acknowledge nothing at the moment";
                self.admin.readiness(&request, vec![because.into()])
            }
            (_, Some(Target::Here(running))) => self.lead(&running, request, client).await,
            (Some(Own::Metrics), _) => self.admin.metrics(&request),
            (Some(Own::Ready), _) => self.admin.readiness(&request, self.not_ready()),
            (own, target) => {
                let is_admin = self.admin.is_admin(&request);
                if !request.headers().contains_key(AUTHORIZATION) {
                    return self.admin.refuse_token(&request);
                }
                // The leader knows the named tokens. One that was made a moment ago may not be here yet.
                let trust = request.extensions().get::<Arc<ConnectionTrust>>().cloned();
                let envelope = Envelope { side: Side::Operator, client, is_admin, is_repeated: false };
                let mut response = match own {
                    Some(Own::Cluster) if request.method() == Method::GET => {
                        self.cluster(request, envelope, target).await
                    }
                    _ => self.forwarder.forward(request, envelope).await,
                };
                // Also where no host has answered.
                response.headers_mut().entry(API_HEADER).or_insert(HeaderValue::from_static("operator"));
                if let Some(trust) = trust.filter(|_| response.status().is_success()) {
                    trust.authenticate();
                }
                response
            }
        }
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        self.admin.refuse_unread(problem)
    }
}

impl OperatorSide {
    /// The cluster as its leader sees it; if none answers at once, as this node does.
    async fn cluster(&self, request: Request<Incoming>, envelope: Envelope, target: Option<Target>) -> Response<Body> {
        let (head, body) = request.into_parts();
        if let Some(Target::There(leader)) = target
            && let Some(response) = self.forwarder.ask(&head, envelope, &leader).await
        {
            return response;
        }
        let is_known =
            envelope.is_admin || bearer(&head.headers).is_some_and(|given| self.roles.holder(given).is_some());
        let request = Request::from_parts(head, body);
        match is_known {
            true => self.admin.answer(&request, StatusCode::OK, &self.status()),
            false => self.admin.refuse_token(&request),
        }
    }

    /// Answers a request as the leader.
    pub(super) async fn lead(
        &self,
        running: &DrainGuard<Serving>,
        request: Request<Incoming>,
        client: Client,
    ) -> Response<Body> {
        let path = normalize_path(request.uri().path()).into_owned();
        let own = Own::at(&path).filter(|own| matches!(own, Own::Cluster | Own::StepDown | Own::Node(_)));
        let Some(own) = own else {
            let may_show = Own::at(&path).is_none();
            let response = Arc::clone(&running.admin).handle(request, client).await;
            let shows = may_show && response.status().is_success();
            return if shows { confirmed(running, response).await } else { response };
        };
        let (head, body) = request.into_parts();
        let holder = running.admin.holder_of(&head);
        let request = Request::from_parts(head, body);
        let Some(holder) = holder else { return self.admin.refuse_token(&request) };
        if *request.method() != own.method() {
            return self.admin.refuse_method(&request, &own.method());
        }
        if !holder.is_admin() && !matches!(own, Own::Cluster) {
            return self.admin.forbid(&request, &holder, "change the cluster");
        }
        match own {
            Own::StepDown => {
                tracing::info!(by = holder.name, "this host is asked to lead no more");
                let status = self.status();
                self.roles.step_down();
                self.admin.answer(&request, StatusCode::ACCEPTED, &status)
            }
            Own::Node(node) if !self.nodes.remove(&node) => {
                refuse(StatusCode::NOT_FOUND, "The leader knows no such node.", &new_id())
            }
            _ => self.admin.answer(&request, StatusCode::OK, &self.status()),
        }
    }
}

/// The answer, if everything that it may show is in the stream, and this leader still leads. A change that is not there yet
/// is live already.
async fn confirmed(running: &DrainGuard<Serving>, response: Response<Body>) -> Response<Body> {
    if running.stores.wait_durable(running.stores.last()).await.is_ok() {
        return response;
    }
    let mut refused = refuse(StatusCode::SERVICE_UNAVAILABLE, UNCONFIRMED, &new_id());
    refused.headers_mut().insert(API_HEADER, HeaderValue::from_static("operator"));
    refused
}
