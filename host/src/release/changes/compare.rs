//! The differences between a running host and a manifest with its components and contracts. It changes nothing.
//!
//! Invariant: a host does not differ from itself.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::super::error::DeployError;
use super::super::judging::judge_input::joined;
use super::super::records::record::ReleaseRecord;
use crate::call::NotExported;
use crate::config::{Manifest, ServiceSettings, fields, grants_text};
use crate::contract::{World, track};
use crate::names::{Digest, ServiceName};

/// The limit of a service's store; all other limits belong to its releases.
const STORE_BYTES_MAX: &str = "store_bytes_max";

const OUTBOUND_HOSTS: &str = "outbound_hosts";

/// The setting of `deploy` that takes effect only after a restart: the holder of a stolen token must not be able to
/// remove this protection.
const SIGNERS: &str = "signers";

/// One difference from the wanted state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Absent for a setting of the whole host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    pub what: Differs,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The setting, or another detail. Never a value of the environment, which may be a secret.
    pub detail: String,
}

/// The kind of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Differs {
    Add,
    Remove,
    /// Another component.
    Deploy,
    Settings,
    /// Another contract, or another text of the same contract.
    Contract,
    /// It takes effect only after a restart of the host.
    Restart,
    /// Its live release was deployed after the last apply, and stays although the manifest has another component.
    Keeps,
}

/// The effect of an apply on a service, the smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::release) enum ServiceAction {
    /// Its releases do not change: for example, it gets another mount or another limit of its store.
    Beside,
    /// Its live release continues within other limits.
    Bounds,
    /// It gets a release of the same component with another configuration.
    Configure,
    /// It gets a release of another component, or of another contract.
    Deploy,
    Add,
    Remove,
}

/// The running services, with everything that a manifest determines.
#[derive(Debug)]
pub(in crate::release) struct Present<'a> {
    pub(in crate::release) manifest: &'a Manifest,
    pub(in crate::release) services: BTreeMap<&'a ServiceName, Serving<'a>>,
    /// The last release of each service that was removed.
    pub(in crate::release) removed: BTreeMap<&'a ServiceName, &'a ReleaseRecord>,
}

/// The live release of one service.
#[derive(Debug)]
pub(in crate::release) struct Serving<'a> {
    pub(in crate::release) release: &'a ReleaseRecord,
    pub(in crate::release) world: &'a World,
    pub(in crate::release) has_candidate: bool,
}

/// The wanted services.
#[derive(Debug)]
pub(in crate::release) struct Target<'a> {
    pub(in crate::release) manifest: &'a Manifest,
    /// One for each service.
    pub(in crate::release) components: &'a BTreeMap<ServiceName, Digest>,
    /// One for each service with a contract.
    pub(in crate::release) worlds: &'a BTreeMap<ServiceName, Arc<World>>,
}

/// All differences from the wanted state.
#[derive(Debug, Default)]
pub(in crate::release) struct Comparison {
    pub(in crate::release) differences: Vec<Difference>,
    /// The action for each service that changes now.
    pub(in crate::release) actions: BTreeMap<ServiceName, ServiceAction>,
}

/// Finds the differences between `present` and `target`.
pub(in crate::release) fn compare(present: &Present<'_>, target: &Target<'_>) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.host(present.manifest, target.manifest);
    let names: BTreeSet<_> = present.manifest.services.keys().chain(target.manifest.services.keys()).collect();
    for name in names {
        let wanted = target.manifest.services.get(name);
        match (present.services.get(name), wanted) {
            (Some(serving), Some(wanted)) => comparison.service(present, target, (name, serving), wanted),
            (Some(serving), None) => {
                let detail = "its store and its releases are kept".to_owned();
                let from = Some(serving.release.digest.to_string());
                comparison.differs(Some(name), Differs::Remove, (from, None), detail);
                comparison.needs(name, ServiceAction::Remove);
            }
            (None, Some(_)) => {
                let earlier = present.removed.get(name).map(|release| release.digest.to_string());
                let detail =
                    earlier.as_ref().map_or("", |_| "it was removed before: its store and releases are used again");
                let to = target.components.get(name).map(Digest::to_string);
                comparison.differs(Some(name), Differs::Add, (earlier, to), detail.into());
                comparison.needs(name, ServiceAction::Add);
            }
            (None, None) => {}
        }
    }
    comparison
}

