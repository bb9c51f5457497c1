//! `switchyard cluster remove`: a lost host is not listed any more.

#[cfg(test)]
mod tests;

use super::query::{CLUSTER, cluster, report};
use crate::cli::client::documents::{Cluster, ClusterNode};
use crate::cli::client::http;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};

pub(super) fn run(target: &Target, name: &str, json: bool) -> Outcome {
    http::runtime()?.block_on(remove(target, name, json))
}

async fn remove(target: &Target, name: &str, json: bool) -> Outcome {
    let before: Cluster = cluster(target, json).await?.read()?;
    let Some(node) = before.nodes.iter().find(|node| node.node == name) else { return Err(unknown(&before, name)) };
    if before.leader.as_deref() == Some(name) {
        let next = "Let another host lead first: `switchyard cluster step-down`. Then stop it.";
        return Err(Failure::text(Kind::Refused, format!("{name} leads the cluster")).next(next));
    }
    let answer = Request::delete(&[CLUSTER, "nodes", name]).exchange(target).await?.accepted(json)?;
    Ok(if json { answer.text() } else { removed(node) })
}

fn removed(node: &ClusterNode) -> String {
    let ClusterNode { node: name, role, .. } = node;
    match role.as_str() {
        "lost" => format!("{name} is not listed any more"),
        _ => format!("{name} is not listed any more, but it reported {}: stop it, or it is listed again", report(node)),
    }
}

fn unknown(cluster: &Cluster, name: &str) -> Failure {
    let known: Vec<_> = cluster.nodes.iter().map(|node| node.node.as_str()).collect();
    let detail = format!("the cluster {} has no host {name}", cluster.cluster);
    Failure::text(Kind::Refused, detail).next(format!("It has {}.", known.join(", ")))
}
