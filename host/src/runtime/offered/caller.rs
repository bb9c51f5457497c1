//! `switchyard:service/caller`: who a call is made for.

use wasmtime::component::{HasData, Linker};

use crate::names::{Identity, ServiceName};
use crate::runtime::bindings::service::switchyard::service::caller;
use crate::runtime::state::State;

struct View<'a> {
    identity: Option<&'a Identity>,
    calling_service: Option<&'a ServiceName>,
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

struct Caller;

impl HasData for Caller {
    type Data<'a> = View<'a>;
}

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    caller::add_to_linker::<State, Caller>(linker, |state| View {
        identity: state.identity.as_ref(),
        calling_service: state.calling_service.as_ref(),
    })
}
