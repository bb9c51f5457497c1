//! The part of the manifest that takes effect by an apply. The host stores it, and starts with the stored settings.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::settings::{LimitOverrides, Manifest, ServiceSettings};
use crate::names::ServiceName;

/// Only a restart changes the signers: they protect against a stolen token, so a token must not change them.
const SIGNERS: &str = "signers";

/// The applied settings, in one form for all equivalent manifests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedSettings {
    /// The section `deploy`, without its signers.
    deploy: Map<String, Json>,
    /// With all their limits, but without paths, which are meaningless on another machine.
    services: BTreeMap<ServiceName, ServiceSettings>,
}

impl AppliedSettings {
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let mut deploy = fields(&manifest.deploy);
        deploy.remove(SIGNERS);
        let service = |(name, settings): (&ServiceName, &ServiceSettings)| {
            let limits = LimitOverrides::all(&settings.limits(&manifest.limits));
            let mut settings = ServiceSettings { component: PathBuf::new(), limits, ..settings.clone() };
            settings.outbound_hosts.sort();
            settings.outbound_hosts.dedup();
            (name.clone(), settings)
        };
        Self { deploy, services: manifest.services.iter().map(service).collect() }
    }

    /// `manifest`, with these settings in place of its own.
    ///
    /// # Errors
    ///
    /// If another version of switchyard stored them, and this one cannot read them.
    pub fn over(&self, manifest: &Manifest) -> Result<Manifest, serde_json::Error> {
        // The manifest supplies settings that an earlier version did not store.
        let mut deploy = fields(&manifest.deploy);
        deploy.extend(self.deploy.clone());
        let deploy = serde_json::from_value(Json::Object(deploy))?;
        let mut services = self.services.clone();
        for (name, settings) in &mut services {
            if let Some(now) = manifest.services.get(name) {
                settings.component.clone_from(&now.component);
            }
        }
        Ok(Manifest { deploy, services, ..manifest.clone() })
    }

    /// The keys of all settings that differ, such as `services.cart.limits.deadline_ms`; for a service that only one
    /// side has, the key of its section.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut keys = Vec::new();
        differences(&Json::Object(fields(self)), &Json::Object(fields(other)), "", &mut keys);
        keys
    }
}

fn differences(one: &Json, other: &Json, path: &str, keys: &mut Vec<String>) {
    match (one, other) {
        _ if one == other => {}
        (Json::Object(one), Json::Object(other)) => {
            let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of = |fields: &Map<String, Json>| fields.get(name).cloned().unwrap_or_default();
                differences(&of(one), &of(other), &path, keys);
            }
        }
        _ => keys.push(path.to_owned()),
    }
}

/// The fields of a section by their names.
pub(crate) fn fields(section: &impl Serialize) -> Map<String, Json> {
    match serde_json::to_value(section) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}
