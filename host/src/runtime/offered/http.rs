//! `wasi:http/{types, outgoing-handler}`, for a service with granted hosts.
//!
//! A call that runs again makes its requests again: the receiver must recognize a repeated request by an id in it.

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, p2};

use crate::runtime::instance::{Gate, Grants, Outgoing, Service, Shortage};

/// The outgoing requests of one instance.
pub(in crate::runtime) struct Http {
    context: WasiHttpCtx,
    outgoing: Outgoing,
}

impl Http {
    /// Without `grants` no request leaves the host.
    pub(in crate::runtime) fn new(service: &Service, grants: Option<Grants>) -> Self {
        Self {
            context: WasiHttpCtx::new(),
            outgoing: Outgoing::new(service.request_log(), grants, Shortage::default()),
        }
    }

    /// What the machine lacked for a request.
    pub(in crate::runtime) fn shortage(&self) -> Option<&str> {
        self.outgoing.shortage()
    }

    /// From now on requests wait for `gate`.
    pub(in crate::runtime) fn view<'a>(
        &'a mut self,
        gate: Option<Gate>,
        table: &'a mut ResourceTable,
    ) -> WasiHttpCtxView<'a> {
        self.outgoing.gate(gate);
        WasiHttpCtxView { hooks: &mut self.outgoing, table, ctx: &mut self.context }
    }
}

pub(in crate::runtime) fn add_to_linker<T: WasiHttpView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    p2::add_only_http_to_linker_async(linker)
}
