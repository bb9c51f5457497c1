//! `switchyard:service/caller`: the caller's identity.

use crate::names::{Identity, ServiceName};
use crate::runtime::offered::bindings::service::switchyard::service::caller;

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) identity: Option<&'a Identity>,
    pub(in crate::runtime) calling_service: Option<&'a ServiceName>,
}

impl caller::Host for View<'_> {
    fn current(&mut self) -> wasmtime::Result<Option<caller::Identity>> {
        Ok(self.identity.map(|identity| caller::Identity {
            id: identity.id.as_ref().into(),
            role: identity.role.as_ref().into(),
            session: identity.session.as_deref().map(Into::into),
        }))
    }

    fn calling_service(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(self.calling_service.map(|service| service.as_str().into()))
    }
}

add_to_linker!(caller);
