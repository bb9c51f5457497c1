//! The messages between nodes: how far each is, the number of the leader, and what a node has to get ready for.

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use super::answer::{UNTOUCHED, does_not_lead, new_id, refuse};
use super::nodes::Report;
use super::operator::OperatorSide;
use super::prepare;
use crate::gateway::Body;

/// Most bytes of a message of another node: names, an address, and a few reasons; or a line for each of 1,000 services.
const MESSAGE_BYTES_MAX: usize = 512 * 1024;

impl OperatorSide {
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
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
