//! The state of one instance: all that the host functions of one run work on.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use super::frame::{Frame, Outbound};
use super::link::LinkSettings;
use super::log::{Budget, Printed};
use super::memory::Memory;
use super::offered::{Http, Random, Time};
use super::outgoing::Grants;
use crate::config::LimitSettings;
use crate::limits::HANDLES_MAX;
use crate::names::{Identity, RequestId, ServiceName};
use crate::observe::runtime::RuntimeMetrics;
use crate::store::Transaction;

/// What all instances of one service share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: ServiceName,
    pub(super) environment: Vec<(String, String)>,
    pub(super) limits: LimitSettings,
    pub(super) log: Arc<Budget>,
    pub(super) grants: Grants,
    pub(super) metrics: RuntimeMetrics,
}

impl Service {
    pub(super) fn new(settings: LinkSettings) -> Self {
        let LinkSettings { service: name, environment, outbound_hosts, limits } = settings;
        let metrics = RuntimeMetrics::new(&name);
        let log = Budget::new(name.clone(), limits.log_bytes_per_second, metrics.log_bytes_dropped.clone());
        Self { name, environment, limits, log: Arc::new(log), grants: Grants::new(&outbound_hosts), metrics }
    }
}

pub(super) struct State {
    pub(super) service: Arc<Service>,
    pub(super) transaction: Transaction,
    pub(super) identity: Option<Identity>,
    pub(super) calling_service: Option<ServiceName>,
    pub(super) outbound: Box<dyn Outbound>,
    pub(super) request: RequestId,
    pub(super) deadline: Instant,
    /// Whether the run reaches nothing but its store.
    pub(super) isolated: bool,
    pub(super) memory: Memory,
    /// How many events the run has emitted.
    pub(super) events: usize,
    pub(super) time: Time,
    pub(super) random: Random,
    /// Made when the guest first prints.
    pub(super) printed: Option<Arc<Mutex<Printed>>>,
    /// Made when the guest first asks for a file, a socket or its standard input.
    pub(super) refused: Option<Box<WasiCtx>>,
    /// Made when the guest first makes an outgoing request.
    pub(super) http: Option<Box<Http>>,
    /// The streams, pollables and buckets that the guest holds.
    pub(super) table: ResourceTable,
}

impl State {
    pub(super) fn new(service: Arc<Service>, frame: Frame) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES_MAX);
        Self {
            memory: Memory::new(service.limits.memory_bytes_max),
            service,
            transaction: frame.transaction,
            identity: frame.identity,
            calling_service: frame.calling_service,
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

    /// Ends the log of the run, and gives the last of it.
    pub(super) fn finish_log(&mut self) -> String {
        let Some(printed) = self.printed.take() else { return String::new() };
        printed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).finish()
    }
}
