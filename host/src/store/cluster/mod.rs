//! A node of a cluster: it has the commits that its own disk has, takes the others from the stream, and then leads.

mod claim;
pub(super) mod copies;
pub(super) mod error;
mod follow;
mod identity;
mod member;
mod observer;
pub(super) mod reseed;
mod view;

use std::sync::Arc;

use super::services::Services;
use crate::clock;
use crate::journal::stream::{Lease, Position, Stream};
pub use error::JoinError;
use follow::Following;
pub(super) use identity::{end_of, identify, position_of};
pub(crate) use member::ClusterMember;
pub(crate) use observer::Observer;
pub(crate) use view::{ClusterView, ClusterViewSender};

/// Takes over what the stream has, and becomes the leader as soon as no other node leads. Blocks until then.
///
/// # Errors
///
/// [`JoinError`]; the stores have a prefix of the stream.
pub(super) fn join(
    services: &Services,
    stream: &Arc<dyn Stream>,
    member: &ClusterMember<'_>,
    position: Position,
) -> Result<Arc<Lease>, JoinError> {
    let mut following = Following::new(services, Arc::clone(stream), position, member);
    loop {
        following.until_silence(member.patience, &member.cancelled)?;
        view::lost_the_leader(&member.view);
        let lease = Arc::new(Lease::new(clock::now(), member.lease));
        let Some(led) = claim::claim(stream, services.journal, following.position(), &member.node, &lease)? else {
            continue;
        };
        let epoch = led.epoch.0;
        services.pipeline.journal.lead(Arc::clone(stream), led, &member.node, Arc::clone(&lease))?;
        view::saw(&member.view, led, Some(&member.node), true, clock::now());
        tracing::info!(epoch, node = member.node.node, "this node leads the cluster");
        return Ok(lease);
    }
}
