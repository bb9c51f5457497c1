//! The operator's named tokens: revocable permissions, stored as hashes.
//!
//! A token has 256 random bits, so that its plain SHA-256 reveals nothing about it. It is shown once, when it is
//! created.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::clock::{self, rfc_3339_millis};
use crate::config::AdminToken;
use crate::names::{Digest, ServiceName};

/// The permissions of a token. Each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// See services, history and verdicts.
    Viewer,
    /// Deploy, promote, abort and roll back the services that the token names.
    Deployer,
    /// Everything, tokens included.
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::release) struct TokenRecord {
    pub(in crate::release) name: String,
    pub(in crate::release) role: Role,
    /// For a deployer: an empty list means all services.
    pub(in crate::release) services: Vec<ServiceName>,
    /// The hash of the token.
    pub(in crate::release) hash: Digest,
    /// In microseconds since the Unix epoch.
    pub(in crate::release) created_at: u64,
}

/// The holder of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The name in the history.
    pub name: String,
    role: Role,
    services: Vec<ServiceName>,
}

impl Holder {
    /// The holder of the admin token.
    #[must_use]
    pub fn admin() -> Self {
        Self { name: "admin".into(), role: Role::Admin, services: Vec::new() }
    }

    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// The services that it is for; `None` means all.
    #[must_use]
    pub fn services(&self) -> Option<&[ServiceName]> {
        (!self.services.is_empty()).then_some(&self.services)
    }

    /// Whether it may deploy at least one service.
    #[must_use]
    pub fn may_deploy_any(&self) -> bool {
        self.role > Role::Viewer
    }

    #[must_use]
    pub fn may_deploy(&self, service: &ServiceName) -> bool {
        match self.role {
            Role::Viewer => false,
            Role::Deployer => self.services.is_empty() || self.services.contains(service),
            Role::Admin => true,
        }
    }
}

impl TokenRecord {
    pub(in crate::release) fn new(name: &str, role: Role, services: Vec<ServiceName>, token: &AdminToken) -> Self {
        let hash = Self::of(token);
        Self { name: name.into(), role, services, hash, created_at: clock::unix_micros() }
    }

    fn of(token: &AdminToken) -> Digest {
        Digest::of(token.reveal().as_bytes())
    }

    pub(in crate::release) fn view(&self) -> TokenView {
        let (name, services) = (self.name.clone(), self.services.clone());
        TokenView { name, role: self.role, services, created_at: rfc_3339_millis(self.created_at) }
    }

    fn holder(&self) -> Holder {
        Holder { name: self.name.clone(), role: self.role, services: self.services.clone() }
    }
}

/// A named token as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    pub name: String,
    pub role: Role,
    pub services: Vec<ServiceName>,
    /// RFC 3339, in UTC.
    pub created_at: String,
}

/// The holder of `given`. All tokens are compared, so that the time reveals nothing.
pub(in crate::release) fn find(tokens: &[TokenRecord], given: &[u8]) -> Option<Holder> {
    let hash = Digest::of(given);
    let mut found = None;
    for token in tokens {
        if bool::from(token.hash.bytes().ct_eq(hash.bytes())) {
            found = Some(token.holder());
        }
    }
    found
}

#[cfg(test)]
mod tests;
