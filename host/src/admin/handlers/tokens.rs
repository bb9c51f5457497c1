//! The operator's tokens: who comes with which, and making and revoking named ones.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::SemaphorePermit;

use crate::admin::authorize::admin_only;
use crate::admin::error::AdminError;
use crate::admin::request::{RequestBody, parse_json, whole};
use crate::admin::server::Admin;
use crate::limits::{COMPONENT_BYTES_MAX, COMPONENT_READ_MAX, COMPONENT_WAIT_MAX, COMPONENTS_AT_ONCE_MAX};
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
    /// Shown this once.
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
    /// Who holds `given`.
    pub(in crate::admin) fn holder(&self, given: &[u8]) -> Option<Holder> {
        if self.token.load().matches(given) {
            return Some(Holder::admin());
        }
        self.releases.holder(given)
    }

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

    /// A place to take a component in, until it is dropped: each may take as much memory as the largest one. Who finds
    /// none free waits for one, before a byte of the component is read.
    pub(in crate::admin) async fn place_for_component(&self) -> Result<SemaphorePermit<'_>, AdminError> {
        match tokio::time::timeout(COMPONENT_WAIT_MAX, self.components.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                Err(AdminError::busy(format!("{COMPONENTS_AT_ONCE_MAX} other components are being taken: try again.")))
            }
        }
    }

    /// Takes a component for a deploy that comes after it.
    pub(in crate::admin) async fn upload(
        &self,
        who: &Holder,
        body: &mut RequestBody,
    ) -> Result<UploadAnswer, AdminError> {
        if !who.may_deploy_any() {
            return Err(AdminError::forbidden(format!("The token {:?} may not deploy.", who.name)));
        }
        let _place = self.place_for_component().await?;
        let body = whole(body, COMPONENT_BYTES_MAX, COMPONENT_READ_MAX).await?;
        let bytes = body.len();
        let digest = self.releases.upload(body);
        Ok(UploadAnswer { digest, bytes })
    }
}
