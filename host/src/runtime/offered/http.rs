//! `wasi:http/{types, outgoing-handler}`, for a service whose operator named hosts.
//!
//! A call that runs again makes its requests again: whoever takes them must know a repeated one by an id in it.

use wasmtime::component::Linker;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, p2};

use crate::runtime::outgoing::{Gate, Outgoing};
use crate::runtime::state::State;

/// The outgoing requests of one instance.
pub(in crate::runtime) struct Http {
    context: WasiHttpCtx,
    outgoing: Outgoing,
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let service = &self.service;
        let http = self.http.get_or_insert_with(|| {
            // What is rehearsed must not leave the host.
            let leaves = !self.isolated && self.transaction.store().is_some();
            let grants = leaves.then(|| service.grants.clone());
            let outgoing = Outgoing::new(service.name.clone(), grants);
            Box::new(Http { context: WasiHttpCtx::new(), outgoing })
        });
        let number = self.outbound.leave(self.transaction.saw());
        http.outgoing.gate(self.transaction.store().map(|store| Gate { store: store.clone(), number }));
        WasiHttpCtxView { hooks: &mut http.outgoing, table: &mut self.table, ctx: &mut http.context }
    }
}

pub(in crate::runtime) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    p2::add_only_http_to_linker_async(linker)
}
