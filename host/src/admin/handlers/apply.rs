//! Applies a manifest to the host at the operator's request.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::options::{Options, REASON_BYTES_MAX, service_name};
use crate::admin::request::{RequestBody, parse_json, parse_signature, whole};
use crate::admin::server::Admin;
use crate::config::Manifest;
use crate::contract::Sources;
use crate::limits::APPLY_BYTES_MAX;
use crate::names::{Digest, ServiceName};
use crate::release::{Applied, Difference, Holder, Scope, Verdict, Wanted};
use crate::tasks::blocking;

/// The options of an apply, and of the change of one service.
pub(in crate::admin) const APPLY: &[&str] = &["dryRun", "resetReleases"];
pub(in crate::admin) const REMOVE: &[&str] = &["dryRun", "reason"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// The text of a `switchyard.toml`.
    manifest: String,
    #[serde(default)]
    components: BTreeMap<ServiceName, Digest>,
    contracts: Option<Vec<ContractFile>>,
    reason: Option<String>,
    #[serde(default)]
    signatures: BTreeMap<ServiceName, String>,
}

/// One service to add or to change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceOrder {
    /// The text of a `switchyard.toml`, of which only the section of the service counts.
    manifest: String,
    component: Digest,
    contracts: Option<Vec<ContractFile>>,
    reason: Option<String>,
    signature: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractFile {
    /// The files of one folder form a package; the host reads nothing from this path.
    path: String,
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct ApplyAnswer {
    changes: Vec<Difference>,
    missing: Vec<Digest>,
    verdicts: BTreeMap<ServiceName, Verdict>,
    applied: bool,
    manifest_file: ManifestFile,
}

/// The manifest file that the host starts with.
#[derive(Debug, Serialize)]
struct ManifestFile {
    path: PathBuf,
    /// Whether it equals the applied settings; otherwise the file is outdated.
    agrees: bool,
}

impl Admin {
    /// Computes the changes from the current state to the requested one, and applies them, except in a dry run.
    pub(in crate::admin) async fn apply(
        &self,
        who: &Holder,
        head: &Parts,
        body: &mut RequestBody,
    ) -> Result<ApplyAnswer, AdminError> {
        admin_only(who, "apply a manifest")?;
        let options = Options::read(head.uri.query(), APPLY)?;
        let body = whole(body, APPLY_BYTES_MAX, self.body_read_max).await?;
        let Order { manifest, components, contracts, reason, signatures } = parse_json(&body)?;
        short_reason(reason.as_ref())?;
        let manifest = self.parsed(&manifest)?;
        let signatures = signatures.into_iter().map(|(name, text)| Ok((name, parse_signature(&text)?)));
        let signatures = signatures.collect::<Result<_, AdminError>>()?;
        let contracts = contracts.map(sources);
        let (reset_releases, scope) = (options.reset_releases, Scope::All);
        let wanted = Wanted { manifest, components, contracts, reason, signatures, reset_releases, scope };
        self.plan_and_apply(who, wanted, options.plan.dry_run).await
    }

    /// Adds one service, or changes it to what its section of a manifest says.
    pub(in crate::admin) async fn add_service(
        &self,
        who: &Holder,
        service: &str,
        head: &Parts,
        body: &mut RequestBody,
    ) -> Result<ApplyAnswer, AdminError> {
        admin_only(who, "add a service")?;
        let service = service_name(service)?;
        let options = Options::read(head.uri.query(), APPLY)?;
        let body = whole(body, APPLY_BYTES_MAX, self.body_read_max).await?;
        let ServiceOrder { manifest, component, contracts, reason, signature } = parse_json(&body)?;
        short_reason(reason.as_ref())?;
        let signature = signature.map(|text| parse_signature(&text)).transpose()?;
        let wanted = Wanted {
            manifest: self.parsed(&manifest)?,
            components: BTreeMap::from([(service.clone(), component)]),
            contracts: contracts.map(sources),
            reason,
            signatures: signature.map(|signature| (service.clone(), signature)).into_iter().collect(),
            reset_releases: options.reset_releases,
            scope: Scope::Add(service),
        };
        self.plan_and_apply(who, wanted, options.plan.dry_run).await
    }

    /// Removes one service; its store and its releases are kept.
    pub(in crate::admin) async fn remove_service(
        &self,
        who: &Holder,
        service: &str,
        head: &Parts,
    ) -> Result<ApplyAnswer, AdminError> {
        admin_only(who, "remove a service")?;
        let service = self.named(service)?;
        let options = Options::read(head.uri.query(), REMOVE)?;
        let wanted = Wanted {
            manifest: self.configuration.manifest.clone(),
            components: BTreeMap::new(),
            contracts: None,
            reason: options.plan.reason,
            signatures: BTreeMap::new(),
            reset_releases: false,
            scope: Scope::Remove(service),
        };
        self.plan_and_apply(who, wanted, options.plan.dry_run).await
    }

    fn parsed(&self, manifest: &str) -> Result<Manifest, AdminError> {
        let parsed = self.configuration.with_text(manifest);
        parsed.map_err(|error| AdminError::unprocessable(format!("The manifest: {error}")))
    }

    async fn plan_and_apply(&self, who: &Holder, wanted: Wanted, dry_run: bool) -> Result<ApplyAnswer, AdminError> {
        let manifest = wanted.manifest.clone();
        let of_all = wanted.scope == Scope::All;
        let applied = self.releases.apply(who, wanted, dry_run).await?;
        // After a change of one service, the file of the host is compared with everything that is applied now.
        let manifest_file = match of_all {
            true => self.manifest_file(&manifest).await,
            false => self.applied_file().await,
        };
        let Applied { differences, missing, verdicts, applied } = applied;
        let verdicts = verdicts.into_iter().map(|verdict| (verdict.service.clone(), verdict)).collect();
        Ok(ApplyAnswer { changes: differences, missing, verdicts, applied, manifest_file })
    }

    async fn applied_file(&self) -> ManifestFile {
        let unapplied = self.manifest_in_file().await.map(|file| self.releases.unapplied(&file));
        ManifestFile { path: self.manifest_path(), agrees: unapplied.is_ok_and(|keys| keys.is_empty()) }
    }

    async fn manifest_file(&self, wanted: &Manifest) -> ManifestFile {
        // A file that is unreadable does not agree.
        let agrees = self.manifest_in_file().await.is_ok_and(|file| file == *wanted);
        ManifestFile { path: self.manifest_path(), agrees }
    }

    /// The manifest in its file now, or why the host could not start with it.
    pub(in crate::admin) async fn manifest_in_file(&self) -> Result<Manifest, String> {
        let configuration = self.configuration.clone();
        let read = blocking(move || configuration.reload()).await;
        read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    /// The path of the host's manifest file.
    pub(in crate::admin) fn manifest_path(&self) -> PathBuf {
        let path = self.configuration.path();
        std::path::absolute(path).unwrap_or_else(|_| path.into())
    }
}

fn short_reason(reason: Option<&String>) -> Result<(), AdminError> {
    match reason.is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
        true => Err(AdminError::bad_request(format!("The reason is longer than {REASON_BYTES_MAX} bytes."))),
        false => Ok(()),
    }
}

fn sources(files: Vec<ContractFile>) -> Sources {
    Sources::of_files(files.into_iter().map(|ContractFile { path, text }| (path, text)).collect())
}