/// The manifest that is in effect after an apply of `target`: all other settings need a restart.
pub(in crate::release) fn effective(present: &Manifest, target: &Manifest) -> Manifest {
    let Manifest { limits, mut deploy, services, .. } = target.clone();
    deploy.signers.clone_from(&present.deploy.signers);
    Manifest { limits, deploy, services, ..present.clone() }
}

/// Checks that every imported interface has an exporter.
///
/// # Errors
///
/// [`DeployError::Imported`], with all services that import an interface whose only exporter would be removed;
/// otherwise [`DeployError::Together`].
pub(in crate::release) fn check_imports(present: &Present<'_>, target: &Target<'_>) -> Result<(), DeployError> {
    let interfaces = |worlds: &mut dyn Iterator<Item = &World>| -> BTreeSet<String> {
        let exports = worlds.flat_map(|world| &world.exports).filter(|interface| interface.is_called());
        exports.map(|interface| track(&interface.name).to_owned()).collect()
    };
    let exported = interfaces(&mut target.worlds.values().map(AsRef::as_ref));
    let missing = |world: &World| {
        let mut imports = world.imports.iter().filter(|interface| interface.is_called());
        imports
            .find(|interface| !exported.contains(track(&interface.name)))
            .map(|interface| Arc::clone(&interface.name))
    };
    let unserved: Vec<_> =
        target.worlds.iter().filter_map(|(name, world)| Some((name.clone(), missing(world)?))).collect();
    let Some((service, interface)) = unserved.first().cloned() else { return Ok(()) };
    let removed = present.services.iter().filter(|(name, _)| !target.worlds.contains_key(**name));
    for (name, serving) in removed {
        let exports = interfaces(&mut std::iter::once(serving.world));
        let by: Vec<_> = unserved.iter().filter(|(_, interface)| exports.contains(track(interface))).collect();
        if !by.is_empty() {
            let by = by.into_iter().map(|(importer, _)| importer.clone()).collect();
            return Err(DeployError::Imported { service: (*name).clone(), by });
        }
    }
    Err(NotExported { service, interface }.into())
}

/// Checks that a mounted service stays mounted, and that a service with a contract keeps having one: routes, calls and
/// data of one kind cannot continue in the other.
pub(in crate::release) fn check_kinds(present: &Manifest, target: &Manifest) -> Result<(), DeployError> {
    let has_contract = |settings: &ServiceSettings| settings.contract.is_some();
    for (name, before) in &present.services {
        if target.services.get(name).is_some_and(|after| has_contract(after) != has_contract(before)) {
            return Err(DeployError::OtherKind { service: name.clone() });
        }
    }
    Ok(())
}

impl Comparison {
    fn differs(
        &mut self,
        service: Option<&ServiceName>,
        what: Differs,
        (from, to): (Option<String>, Option<String>),
        detail: String,
    ) {
        self.differences.push(Difference { service: service.cloned(), what, from, to, detail });
    }

    fn needs(&mut self, name: &ServiceName, action: ServiceAction) {
        let known = self.actions.entry(name.clone()).or_insert(action);
        *known = action.max(*known);
    }

    /// The sections that are not about services.
    fn host(&mut self, present: &Manifest, target: &Manifest) {
        let sections = [
            ("host", fields(&present.host), fields(&target.host)),
            ("gateway", fields(&present.gateway), fields(&target.gateway)),
            ("store", fields(&present.store), fields(&target.store)),
            ("journal", fields(&present.journal), fields(&target.journal)),
            ("runtime", fields(&present.runtime), fields(&target.runtime)),
            ("retries", fields(&present.retries), fields(&target.retries)),
            ("deploy", fields(&present.deploy), fields(&target.deploy)),
            ("events", fields(&present.events), fields(&target.events)),
            ("telemetry", fields(&present.telemetry), fields(&target.telemetry)),
            ("cluster", fields(&present.cluster), fields(&target.cluster)),
        ];
        for (section, present, target) in sections {
            for (key, values) in different(&present, &target) {
                let now = section == "deploy" && key != SIGNERS;
                let what = if now { Differs::Settings } else { Differs::Restart };
                self.differs(None, what, values, format!("{section}.{key}"));
            }
        }
    }

