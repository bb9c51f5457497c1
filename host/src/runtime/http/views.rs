//! The part of an instance's state that each offered interface borrows.

use wasmtime::component::Linker;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView, p2, p3};

use super::error_code;
use super::state::State;
use crate::runtime::offered::{call, caller, config, keyvalue, store};

/// Adds all interfaces. Outgoing requests are always there; without a grant each is denied.
///
/// # Errors
///
/// When two of them have the same name.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    p2::add_only_http_to_linker_async(linker)?;
    error_code::add_to_linker(linker)?;
    p3::add_to_linker(linker)?;
    store::add_to_linker(linker, |state| store::View { transaction: state.transaction.guard() })?;
    keyvalue::add_to_linker(linker, |state| keyvalue::View {
        transaction: state.transaction.guard(),
        table: &mut state.table,
    })?;
    config::add_to_linker(linker, |state| config::View { environment: &state.service.environment })?;
    caller::add_to_linker(linker, |state| caller::View {
        identity: state.identity.as_ref(),
        calling_service: None,
        uses: &mut state.uses,
    })?;
    call::add_to_linker(linker, |state| call::View { time: &mut state.time, random: &mut state.random })
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        // A request may tell others what the guest has read.
        self.outgoing.gate(self.transaction.gate());
        self.outgoing.hold_back(self.transaction.may_only_read());
        WasiHttpCtxView { hooks: &mut self.outgoing, table: &mut self.table, ctx: &mut self.http }
    }
}
