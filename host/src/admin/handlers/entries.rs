//! Single entries of a service's store: read page by page or one by one, set, and deleted.

use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};

use crate::admin::authorize::admin_only;
use crate::admin::error::{AdminError, error_text};
use crate::admin::options::Options;
use crate::admin::request::{RequestBody, whole};
use crate::admin::response::json;
use crate::admin::server::Admin;
use crate::gateway::{Body, Fault, Refusal};
use crate::limits::{SCAN_ENTRIES_MAX, VALUE_BYTES_MAX};
use crate::release::{DeployError, EntryEdit, EntryError, EntryPage, Holder};
use crate::store::{CommitError, StoreError};

/// The options of a change.
pub(in crate::admin) const EDIT: &[&str] = &["key", "ifDigest", "reason"];

/// Entries of one page, unless the request gives a limit.
const ENTRIES: usize = 100;

impl Admin {
    /// A page of the entries of a service.
    pub(in crate::admin) async fn entries(
        &self,
        who: &Holder,
        service: &str,
        query: Option<&str>,
    ) -> Result<EntryPage, AdminError> {
        admin_only(who, "read the entries of a store")?;
        let service = self.named(service)?;
        let Options { prefix, after, limit, .. } = Options::read(query, &["prefix", "after", "limit"])?;
        let limit = u32::try_from(limit.unwrap_or(ENTRIES)).unwrap_or(u32::MAX).clamp(1, SCAN_ENTRIES_MAX);
        self.releases.entries(&service, prefix.unwrap_or_default(), after, limit).await.map_err(refused)
    }

    /// Reads, sets or deletes one entry.
    pub(in crate::admin) async fn one_entry(
        &self,
        who: &Holder,
        service: &str,
        head: &Parts,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, AdminError> {
        let query = head.uri.query();
        if !matches!(head.method, Method::PUT | Method::DELETE) {
            admin_only(who, "read the entries of a store")?;
            let (service, key) = (self.named(service)?, key(Options::read(query, &["key"])?.key)?);
            return json(StatusCode::OK, &self.releases.entry(&service, &key).await.map_err(refused)?);
        }
        admin_only(who, "change the entries of a store")?;
        let service = self.named(service)?;
        let Options { key: named, expected, plan, .. } = Options::read(query, EDIT)?;
        let key = key(named)?;
        let value = match head.method {
            Method::PUT => Some(whole(body, VALUE_BYTES_MAX, self.body_read_max).await?),
            _ => None,
        };
        let edit = EntryEdit { key, value, expected, reason: plan.reason };
        json(StatusCode::OK, &self.releases.edit_entry(who, &service, edit).await.map_err(refused)?)
    }
}

fn key(given: Option<String>) -> Result<String, Refusal> {
    let detail = || "is missing: give the key of an entry".into();
    given.ok_or_else(|| Refusal::Faults(vec![Fault { field: None, parameter: Some("key".into()), detail: detail() }]))
}

fn refused(error: EntryError) -> AdminError {
    let text = error_text(&error);
    match error {
        EntryError::Release(error) => error.into(),
        EntryError::NoEntry { .. } => AdminError::not_found(text),
        EntryError::NotAsExpected { .. }
        | EntryError::Moving { .. }
        | EntryError::Commit { source: CommitError::Quota { .. }, .. } => AdminError::conflict(text),
        EntryError::Busy | EntryError::Commit { source: CommitError::NoRoom { .. }, .. } => AdminError::busy(text),
        EntryError::Store(StoreError::Key(_) | StoreError::ScanAfter | StoreError::ScanLimit { .. }) => {
            AdminError::bad_request(text)
        }
        EntryError::Commit { source, .. } => DeployError::Commit(source).into(),
        EntryError::Store(source) => DeployError::Commit(source.into()).into(),
    }
}
