//! The recent log for the operator: what components and the host logged.

use std::time::Duration;

use hyper::http::request::Parts;

use crate::admin::error::AdminError;
use crate::admin::options::{Options, service_name};
use crate::admin::server::Admin;
use crate::gateway::{Fault, Refusal};
use crate::names::ServiceName;
use crate::observe::{LOG_FOLDER, LogFilter, LogPage, LogPosition, flush_recent_log, read_recent};
use crate::release::Holder;
use crate::tasks::blocking;

/// Lines in one page: the default, and the maximum.
const LINES: usize = 100;
const LINES_MAX: usize = 1000;

/// How long a request waits until the log has what was logged before it.
const FLUSH_MAX: Duration = Duration::from_millis(500);

pub(in crate::admin) const LOGS: &[&str] = &["service", "request", "limit", "after"];

impl Admin {
    /// The newest lines, or those after a position: all of them for an admin, those of its services for a deployer.
    pub(in crate::admin) async fn logs(&self, who: &Holder, head: &Parts) -> Result<LogPage, AdminError> {
        let options = Options::read(head.uri.query(), LOGS)?;
        let service = options.service.as_deref().map(service_name).transpose()?;
        let filter = filter(who, service, options.request)?;
        let after = options.after.as_deref().map(str::parse::<LogPosition>).transpose().map_err(no_position)?;
        let limit = options.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
        let folder = self.configuration.manifest.host.data.join(LOG_FOLDER);
        let Ok(_reading) = self.log_readers.acquire().await else {
            return Err(AdminError::busy("The host is stopping.".into()));
        };
        let read = move || {
            flush_recent_log(FLUSH_MAX);
            read_recent(&folder, &filter, after, limit)
        };
        let read = blocking(read).await.map_err(|error| Refusal::Answer { detail: error.to_string() })?;
        read.map_err(|error| AdminError::from(Refusal::Answer { detail: format!("the log cannot be read: {error}") }))
    }
}

/// The lines that the holder of a token may read, of `service` or of all that it may change.
fn filter(who: &Holder, service: Option<ServiceName>, request: Option<String>) -> Result<LogFilter, AdminError> {
    let forbidden = |what: String| Err(AdminError::forbidden(format!("The token {:?} may not read {what}.", who.name)));
    if !who.may_deploy_any() {
        return forbidden("the log: components may log what only their operators should see".into());
    }
    let services = match service {
        Some(service) if !who.may_deploy(&service) => return forbidden(format!("the log of {service}")),
        Some(service) => Some(vec![service]),
        None => who.services().map(<[_]>::to_vec),
    };
    Ok(LogFilter { services, of_services: !who.is_admin(), request })
}

fn no_position(detail: &'static str) -> Refusal {
    Refusal::Faults(vec![Fault { field: None, parameter: Some("after".into()), detail: detail.into() }])
}
