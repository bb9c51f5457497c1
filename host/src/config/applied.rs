//! The part of the manifest that takes effect by an apply. The host stores it, and starts with what it stored.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::settings::{LimitOverrides, Manifest, ServiceSettings};
use crate::names::ServiceName;

/// Only a restart changes who may sign: a stolen token must not lift what guards against it.
const SIGNERS: &str = "signers";

/// The applied settings, in one form for all manifests that mean the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppliedSettings {
    /// The section `deploy`, without its signers.
    deploy: Map<String, Json>,
    /// With all their limits, and without paths: those mean nothing on another machine.
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

    /// `manifest` with these settings instead of its own.
    ///
    /// # Errors
    ///
    /// When another version of switchyard stored them, and this one cannot read them.
    pub fn over(&self, manifest: &Manifest) -> Result<Manifest, serde_json::Error> {
        // What an earlier version did not store yet is as the manifest has it.
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

    /// The keys of all settings that are not the same in both, such as `services.cart.limits.deadline_ms`; of a service
    /// that only one of them has, its section.
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
