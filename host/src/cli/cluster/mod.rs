//! `switchyard cluster`: the hosts of a cluster, and who leads it.

mod query;
mod remove;
mod status;
mod step_down;

use super::arguments::{Cluster, ClusterAction};
use super::client::target::Target;
use super::output::failure::Outcome;

pub(super) fn run(target: &Target, command: &Cluster) -> Outcome {
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
