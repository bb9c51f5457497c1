//! The operator's listener of a node: health, readiness, metrics and the cluster here; everything else at the leader.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::Instant;

use super::envelope::{Envelope, Side};
use super::forward::{Forwarder, LEADER_WAIT_MAX, UNTOUCHED, does_not_lead, new_id, refuse};
use super::nodes::{ClusterStatus, NodeView, Nodes, REPORT_PERIOD, Report};
use super::lent::InUse;
use super::prepare;
use super::roles::{Roles, Serving, Target};
use crate::admin::NodeAdmin;
use crate::clock;
use crate::gateway::{Body, Client, Handler, Problem, normalize_path};
use crate::observe::VERSION;
use crate::observe::cluster::NodeMetrics;
use crate::release::Holder;
use crate::store::Health;
use crate::tasks::{Outages, Stop};

/// A follower that has heard nothing for so long is not ready: it may be cut off from the servers of the stream.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Most bytes of a message of another node: names, an address, and a few reasons; or a line for each of 1,000 services.
const MESSAGE_BYTES_MAX: usize = 512 * 1024;

/// Answers the operator.
#[derive(Debug)]
pub(super) struct OperatorSide {
    pub(super) cluster: String,
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
            Err(refused) => return refused,
        };
        let target = self.roles.target_now();
        match (Own::at(&normalize_path(request.uri().path())), target) {
            (Some(Own::Health), _) => self.admin.health(&request),
            (_, Some(Target::Here(running))) => self.lead(&running, request, client).await,
            (Some(Own::Metrics), _) => self.admin.metrics(&request),
            (Some(Own::Ready), _) => self.admin.readiness(&request, self.not_ready()),
            (own, target) => {
                let named = |token: &[u8]| self.roles.holder(token);
                let holder = match self.admin.holder(&request, named) {
                    Ok(holder) => holder,
                    Err(refused) => return refused,
                };
                if let (Some(Own::Cluster), None) = (&own, &target) {
                    return self.admin.answer(&request, StatusCode::OK, &self.status());
                }
                if self.roles.target(Instant::now() + LEADER_WAIT_MAX).await.is_none() {
                    return self.forwarder.no_leader(&new_id());
                }
                let is_admin = holder == Holder::admin();
                let envelope = Envelope { side: Side::Operator, client, is_admin, is_repeated: false };
                self.forwarder.forward(request, envelope).await
            }
        }
    }

    fn refuse(&self, problem: Problem) -> Response<Body> {
        self.admin.refuse_unread(problem)
    }
}

