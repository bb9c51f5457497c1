//! The state of one instance of a raw `wasi:http` component.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::limits::{HANDLES_MAX, RANDOM_BYTES_MAX};
use crate::names::RequestId;
use crate::runtime::instance::{Grants, Memory, Outgoing, Printed, Service, Shortage, Source, Stream};

pub(super) struct State {
    pub(super) memory: Memory,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outgoing: Outgoing,
    printed: Arc<Mutex<Printed>>,
    table: ResourceTable,
}

impl State {
    /// `shortage` gets what the machine lacks for its requests.
    pub(super) fn new(service: &Service, request: &RequestId, shortage: Shortage) -> Self {
        Self::with(service, request, Some(service.grants.clone()), shortage)
    }

    /// A state that sends no requests, whatever the service's grants.
    pub(super) fn isolated(service: &Service, request: &RequestId) -> Self {
        Self::with(service, request, None, Shortage::default())
    }

    fn with(service: &Service, request: &RequestId, grants: Option<Grants>, shortage: Shortage) -> Self {
        let printed = Arc::new(Mutex::new(Printed::new(Arc::clone(&service.log), request.clone())));
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        let wasi = WasiCtx::builder()
            .envs(&service.environment)
            .stdout(Output { printed: Arc::clone(&printed), source: Source::Stdout })
            .stderr(Output { printed: Arc::clone(&printed), source: Source::Stderr })
            .max_random_size(RANDOM_BYTES_MAX)
            .build();
        Self {
            memory: Memory::new(service.limits.memory_bytes_max),
            wasi,
            http: WasiHttpCtx::new(),
            outgoing: Outgoing::new(service.name.clone(), grants, shortage),
            printed,
            table,
        }
    }

    /// What the machine lacked during the request.
    pub(super) fn shortage(&self) -> Option<String> {
        self.memory.shortage().or(self.outgoing.shortage()).map(ToOwned::to_owned)
    }

    /// Ends the log of the request, and returns its last part.
    pub(super) fn finish_log(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).finish()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outgoing, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Standard output or error, for guests of either version.
#[derive(Clone)]
struct Output {
    printed: Arc<Mutex<Printed>>,
    source: Source,
}

impl Output {
    fn stream(&self) -> Stream {
        Stream { printed: Arc::clone(&self.printed), source: self.source }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> DynOutputStream {
        Box::new(self.stream())
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).print(self.source, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
