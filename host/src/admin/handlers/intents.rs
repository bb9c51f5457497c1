//! Open intents for the operator: list them, retry one, give one up.

use hyper::http::request::Parts;
use serde::Serialize;

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::options::Options;
use crate::admin::server::Admin;
use crate::call::IntentView;
use crate::gateway::{Fault, Refusal};
use crate::names::CallId;
use crate::release::{DeployError, Holder};

#[derive(Debug, Serialize)]
pub(in crate::admin) struct IntentList {
    items: Vec<IntentView>,
}

/// An action on one intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admin) enum IntentAction {
    Retry,
    GiveUp,
}

impl Admin {
    pub(in crate::admin) fn intents(&self) -> IntentList {
        IntentList { items: self.calls.intents() }
    }

    pub(in crate::admin) async fn act_on_intent(
        &self,
        who: &Holder,
        id: &str,
        action: IntentAction,
        head: &Parts,
    ) -> Result<IntentView, AdminError> {
        let id =
            CallId::parse(id).map_err(|error| AdminError::not_found(format!("There is no intent {id:?}: {error}.")));
        match action {
            IntentAction::Retry => {
                admin_only(who, "retry an intent")?;
                let Options { live, .. } = Options::read(head.uri.query(), &["live"])?;
                let retried = self.calls.retry_intent(id?, live).await;
                retried.map_err(|error| AdminError::from(DeployError::from(error)))
            }
            IntentAction::GiveUp => {
                admin_only(who, "give up an intent")?;
                let reason = Options::read(head.uri.query(), &["reason"])?.plan.reason.ok_or_else(no_reason)?;
                self.releases.give_up(who, id?, reason).await.map_err(AdminError::from)
            }
        }
    }
}

fn no_reason() -> Refusal {
    let detail = "is missing: give a reason for the history".into();
    Refusal::Faults(vec![Fault { field: None, parameter: Some("reason".into()), detail }])
}
