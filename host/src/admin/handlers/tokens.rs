//! The operator's tokens: creates and revokes named tokens; and uploads, which need one.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::SemaphorePermit;

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::request::{RequestBody, parse_json, read_back, spooled, whole};
use crate::admin::server::Admin;
use crate::gateway::Refusal;
use crate::limits::{
    COMPONENT_BYTES_MAX, COMPONENT_READ_MAX, COMPONENT_WAIT_MAX, COMPONENTS_AT_ONCE_MAX, UPLOADS_AT_ONCE_MAX,
};
use crate::names::{Digest, ServiceName};
use crate::release::{Holder, Role, TokenView};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    role: Role,
    #[serde(default)]
    services: Vec<ServiceName>,
}

#[derive(Debug, Serialize)]
pub(in crate::admin) struct CreatedToken {
    #[serde(flatten)]
    view: TokenView,
    /// Shown only here.
    token: String,
}

#[derive(Debug, Serialize)]
pub(in crate::admin) struct TokenList {
    items: Vec<TokenView>,
}

#[derive(Debug, Serialize)]
pub(in crate::admin) struct UploadAnswer {
    digest: Digest,
    bytes: usize,
}

impl Admin {
    pub(in crate::admin) async fn add_token(
        &self,
        who: &Holder,
        body: &mut RequestBody,
    ) -> Result<CreatedToken, AdminError> {
        admin_only(who, "manage tokens")?;
        let body: Bytes = whole(body, self.body_bytes_max, self.body_read_max).await?;
        let NewToken { name, role, services } = parse_json(&body)?;
        let (view, token) = self.releases.add_token(who, &name, role, services).await?;
        Ok(CreatedToken { view, token: token.reveal().into() })
    }

    pub(in crate::admin) fn tokens(&self, who: &Holder) -> Result<TokenList, AdminError> {
        admin_only(who, "manage tokens")?;
        Ok(TokenList { items: self.releases.tokens() })
    }

    pub(in crate::admin) async fn revoke_token(&self, who: &Holder, name: &str) -> Result<(), AdminError> {
        admin_only(who, "manage tokens")?;
        match self.releases.revoke_token(who, name).await? {
            true => Ok(()),
            false => Err(AdminError::not_found(format!("There is no token {name:?}."))),
        }
    }

    /// Receives a component, then waits for a memory slot for it, which it holds until it is dropped.
    ///
    /// Only complete components wait for a slot: there are few, since each may need as much memory as the largest
    /// component.
    pub(in crate::admin) async fn receive(
        &self,
        body: &mut RequestBody,
    ) -> Result<(Bytes, SemaphorePermit<'_>), AdminError> {
        let Ok(_receiving) = self.uploads.try_acquire() else {
            return Err(AdminError::busy(format!("{UPLOADS_AT_ONCE_MAX} components are being uploaded: try again.")));
        };
        let folder = &self.configuration.manifest.host.data;
        let file = spooled(body, folder, COMPONENT_BYTES_MAX, COMPONENT_READ_MAX).await?;
        let place = match tokio::time::timeout(COMPONENT_WAIT_MAX, self.components.acquire()).await {
            Ok(Ok(place)) => place,
            _ => {
                let what = format!("{COMPONENTS_AT_ONCE_MAX} other components are being judged: try again.");
                return Err(AdminError::busy(what));
            }
        };
        Ok((read_back(file).await?, place))
    }

    /// Stores a component for a later deploy.
    pub(in crate::admin) async fn upload(
        &self,
        who: &Holder,
        body: &mut RequestBody,
    ) -> Result<UploadAnswer, AdminError> {
        if !who.may_deploy_any() {
            return Err(AdminError::forbidden(format!("The token {:?} may not deploy.", who.name)));
        }
        let (component, _place) = self.receive(body).await?;
        let bytes = component.len();
        let releases = self.releases.clone();
        // Hashing the largest component takes a tenth of a second or more.
        let digest = tokio::task::spawn_blocking(move || releases.upload(component)).await;
        let digest = digest.map_err(|error| Refusal::Answer { detail: error.to_string() })?;
        Ok(UploadAnswer { digest, bytes })
    }
}
