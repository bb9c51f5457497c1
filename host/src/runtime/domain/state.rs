//! The state of one instance, used by all host functions of one run.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use crate::names::{Identity, RequestId, ServiceName};
use crate::runtime::instance::{Frame, Memory, Outbound, Printed, Service, Uses};
use crate::runtime::offered::{Http, Random, Time};
use crate::store::Transaction;

pub(super) struct State {
    pub(super) service: Arc<Service>,
    pub(super) transaction: Transaction,
    pub(super) identity: Option<Identity>,
    pub(super) calling_service: Option<ServiceName>,
    /// What it used of the caller. [`State::uses`] has all.
    pub(super) caller_uses: Uses,
    pub(super) outbound: Box<dyn Outbound>,
    pub(super) request: RequestId,
    pub(super) deadline: Instant,
    /// Whether the run reaches only its store.
    pub(super) isolated: bool,
    pub(super) memory: Memory,
    /// The number of events that the run has emitted.
    pub(super) events: usize,
    pub(super) time: Time,
    pub(super) random: Random,
    /// Created when the guest first prints.
    pub(super) printed: Option<Arc<Mutex<Printed>>>,
    /// Created when the guest first uses a file, a socket or its standard input.
    pub(super) refused: Option<Box<WasiCtx>>,
    /// Created when the guest first makes an outgoing request.
    pub(super) http: Option<Box<Http>>,
    /// The streams, pollables and buckets that the guest holds.
    pub(super) table: ResourceTable,
}

impl State {
    pub(super) fn new(service: Arc<Service>, frame: Frame) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(service.limits.handles_max);
        Self {
            memory: Memory::new(service.limits.memory_bytes_max),
            service,
            transaction: frame.transaction,
            identity: frame.identity,
            calling_service: frame.calling_service,
            caller_uses: Uses::default(),
            outbound: frame.outbound,
            request: frame.request,
            deadline: frame.deadline,
            isolated: false,
            events: 0,
            time: Time::new(frame.time_unix_micros),
            random: Random::new(frame.seed),
            printed: None,
            refused: None,
            http: None,
            table,
        }
    }

    /// What the machine lacked during the run.
    pub(super) fn shortage(&self) -> Option<String> {
        let of_requests = self.http.as_ref().and_then(|http| http.shortage());
        self.memory.shortage().or(of_requests).map(ToOwned::to_owned)
    }

    /// What the run has used so far; `printed` is whether it has printed.
    pub(super) fn uses(&self, printed: bool) -> Uses {
        Uses {
            clock: self.time.is_used(),
            randomness: self.random.is_used(),
            outside: self.http.is_some(),
            log: printed,
            shortage: self.shortage().is_some(),
            ..self.caller_uses
        }
    }

    /// Ends the log of the run, and returns its last part.
    pub(super) fn finish_log(&mut self) -> String {
        let Some(printed) = self.printed.take() else { return String::new() };
        printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).finish()
    }
}
