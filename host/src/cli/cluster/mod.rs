//! `switchyard cluster`: the hosts of a cluster, and who leads it.

mod remove;
mod status;
mod step_down;

use hyper::StatusCode;

use super::arguments::{Cluster as Command, ClusterAction};
use super::client::documents::{Cluster, ClusterNode};
use super::client::http::Answer;
use super::client::request::Request;
use super::client::target::Target;
use super::output::failure::{Failure, Kind, Outcome};
use super::output::format::millis;

/// The resource of the operator API.
const CLUSTER: &str = "cluster";

pub(super) fn run(target: &Target, command: &Command) -> Outcome {
    let json = command.host.json;
    match &command.action {
        ClusterAction::Status { watch: None } => status::once(target, json),
        ClusterAction::Status { watch: Some(period) } => {
            status::watch(target, json, period.duration()).map(|()| String::new())
        }
        ClusterAction::StepDown => step_down::run(target, json),
        ClusterAction::Remove { node } => remove::run(target, node, json),
    }
}

/// Asks for the cluster.
async fn cluster(target: &Target, json: bool) -> Result<Answer, Failure> {
    in_cluster(Request::get(&[CLUSTER]).exchange(target).await?, json)
}

/// Returns the answer unless it is a refusal. Every request here is for something that each host of a cluster has.
fn in_cluster(answer: Answer, json: bool) -> Result<Answer, Failure> {
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
fn report(cluster: &Cluster, node: &ClusterNode) -> String {
    match (cluster.leader.as_deref() == Some(node.node.as_str()), node.reported_ms) {
        // The leader answers, and a node that sees no leader answers about itself.
        (true, _) | (_, 0) => "now".into(),
        (false, age) => format!("{} ago", millis(age)),
    }
}
