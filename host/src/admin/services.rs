//! The services as the operator sees them: contract, release, figures.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Admin;
use super::routes::Refused;
use crate::call::Member;
use crate::names::{Digest, ServiceName};
use crate::observe::calls::CallFigures;

#[derive(Debug, Serialize)]
pub(super) struct Services {
    items: Vec<ServiceView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceView {
    name: ServiceName,
    contract: String,
    live: ReleaseView,
    /// Since the start of the host.
    figures: CallFigures,
    store_bytes: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReleaseView {
    digest: Digest,
    /// RFC 3339, in UTC.
    deployed_at: String,
    /// Whether its calls are turned away because too many in a row failed.
    circuit_open: bool,
}

impl Admin {
    /// All services, by name.
    pub(super) fn all_services(&self) -> Services {
        let routing = self.calls.routing();
        let mut items: Vec<_> = routing.live().members().map(view).collect();
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Services { items }
    }

    pub(super) fn service(&self, name: &str) -> Result<ServiceView, Refused> {
        let routing = self.calls.routing();
        Ok(view(member(routing.live().members(), name)?))
    }
}

/// The service called `name`, or a refusal that says which there are.
pub(super) fn member<'a>(members: impl Iterator<Item = &'a Member>, name: &str) -> Result<&'a Member, Refused> {
    let mut known = Vec::new();
    for member in members {
        if member.service.name().as_str() == name {
            return Ok(member);
        }
        known.push(member.service.name().as_str());
    }
    known.sort_unstable();
    let others = if known.is_empty() { "none".into() } else { known.join(", ") };
    Err(Refused::not_found(format!("There is no service {name:?}; there are: {others}.")))
}

fn view(member: &Member) -> ServiceView {
    let Member { service, release } = member;
    ServiceView {
        name: service.name().clone(),
        contract: release.world.name.to_string(),
        live: ReleaseView {
            digest: release.digest,
            deployed_at: timestamp(release.deployed_at),
            circuit_open: release.circuit_is_open(),
        },
        figures: service.figures(),
        store_bytes: service.store().bytes(),
    }
}

/// Microseconds since the Unix epoch as RFC 3339, to the second.
fn timestamp(unix_micros: u64) -> String {
    let seconds = i64::try_from(unix_micros / 1_000_000).unwrap_or(i64::MAX);
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_in_utc() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(1_767_323_045_999_999), "2026-01-02T03:04:05Z");
        assert_eq!(timestamp(u64::MAX), "1970-01-01T00:00:00Z");
    }
}
