//! What a node reads of the platform's store while another one leads.

use super::records::platform_store::{PlatformError, PlatformStore, is_of_releases};
use super::records::token::{self, Holder};
use crate::names::HostSecret;
use crate::store::Stores;

/// Reads the platform's store without changing it.
#[derive(Debug)]
pub(crate) struct ReplicaReader(PlatformStore);

impl ReplicaReader {
    pub(crate) fn new(stores: &Stores) -> Self {
        Self(PlatformStore::new(stores.platform()))
    }

    /// The host's secret; `None` before the first start of the cluster's first host.
    pub(crate) fn secret(&self) -> Result<Option<HostSecret>, PlatformError> {
        self.0.secret()
    }

    /// The holder of the named token `given`.
    pub(crate) fn holder(&self, given: &[u8]) -> Result<Option<Holder>, PlatformError> {
        Ok(token::find(&self.0.tokens()?, given))
    }

    /// Whether the entry `key` of the platform's store is about releases or settings.
    pub(crate) fn is_of_releases(key: &str) -> bool {
        is_of_releases(key)
    }
}
