//! The requests for the cluster, and what all commands do with their answers.

use hyper::StatusCode;

use crate::cli::client::documents::ClusterNode;
use crate::cli::client::http::Answer;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind};
use crate::cli::output::format::millis;

/// The resource of the operator API.
pub(super) const CLUSTER: &str = "cluster";

/// Asks for the cluster.
pub(super) async fn cluster(target: &Target, json: bool) -> Result<Answer, Failure> {
    in_cluster(Request::get(&[CLUSTER]).exchange(target).await?, json)
}

/// Returns the answer unless it is a refusal. Every request here is for something that each host of a cluster has.
pub(super) fn in_cluster(answer: Answer, json: bool) -> Result<Answer, Failure> {
    match (answer.status, json) {
        (StatusCode::NOT_FOUND, json) => {
            let failure = Failure::text(Kind::Refused, "this host is in no cluster: docs/cluster.md")
                .next("Name a host of the cluster with --admin URL, or list the NATS servers in the manifest.");
            Err(if json { failure.with_result(answer.text()) } else { failure })
        }
        _ => answer.accepted(json),
    }
}

/// When a node has reported.
pub(super) fn report(node: &ClusterNode) -> String {
    match node.reported_ms {
        // The host that answers.
        0 => "now".into(),
        age => format!("{} ago", millis(age)),
    }
}
