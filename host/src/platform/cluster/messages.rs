//! The messages between nodes: how far each is, the number of the leader, and what a node has to get ready for.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use super::answer::{UNTOUCHED, does_not_lead, new_id, refuse};
use super::nodes::{Figures, Report};
use super::operator::OperatorSide;
use super::prepare;
use super::roles::{Serving, Target};
use crate::fail_point::{Sabotage, is_broken};
use crate::gateway::Body;
use crate::names::Digest;
use crate::observe::Reporter;

/// Most bytes of a message of another node: names, an address, a few reasons, and the figures of 64 services with a candidate,
/// each of at most 5 KB; or a line for each of 1,000 services.
const MESSAGE_BYTES_MAX: usize = 512 * 1024;

impl OperatorSide {
    /// Answers a message of another node, whose body has the hash `digest`.
    pub(super) async fn message(&self, request: Request<Incoming>, digest: &Digest) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MESSAGE_BYTES_MAX).collect().await else {
            return refuse(StatusCode::BAD_REQUEST, "The message is too large, or breaks off.", &new_id());
        };
        let body = body.to_bytes();
        if Digest::of(&body) != *digest {
            return refuse(StatusCode::FORBIDDEN, "This is not the message that the host has sent.", &new_id());
        }
        if head.uri.path() == "/prepare" {
            return self.prepare(&body).await;
        }
        match (head.uri.path(), self.roles.target_now()) {
            ("/number", Some(Target::Here(_))) => self.number(),
            ("/report", Some(Target::Here(running))) => self.report(&running, &body),
            (_, Some(Target::Here(_))) => refuse(StatusCode::NOT_FOUND, "There is no such message.", &new_id()),
            (_, Some(Target::There(_)) | None) => does_not_lead(UNTOUCHED),
        }
    }

    /// The number of the last commit that anybody may have seen, if this node may speak for the cluster. The stream may have
    /// given it to another node, which has shown it, before it acknowledges it to this one.
    fn number(&self) -> Response<Body> {
        let Some(stores) = self.roles.stores() else { return does_not_lead(UNTOUCHED) };
        let number = stores.published();
        // After the number was read: no other leader had acknowledged anything until now.
        let leads = stores.leads() || (is_broken(Sabotage::NumberWithoutLease) && !stores.was_replaced());
        match leads {
            true => Response::new(Body::from(number.0.to_string().into_bytes())),
            false => does_not_lead(UNTOUCHED),
        }
    }

    /// Gets this node ready for releases that the leader is about to commit.
    async fn prepare(&self, needed: &[u8]) -> Response<Body> {
        match prepare::get_ready(&self.roles, needed).await {
            true => no_content(),
            false => refuse(StatusCode::SERVICE_UNAVAILABLE, "This host is not ready.", &new_id()),
        }
    }

    /// Takes the report of another node, and answers with all nodes that this one knows.
    fn report(&self, running: &Serving, report: &Bytes) -> Response<Body> {
        let Ok(mut report) = serde_json::from_slice::<Report>(report) else {
            return refuse(StatusCode::BAD_REQUEST, "This is no report of a node of this version.", &new_id());
        };
        if let Some(Figures { since, trials, open_circuits }) = report.figures.take() {
            running.releases.note_open_circuits(&open_circuits);
            running.releases.count_trials(&Reporter { since, node: report.node.clone() }, trials);
        }
        self.nodes.heard(report);
        match serde_json::to_vec(&self.nodes.known(self.own_report())) {
            Ok(known) => Response::new(Body::from(known)),
            Err(error) => {
                tracing::error!(%error, "cannot tell another host which hosts there are");
                no_content()
            }
        }
    }
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
