//! The part of an instance's state that each offered interface borrows.

use wasmtime::component::Linker;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::state::State;
use crate::runtime::instance::Gate;
use crate::runtime::offered::{
    Http, TransactionRef, call, caller, clocks, config, environment, http, keyvalue, output, random, refused, store,
};

/// Adds all interfaces, and outgoing requests if `outgoing`.
///
/// # Errors
///
/// When two of them have the same name.
pub(super) fn add_to_linker(linker: &mut Linker<State>, outgoing: bool) -> wasmtime::Result<()> {
    if outgoing {
        http::add_to_linker(linker)?;
    }
    store::add_to_linker(linker, |state| store::View { transaction: TransactionRef::Own(&mut state.transaction) })?;
    caller::add_to_linker(linker, |state| caller::View {
        identity: state.identity.as_ref(),
        calling_service: state.calling_service.as_ref(),
        uses: &mut state.caller_uses,
    })?;
    call::add_to_linker(linker, |state| call::View { time: &mut state.time, random: &mut state.random })?;
    keyvalue::add_to_linker(linker, |state| keyvalue::View {
        transaction: TransactionRef::Own(&mut state.transaction),
        table: &mut state.table,
    })?;
    clocks::add_to_linker(linker, |state| clocks::View { time: &mut state.time, table: &mut state.table })?;
    config::add_to_linker(linker, |state| config::View { environment: &state.service.environment })?;
    environment::add_to_linker(linker, |state| environment::View { environment: &state.service.environment })?;
    output::add_to_linker(linker, |state| output::View {
        printed: &mut state.printed,
        log: &state.service.log,
        request: &state.request,
        table: &mut state.table,
    })?;
    random::add_to_linker(linker, |state| &mut state.random)?;
    refused::add_to_linker(linker, |state| &mut state.table)
}

/// The default context grants nothing. Few guests ever use it, and it costs a microsecond, so it is created on first
/// use.
impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: self.refused.get_or_insert_default(), table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let service = &self.service;
        let http = self.http.get_or_insert_with(|| {
            // Nothing of a rehearsal may leave the host.
            let leaves = !self.isolated && self.transaction.store().is_some();
            Box::new(Http::new(service, leaves.then(|| service.grants.clone())))
        });
        let number = self.outbound.leave(self.transaction.saw());
        http.view(self.transaction.store().map(|store| Gate { store: store.clone(), number }), &mut self.table)
    }
}
