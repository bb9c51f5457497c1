//! The state of a service as lines of JSON: exports, and imports batch by batch.

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use crate::admin::authorize::admin_only;
use crate::admin::error::{AdminError, error_text};
use crate::admin::options::Options;
use crate::admin::request::{RequestBody, whole};
use crate::admin::server::Admin;
use crate::gateway::{Body, BodyError};
use crate::limits::STATE_LINES_MAX;
use crate::names::ServiceName;
use crate::release::{ChangeKind, Holder, ImportReport, StateExport, StateLine, TransferError};

/// The first line of an export.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    /// The state interface of the contract.
    state: &'a str,
    service: &'a ServiceName,
    /// The commit that this is the state of.
    number: u64,
}

/// The last line of an export.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum End {
    End { entities: u64 },
    Error(String),
}

/// What a stream of lines still has to send.
struct Lines {
    head: Option<Bytes>,
    export: Option<StateExport>,
    entities: u64,
}

impl Admin {
    /// All entities of a service: a line for the export, a line for each entity, and a line for the end.
    pub(in crate::admin) async fn export_state(
        &self,
        who: &Holder,
        service: &str,
    ) -> Result<Response<Body>, AdminError> {
        admin_only(who, "export state")?;
        let service = service_name(service)?;
        let export = self.releases.export_state(&service).map_err(refused)?;
        let head = Head { state: &export.interface, service: &service, number: export.number.0 };
        let lines = Lines { head: Some(line(&head)), export: Some(export), entities: 0 };
        let lines = stream::unfold(lines, |mut lines| async {
            let text = lines.next().await?;
            Some((Ok::<_, BodyError>(Frame::data(text)), lines))
        });
        let mut response = Response::new(Body::stream(StreamBody::new(lines)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        Ok(response)
    }

    /// Imports one batch of lines.
    pub(in crate::admin) async fn import_state(
        &self,
        who: &Holder,
        service: &str,
        query: Option<&str>,
        body: &mut RequestBody,
    ) -> Result<ImportReport, AdminError> {
        admin_only(who, "import state")?;
        let service = service_name(service)?;
        let options = Options::read(query, &["dryRun", "reason", "first"])?;
        let body = whole(body, self.body_bytes_max, self.body_read_max).await?;
        let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.iter().all(u8::is_ascii_whitespace));
        let lines = lines.enumerate().map(|(index, line)| {
            serde_json::from_slice::<StateLine>(line)
                .map_err(|error| AdminError::bad_entity(index, format!("Entity {index}: {error}.")))
        });
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        if lines.len() > STATE_LINES_MAX {
            let detail = format!("{} entities in one batch; at most {STATE_LINES_MAX} are allowed", lines.len());
            return Err(AdminError::bad_request(detail));
        }
        let dry_run = options.plan.dry_run;
        if options.first && !dry_run {
            let reason = options.plan.reason.unwrap_or_else(|| "state was imported".into());
            self.releases.note(who, &service, ChangeKind::Import, reason).await?;
        }
        self.releases.import_state(&service, &lines, dry_run).await.map_err(refused)
    }
}

impl Lines {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(head) = self.head.take() {
            return Some(head);
        }
        let mut export = self.export.take()?;
        match export.next().await {
            Ok(lines) if lines.is_empty() => Some(line(&End::End { entities: self.entities })),
            Ok(lines) => {
                self.entities += lines.len() as u64;
                self.export = Some(export);
                Some(lines.iter().map(line).collect::<Vec<_>>().concat().into())
            }
            Err(error) => Some(line(&End::Error(error_text(&error)))),
        }
    }
}

fn service_name(service: &str) -> Result<ServiceName, AdminError> {
    ServiceName::parse(service)
        .map_err(|error| AdminError::not_found(format!("There is no service {service:?}: {error}.")))
}

fn line(value: &impl Serialize) -> Bytes {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

fn refused(error: TransferError) -> AdminError {
    match error {
        TransferError::Release(error) => error.into(),
        TransferError::Busy => AdminError::busy(error_text(&error)),
        TransferError::NoState { .. } => AdminError::conflict(error_text(&error)),
        TransferError::Entity { index, .. } => AdminError::bad_entity(index, error_text(&error)),
        TransferError::State { .. } | TransferError::Export { .. } | TransferError::Encode { .. } => {
            AdminError::bad_request(error_text(&error))
        }
    }
}
