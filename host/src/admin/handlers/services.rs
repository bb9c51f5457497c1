//! The services for the operator: contract, releases, figures.

use std::path::PathBuf;

use serde::Serialize;

use crate::admin::error::AdminError;
use crate::admin::server::Admin;
use crate::call::Backend;
use crate::names::ServiceName;
use crate::release::ServiceView;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Services {
    items: Vec<ServiceView>,
    manifest_file: ManifestState,
}

/// The host's manifest file, compared with the applied settings.
#[derive(Debug, Serialize)]
struct ManifestState {
    path: PathBuf,
    /// The keys of settings that an apply of the file would change.
    unapplied: Vec<String>,
    /// Why the next start would refuse the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Admin {
    /// All services, by name.
    pub(in crate::admin) async fn all_services(&self) -> Services {
        let path = self.manifest_path();
        let (unapplied, error) = match self.manifest_in_file().await {
            Ok(manifest) => (self.releases.unapplied(&manifest), None),
            Err(error) => (Vec::new(), Some(error)),
        };
        Services { items: self.releases.services(), manifest_file: ManifestState { path, unapplied, error } }
    }

    pub(in crate::admin) fn service(&self, name: &str) -> Result<ServiceView, AdminError> {
        let found = ServiceName::parse(name).ok().and_then(|name| self.releases.service(&name));
        found.ok_or_else(|| no_service(name, self.releases.names().iter().map(ServiceName::as_str).collect()))
    }
}

/// The service called `name`; the refusal lists the existing services.
pub(in crate::admin) fn member<'a>(
    members: impl Iterator<Item = &'a Backend>,
    name: &str,
) -> Result<&'a Backend, AdminError> {
    let mut known = Vec::new();
    for member in members {
        if member.service.name().as_str() == name {
            return Ok(member);
        }
        known.push(member.service.name().as_str());
    }
    Err(no_service(name, known))
}

pub(in crate::admin) fn no_service(name: &str, mut known: Vec<&str>) -> AdminError {
    known.sort_unstable();
    let others = if known.is_empty() { "none".into() } else { known.join(", ") };
    AdminError::not_found(format!("There is no service {name:?}; there are: {others}."))
}