impl OperatorSide {
    /// Answers a request as the leader.
    pub(super) async fn lead(&self, running: &InUse<Serving>, request: Request<Incoming>, client: Client) -> Response<Body> {
        let path = normalize_path(request.uri().path()).into_owned();
        let own = Own::at(&path).filter(|own| matches!(own, Own::Cluster | Own::StepDown | Own::Node(_)));
        let Some(own) = own else { return Arc::clone(&running.admin).handle(request, client).await };
        let (head, body) = request.into_parts();
        let holder = running.admin.holder_of(&head);
        let request = Request::from_parts(head, body);
        let holder = match holder {
            Some(holder) => holder,
            None => match self.admin.holder(&request, |_| None) {
                Ok(holder) => holder,
                Err(refused) => return refused,
            },
        };
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

    /// Answers a message of another node to the leader.
    pub(super) async fn told(&self, request: Request<Incoming>) -> Response<Body> {
        match request.uri().path() {
            "/number" => self.number(),
            _ => self.report(request).await,
        }
    }

    /// The number of the last commit that anybody may have seen, if this node may speak for the cluster.
    fn number(&self) -> Response<Body> {
        let Some(stores) = self.roles.stores() else { return does_not_lead(UNTOUCHED) };
        let number = stores.durable();
        // After the number was read: no other leader had acknowledged anything until now.
        match stores.leads() {
            true => Response::new(Body::from(number.0.to_string().into_bytes())),
            false => does_not_lead(UNTOUCHED),
        }
    }

    /// Gets this node ready for releases that the leader is about to commit.
    pub(super) async fn prepare(&self, request: Request<Incoming>) -> Response<Body> {
        let body = Limited::new(request.into_body(), MESSAGE_BYTES_MAX).collect().await;
        let is_ready = match body {
            Ok(body) => prepare::get_ready(&self.roles, &body.to_bytes()).await,
            Err(_) => false,
        };
        match is_ready {
            true => no_content(),
            false => refuse(StatusCode::SERVICE_UNAVAILABLE, "This host is not ready.", &new_id()),
        }
    }

    /// Takes the report of another node.
    async fn report(&self, request: Request<Incoming>) -> Response<Body> {
        let body = Limited::new(request.into_body(), MESSAGE_BYTES_MAX).collect().await;
        let report = body.ok().and_then(|body| serde_json::from_slice::<Report>(&body.to_bytes()).ok());
        match report {
            Some(report) => {
                self.nodes.heard(report);
                no_content()
            }
            None => refuse(StatusCode::BAD_REQUEST, "This is no report of a node of this version.", &new_id()),
        }
    }

    /// Tells the leader every second how far this node is, and the metrics what its role is.
    pub(super) async fn report_for_ever(&self) {
        let metrics = NodeMetrics::new();
        loop {
            self.measure(&metrics);
            let leader = self.roles.view().leader.filter(|leader| leader.node != self.roles.node.node);
            if let (Some(leader), Ok(report)) = (leader, serde_json::to_vec(&self.own_report())) {
                // The leader shows for how long it has heard nothing.
                let _heard = self.forwarder.report(&leader, report).await;
            }
            tokio::time::sleep(REPORT_PERIOD).await;
        }
    }

    fn measure(&self, metrics: &NodeMetrics) {
        let (report, view) = (self.own_report(), self.roles.view());
        metrics.leads.set(if self.roles.leads() { 1.0 } else { 0.0 });
        metrics.epoch.set(report.epoch as f64);
        metrics.applied.set(report.commit as f64);
        metrics.lease_seconds.set(self.roles.lease_left().as_secs_f64());
        let silence = view.heard.filter(|_| !self.roles.leads()).map_or(Duration::ZERO, clock::elapsed);
        metrics.silence_seconds.set(silence.as_secs_f64());
    }

    /// What this node says of itself.
    pub(super) fn own_report(&self) -> Report {
        let view = self.roles.view();
        let stores = self.roles.stores();
        Report {
            node: self.roles.node.node.clone(),
            address: self.roles.node.address.clone(),
            version: VERSION.into(),
            epoch: view.position.epoch.0,
            commit: stores.map_or(view.position.number, |stores| stores.durable()).0,
            message: view.position.sequence.0,
            because: self.not_ready(),
        }
    }

    fn status(&self) -> ClusterStatus {
        let (report, view) = (self.own_report(), self.roles.view());
        let leads = self.roles.leads();
        let mut nodes = if leads { self.nodes.views(&report.node, report.commit) } else { Vec::new() };
        let role = if leads { "leader" } else { "follower" };
        nodes.push(NodeView::new(&report, role, report.commit, Duration::ZERO));
        nodes.sort_by(|a, b| a.name().cmp(b.name()));
        let lease = self.roles.lease_left();
        ClusterStatus {
            cluster: self.cluster.clone(),
            leader: view.leader.map(|leader| leader.node),
            epoch: report.epoch,
            commit: report.commit,
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
            stream: self.stream_trouble(),
            nodes,
        }
    }

    /// All reasons why this node, which does not lead, is not ready.
    fn not_ready(&self) -> Vec<String> {
        let mut because = Vec::new();
        if self.stop.is_set() {
            because.push("the host is stopping".to_owned());
        }
        because.extend(self.roles.trouble().map(|trouble| trouble.to_string()));
        let view = self.roles.view();
        let is_silent = view.heard.is_none_or(|heard| clock::elapsed(heard) >= SILENCE_MAX);
        match view.leader {
            _ if self.roles.leads() => {}
            None => because.push("it does not know who leads the cluster".into()),
            Some(leader) if is_silent => {
                because.push(format!("it has heard nothing of the leader {} for some seconds", leader.node));
            }
            Some(_) if !self.roles.has_replica() => {
                because.push("it is getting ready to answer reads".into());
            }
            Some(_) => {}
        }
        because.extend(self.stream_trouble());
        because.extend(self.outages.now().into_iter().map(|outage| outage.to_string()));
        because
    }

    /// Why no commit is made, if so.
    fn stream_trouble(&self) -> Option<String> {
        match self.roles.stores()?.health() {
            Health::NoRoom { why } | Health::Stopped { why } => Some(format!("no commit is taken: {why}")),
            Health::Running => None,
        }
    }
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
