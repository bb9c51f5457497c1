//! Backups at the operator's request. The answer has a line of JSON for each step, so that the client sees progress.

use std::ops::ControlFlow;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::admin::authorize::admin_only;
use crate::admin::error::{AdminError, error_text};
use crate::admin::request::{RequestBody, parse_json, whole};
use crate::admin::server::Admin;
use crate::gateway::{Body, BodyError};
use crate::release::{BackupError, Holder};
use crate::store::{BackupDocument, Progress};

/// Lines that wait to be sent; a slow client gets fewer progress lines.
const LINES_WAITING_MAX: usize = 16;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// A path on the host's machine.
    folder: PathBuf,
}

/// One line of the answer. The last one is the result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Progress(Progress),
    Backup(Made),
    Error(String),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    folder: PathBuf,
    #[serde(flatten)]
    document: BackupDocument,
}

impl Admin {
    /// Writes a backup. If the client disconnects before the end, no backup is left.
    pub(in crate::admin) async fn backup(
        &self,
        who: &Holder,
        body: &mut RequestBody,
    ) -> Result<Response<Body>, AdminError> {
        admin_only(who, "make a backup")?;
        let Wanted { folder } = parse_json(&whole(body, self.body_bytes_max, self.body_read_max).await?)?;
        let (send, mut lines) = mpsc::channel(LINES_WAITING_MAX);
        let (releases, progress) = (self.releases.clone(), send.clone());
        let tell = move |now: &Progress| match progress.try_send(Ok(Line::Progress(now.clone()))) {
            Err(mpsc::error::TrySendError::Closed(_)) => ControlFlow::Break(()),
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => ControlFlow::Continue(()),
        };
        self.tasks.spawn("answer of a backup", async move {
            let made = releases.backup(folder.clone(), tell).await;
            // The client may have disconnected.
            let _unheard = send.send(made.map(|document| Line::Backup(Made { folder, document }))).await;
        });
        // If the first line is an error, the answer is an ordinary refusal.
        let first = match lines.recv().await {
            Some(Err(error)) => return Err(refused(error)),
            first => first,
        };
        let lines = stream::unfold((first, lines), |(first, mut lines)| async {
            let line = match first {
                Some(line) => line,
                None => lines.recv().await?,
            };
            Some((Ok::<_, BodyError>(Frame::data(text(line))), (None, lines)))
        });
        let mut response = Response::new(Body::stream(StreamBody::new(lines)));
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        Ok(response)
    }
}

fn text(line: Result<Line, BackupError>) -> Bytes {
    let line = line.unwrap_or_else(|error| Line::Error(error_text(&error)));
    let mut text = serde_json::to_vec(&line).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

fn refused(error: BackupError) -> AdminError {
    let text = error_text(&error);
    match error {
        BackupError::Busy | BackupError::NotEmpty { .. } => AdminError::conflict(text),
        BackupError::NotAbsolute { .. }
        | BackupError::InData { .. }
        | BackupError::NotPermitted { .. }
        | BackupError::Folder { .. } => AdminError::bad_request(text),
        _ => AdminError::busy(text),
    }
}
