//! The desired state of the host, from the local files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind};
use crate::cli::releases::component::{Component, unreadable};
use crate::config::{Flags, Signature};
use crate::contract::wit_files;
use crate::names::{Digest, ServiceName};

/// The manifest's text, the contracts, and which component is for which service.
#[derive(Debug)]
pub(super) struct DesiredState {
    manifest: String,
    components: BTreeMap<String, DesiredComponent>,
    /// Path below the contracts' folder, and text.
    contracts: Vec<(String, String)>,
}

/// A component and its digest. Its bytes are read again only if the host needs them.
#[derive(Debug)]
struct DesiredComponent {
    file: PathBuf,
    digest: Digest,
    signature: Option<Signature>,
}

impl DesiredState {
    /// Reads the manifest at `path` and all files that it names.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::read_some(path, |_| true)
    }

    /// Like [`DesiredState::read`], for one service.
    pub(super) fn read_one(path: &Path, service: &str) -> Result<Self, Failure> {
        ServiceName::parse(service).map_err(|error| Failure::new(Kind::Usage, error))?;
        let state = Self::read_some(path, |name| name == service)?;
        match state.components.contains_key(service) {
            true => Ok(state),
            false => Err(Failure::text(Kind::Usage, format!("{} has no section [services.{service}]", path.display()))),
        }
    }

    fn read_some(path: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Self, Failure> {
        let settings = load(path, Flags::default())?.manifest;
        let manifest = std::fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
        let mut components = BTreeMap::new();
        for (name, service) in settings.services.into_iter().filter(|(name, _)| is_wanted(name.as_str())) {
            let Component { digest, signature, .. } = Component::read(&service.component, None)?;
            components.insert(name.to_string(), DesiredComponent { file: service.component, digest, signature });
        }
        let contracts = wit_files(&settings.host.wit).map_err(|error| Failure::new(Kind::Usage, error))?;
        Ok(Self { manifest, components, contracts })
    }

    /// The file of the component with this digest.
    pub(super) fn file_of(&self, digest: &str) -> Option<&Path> {
        let component = self.components.values().find(|component| component.digest.to_string() == digest);
        component.map(|component| component.file.as_path())
    }

    /// The body of the request for one service of it.
    pub(super) fn order_of(&self, service: &str, reason: Option<&str>) -> Value {
        let component = self.components.get(service);
        let contracts: Vec<_> = self.contracts.iter().map(|(path, text)| json!({"path": path, "text": text})).collect();
        let mut order = json!({"manifest": self.manifest, "contracts": contracts});
        if let Some(order) = order.as_object_mut() {
            let digest = component.map(|component| ("component".to_owned(), component.digest.to_string().into()));
            let signature = component.and_then(|component| component.signature);
            order.extend(digest);
            order.extend(signature.map(|signature| ("signature".to_owned(), signature.to_string().into())));
            order.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
        }
        order
    }

    /// The body of the request for this state.
    pub(super) fn order(&self, reason: Option<&str>) -> Value {
        let digests: Map<_, _> = self
            .components
            .iter()
            .map(|(service, component)| (service.clone(), component.digest.to_string().into()))
            .collect();
        let signed = |(service, component): (&String, &DesiredComponent)| {
            component.signature.map(|signature| (service.clone(), Value::from(signature.to_string())))
        };
        let signatures: Map<_, _> = self.components.iter().filter_map(signed).collect();
        let contracts: Vec<_> = self.contracts.iter().map(|(path, text)| json!({"path": path, "text": text})).collect();
        let mut order = json!({"manifest": self.manifest, "components": digests, "contracts": contracts});
        if let Some(order) = order.as_object_mut() {
            if !signatures.is_empty() {
                order.insert("signatures".into(), signatures.into());
            }
            order.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
        }
        order
    }
}
