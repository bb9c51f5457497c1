//! The services as the operator sees them: contract, releases, figures.

use serde::Serialize;

use super::Admin;
use super::routes::Refused;
use crate::call::Backend;
use crate::names::ServiceName;
use crate::release::ServiceView;

#[derive(Debug, Serialize)]
pub(super) struct Services {
    items: Vec<ServiceView>,
}

impl Admin {
    /// All services, by name.
    pub(super) fn all_services(&self) -> Services {
        Services { items: self.releases.services() }
    }

    pub(super) fn service(&self, name: &str) -> Result<ServiceView, Refused> {
        let found = ServiceName::parse(name).ok().and_then(|name| self.releases.service(&name));
        found.ok_or_else(|| no_service(name, self.releases.names().iter().map(ServiceName::as_str).collect()))
    }
}

/// The service called `name`, or a refusal that says which there are.
pub(super) fn member<'a>(members: impl Iterator<Item = &'a Backend>, name: &str) -> Result<&'a Backend, Refused> {
    let mut known = Vec::new();
    for member in members {
        if member.service.name().as_str() == name {
            return Ok(member);
        }
        known.push(member.service.name().as_str());
    }
    Err(no_service(name, known))
}

pub(super) fn no_service(name: &str, mut known: Vec<&str>) -> Refused {
    known.sort_unstable();
    let others = if known.is_empty() { "none".into() } else { known.join(", ") };
    Refused::not_found(format!("There is no service {name:?}; there are: {others}."))
}