    /// A running service that stays.
    fn service(
        &mut self,
        present: &Present<'_>,
        target: &Target<'_>,
        (name, serving): (&ServiceName, &Serving<'_>),
        wanted: &ServiceSettings,
    ) {
        let first = self.differences.len();
        self.component_and_contract(target, name, serving);
        self.configuration(present, (name, serving), wanted);
        let before = present.manifest.services.get(name).map(|before| before.limits(&present.manifest.limits));
        let before = before.map(|before| fields(&before)).unwrap_or_default();
        for (key, values) in different(&before, &fields(&wanted.limits(&target.manifest.limits))) {
            self.differs(Some(name), Differs::Settings, values, format!("limits.{key}"));
            self.needs(name, if key == STORE_BYTES_MAX { ServiceAction::Beside } else { ServiceAction::Bounds });
        }
        let ends =
            serving.has_candidate && self.actions.get(name).is_some_and(|action| *action > ServiceAction::Beside);
        if let Some(first) = self.differences.get_mut(first).filter(|_| ends) {
            let gap = if first.detail.is_empty() { "" } else { "; " };
            first.detail = format!("{}{gap}its candidate is removed", first.detail);
        }
    }

    fn component_and_contract(&mut self, target: &Target<'_>, name: &ServiceName, serving: &Serving<'_>) {
        let (live, wanted) = (serving.release.digest, target.components.get(name));
        if let Some(wanted) = wanted.filter(|wanted| **wanted != live) {
            let values = (Some(live.to_string()), Some(wanted.to_string()));
            self.differs(Some(name), Differs::Deploy, values, String::new());
            self.needs(name, ServiceAction::Deploy);
        }
        let Some(world) = target.worlds.get(name).filter(|world| ***world != *serving.world) else { return };
        let (values, detail) = match serving.world.name == world.name {
            true => ((None, None), format!("the text of {}", world.name)),
            false => ((Some(serving.world.name.to_string()), Some(world.name.to_string())), String::new()),
        };
        self.differs(Some(name), Differs::Contract, values, detail);
        self.needs(name, ServiceAction::Deploy);
    }

    fn configuration(
        &mut self,
        present: &Present<'_>,
        (name, serving): (&ServiceName, &Serving<'_>),
        wanted: &ServiceSettings,
    ) {
        let Serving { release, .. } = serving;
        let variables: BTreeSet<_> = release.environment.keys().chain(wanted.environment.keys()).collect();
        for variable in
            variables.into_iter().filter(|name| release.environment.get(*name) != wanted.environment.get(*name))
        {
            self.differs(Some(name), Differs::Settings, (None, None), format!("environment.{variable}"));
            self.needs(name, ServiceAction::Configure);
        }
        let hosts = joined(&wanted.outbound_hosts, &release.granted);
        if !release.reaches(&hosts) {
            let values = (Some(grants_text(&release.outbound_hosts)), Some(grants_text(&hosts)));
            self.differs(Some(name), Differs::Settings, values, OUTBOUND_HOSTS.into());
            self.needs(name, ServiceAction::Configure);
        }
        let Some(before) = present.manifest.services.get(name) else { return };
        let has_contract_change =
            |one: &Difference| one.service.as_ref() == Some(name) && one.what == Differs::Contract;
        let set = |settings: &ServiceSettings| settings.outbound_hosts.iter().cloned().collect::<BTreeSet<_>>();
        for (key, values) in different(&fields(before), &fields(wanted)) {
            let is_beside = match key.as_str() {
                "mount" | "strip_prefix" | "events_from" => true,
                // The same contract or hosts in another notation.
                "contract" => !self.differences.iter().any(has_contract_change),
                OUTBOUND_HOSTS => release.reaches(&hosts) && set(before) != set(wanted),
                _ => false,
            };
            if is_beside {
                self.differs(Some(name), Differs::Settings, values, key);
                self.needs(name, ServiceAction::Beside);
            }
        }
    }
}

/// A value before and after.
type Values = (Option<String>, Option<String>);

/// The fields that differ.
fn different(before: &Map<String, Json>, after: &Map<String, Json>) -> Vec<(String, Values)> {
    fn text(value: Option<&Json>) -> Option<String> {
        match value? {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            Json::Array(items) => Some(items.iter().filter_map(|item| text(Some(item))).collect::<Vec<_>>().join(", ")),
            value => Some(value.to_string()),
        }
    }
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let values = |key: &String| (before.get(key), after.get(key));
    let different = keys.into_iter().filter(|key| values(key).0 != values(key).1);
    different.map(|key| (key.clone(), (text(values(key).0), text(values(key).1)))).collect()
}
