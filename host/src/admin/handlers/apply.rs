//! Applies a manifest to the host at the operator's request.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::options::{Options, REASON_BYTES_MAX};
use crate::admin::request::{RequestBody, parse_json, parse_signature, whole};
use crate::admin::server::Admin;
use crate::config::Manifest;
use crate::contract::Sources;
use crate::limits::APPLY_BYTES_MAX;
use crate::names::{Digest, ServiceName};
use crate::release::{Applied, Difference, Holder, Verdict, Wanted};
use crate::tasks::blocking;

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
        let options = Options::read(head.uri.query(), &["dryRun"])?;
        let body = whole(body, APPLY_BYTES_MAX, self.body_read_max).await?;
        let Order { manifest, components, contracts, reason, signatures } = parse_json(&body)?;
        if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
            return Err(AdminError::bad_request(format!("The reason is longer than {REASON_BYTES_MAX} bytes.")));
        }
        let manifest = self.configuration.with_text(&manifest);
        let manifest = manifest.map_err(|error| AdminError::unprocessable(format!("The manifest: {error}")))?;
        let manifest_file = self.manifest_file(&manifest).await;
        let contracts = contracts.map(|files| {
            Sources::of_files(files.into_iter().map(|ContractFile { path, text }| (path, text)).collect())
        });
        let signatures = signatures.into_iter().map(|(name, text)| Ok((name, parse_signature(&text)?)));
        let signatures = signatures.collect::<Result<_, AdminError>>()?;
        let wanted = Wanted { manifest, components, contracts, reason, signatures };
        let applied = self.releases.apply(who, wanted, options.plan.dry_run).await?;
        let Applied { differences, missing, verdicts, applied } = applied;
        let verdicts = verdicts.into_iter().map(|verdict| (verdict.service.clone(), verdict)).collect();
        Ok(ApplyAnswer { changes: differences, missing, verdicts, applied, manifest_file })
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
