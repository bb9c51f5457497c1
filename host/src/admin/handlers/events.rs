//! Events and schedules for the operator, and the actions on dead letters.

use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::options::{Options, REASON_BYTES_MAX};
use crate::admin::request::{RequestBody, parse_json, whole};
use crate::admin::server::Admin;
use crate::events::{DeadLetterError, DeadLetters, DeliveryView, EventId, Events, ScheduleView, SubscriptionView};
use crate::gateway::{Fault, Refusal};
use crate::limits::SCAN_ENTRIES_MAX;
use crate::release::{ChangeKind, Holder};
use crate::store::StoreError;
use crate::tasks::blocking;

/// Failed deliveries of each kind in one answer, unless the request gives a limit.
const DELIVERIES: usize = 100;

#[derive(Debug, Serialize)]
pub(in crate::admin) struct Subscriptions {
    items: Vec<SubscriptionView>,
}

/// The events of one service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct ServiceEvents {
    items: Vec<SubscriptionView>,
    failed_deliveries: Vec<DeliveryView>,
}

#[derive(Debug, Serialize)]
pub(in crate::admin) struct Schedules {
    items: Vec<ScheduleView>,
}

/// How many dead letters the action changed.
#[derive(Debug, Serialize)]
pub(in crate::admin) struct Count {
    count: usize,
}

/// An action on dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) enum DeadLetterAction {
    Replay,
    Drop,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeadLetterSelection {
    #[serde(default)]
    ids: Vec<String>,
    #[serde(default)]
    all: bool,
    reason: Option<String>,
}

impl Admin {
    pub(in crate::admin) async fn subscriptions(&self) -> Result<Subscriptions, AdminError> {
        let items = self.read_events(|events| events.subscriptions(None)).await?;
        Ok(Subscriptions { items })
    }

    /// Reads on a thread that may block: what is counted lies in the indexes.
    async fn read_events<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Events) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AdminError> {
        let events = self.events.clone();
        let read = blocking(move || read(&events)).await;
        read.map_err(|error| AdminError::from(Refusal::Answer { detail: error.to_string() }))?.map_err(unreadable)
    }

    pub(in crate::admin) fn schedules(&self, head: &Parts) -> Result<Schedules, AdminError> {
        let options = Options::read(head.uri.query(), &["service"])?;
        let service = options.service.map(|name| self.named(&name)).transpose()?;
        Ok(Schedules { items: self.events.schedules(service.as_ref()) })
    }

    /// The subscriptions of one service, and its failed deliveries.
    pub(in crate::admin) async fn service_events(
        &self,
        service: &str,
        head: &Parts,
    ) -> Result<ServiceEvents, AdminError> {
        let service = self.named(service)?;
        let options = Options::read(head.uri.query(), &["after", "limit"])?;
        let after = options.after.as_deref().map(EventId::parse).transpose().map_err(|error| {
            AdminError::from(Refusal::Faults(vec![Fault {
                field: None,
                parameter: Some("after".into()),
                detail: error.to_string(),
            }]))
        })?;
        let limit = u32::try_from(options.limit.unwrap_or(DELIVERIES)).unwrap_or(u32::MAX).clamp(1, SCAN_ENTRIES_MAX);
        let read = move |events: &Events| {
            let failed_deliveries = events.failed_deliveries(&service, after.as_ref(), limit)?;
            Ok(ServiceEvents { items: events.subscriptions(Some(&service))?, failed_deliveries })
        };
        self.read_events(read).await
    }

    pub(in crate::admin) async fn change_dead_letters(
        &self,
        who: &Holder,
        service: &str,
        action: DeadLetterAction,
        body: &mut RequestBody,
    ) -> Result<Count, AdminError> {
        admin_only(who, "replay or drop events")?;
        let service = self.named(service)?;
        let body = whole(body, self.body_bytes_max, self.body_read_max).await?;
        let DeadLetterSelection { ids, all, reason } = parse_json(&body)?;
        if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
            return Err(AdminError::bad_request(format!("`reason` must be at most {REASON_BYTES_MAX} bytes.")));
        }
        let letters = match (all, ids.is_empty()) {
            (true, true) => DeadLetters::All,
            (false, false) => {
                let ids: Result<_, _> = ids.iter().map(|id| EventId::parse(id)).collect();
                DeadLetters::These(ids.map_err(|error| AdminError::bad_request(format!("{error}.")))?)
            }
            _ => return Err(AdminError::bad_request("Name the dead letters in `ids`, or say `all`, not both.".into())),
        };
        let (done, what) = match action {
            DeadLetterAction::Replay => (self.events.replay(&service, &letters).await, ChangeKind::ReplayEvents),
            DeadLetterAction::Drop => (self.events.discard(&service, &letters).await, ChangeKind::DropEvents),
        };
        let count = done.map_err(dead_letter_error)?;
        if count > 0 {
            let letters = if count == 1 { "1 dead letter".to_owned() } else { format!("{count} dead letters") };
            let told = reason.map_or(letters.clone(), |reason| format!("{letters}: {reason}"));
            self.releases.note(who, &service, what, told).await?;
        }
        Ok(Count { count })
    }
}

fn unreadable(error: StoreError) -> AdminError {
    tracing::error!(%error, "events cannot be read");
    Refusal::Answer { detail: error.to_string() }.into()
}

fn dead_letter_error(error: DeadLetterError) -> AdminError {
    let text = format!("{error}.");
    match error {
        DeadLetterError::NoService { .. } | DeadLetterError::NoDeadLetter { .. } => AdminError::not_found(text),
        DeadLetterError::NotSubscribed { .. } | DeadLetterError::Full { .. } => AdminError::conflict(text),
        DeadLetterError::Store(_) | DeadLetterError::Commit(_) | DeadLetterError::Stopped(_) => {
            tracing::error!(error = &error as &dyn std::error::Error, "dead letters could not be changed");
            Refusal::Answer { detail: text }.into()
        }
    }
}
