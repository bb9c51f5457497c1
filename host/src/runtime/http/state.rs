//! The state of one instance of a raw `wasi:http` component.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::DynOutputStream;
use wasmtime_wasi_http::WasiHttpCtx;

use super::frame::{HttpFrame, Slot};
use crate::limits::RANDOM_BYTES_MAX;
use crate::names::{Identity, RequestId};
use crate::runtime::instance::{Attempt, Grants, Memory, Outgoing, Printed, Service, Shortage, Source, Stream, Uses};
use crate::runtime::offered::{Random, SharedTransaction, Time};

pub(super) struct State {
    pub(super) service: Arc<Service>,
    pub(super) request: RequestId,
    pub(super) transaction: SharedTransaction,
    pub(super) identity: Option<Identity>,
    /// Of no use here: every request runs.
    pub(super) uses: Uses,
    pub(super) time: Time,
    pub(super) random: Random,
    pub(super) memory: Memory,
    pub(super) wasi: WasiCtx,
    pub(super) http: WasiHttpCtx,
    pub(super) outgoing: Outgoing,
    printed: Arc<Mutex<Printed>>,
    pub(super) table: ResourceTable,
    _instance: Slot,
}

impl State {
    /// Without `grants` no request leaves the host. `shortage` gets what the machine lacks for the guest's requests.
    pub(super) fn new(service: &Arc<Service>, frame: HttpFrame, grants: Option<Grants>, shortage: Shortage) -> Self {
        let printed = Arc::new(Mutex::new(Printed::new(Arc::clone(&service.log), frame.request.clone())));
        let mut table = ResourceTable::new();
        table.set_max_capacity(service.limits.handles_max);
        let wasi = WasiCtx::builder()
            .envs(&service.environment)
            .stdout(Output { printed: Arc::clone(&printed), source: Source::Stdout })
            .stderr(Output { printed: Arc::clone(&printed), source: Source::Stderr })
            .max_random_size(RANDOM_BYTES_MAX)
            .build();
        Self {
            service: Arc::clone(service),
            request: frame.request,
            transaction: SharedTransaction::new(frame.transaction, frame.generation, frame.only_reads),
            identity: frame.identity,
            uses: Uses::default(),
            time: Time::new(frame.time_unix_micros),
            random: Random::new(frame.seed),
            memory: Memory::new(service.limits.memory_bytes_max),
            wasi,
            http: WasiHttpCtx::new(),
            outgoing: Outgoing::new(service.request_log(), grants, shortage),
            printed,
            table,
            _instance: frame.instance,
        }
    }

    /// Whether the guest attempts requests that are not sent because nothing may leave the host.
    pub(super) fn attempt(&self) -> Attempt {
        self.outgoing.attempt()
    }

    /// What the machine lacked during the request.
    pub(super) fn shortage(&self) -> Option<String> {
        self.memory.shortage().or(self.outgoing.shortage()).map(ToOwned::to_owned)
    }

    /// Ends the log of the request, and returns its last part.
    pub(super) fn finish_log(&mut self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).finish()
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
