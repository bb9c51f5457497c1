//! `switchyard cluster`: the hosts of a cluster, who leads it, and its stream.

mod query;
mod remove;
mod reseed;
mod status;
mod step_down;

use std::borrow::Borrow;

use super::arguments::{Cluster, ClusterAction};
use super::client::target::Target;
use super::output::confirm::confirm;
use super::output::failure::{Failure, Outcome};

pub(super) fn run(command: &Cluster) -> Outcome {
    at(|| Target::find(&command.host), command)
}

/// Runs `command` at the host that `find` finds, if it needs one.
fn at<T: Borrow<Target>>(find: impl FnOnce() -> Result<T, Failure>, command: &Cluster) -> Outcome {
    let json = command.host.json;
    match &command.action {
        ClusterAction::Status { watch: None } => status::once(find()?.borrow(), json),
        ClusterAction::Status { watch: Some(period) } => {
            status::watch(find()?.borrow(), json, period.duration()).map(|()| String::new())
        }
        ClusterAction::StepDown => step_down::run(find()?.borrow(), json),
        ClusterAction::Remove { node } => remove::run(find()?.borrow(), node, json),
        ClusterAction::Reseed(reseed) => reseed::run(&command.host, reseed, confirm),
    }
}
