//! A linked component: every run of one of its functions is a fresh instance.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre, Val};

use super::migration::Migration;
use super::state::State;
use crate::contract::{Function, World};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::Identity;
use crate::runtime::compile::Loaded;
use crate::runtime::instance::{
    Ended, Failure, Finished, Frame, IsolatedFrame, Service, initial_memory_bytes, json_bytes, over, report,
};
use crate::runtime::offered::HashSeed;

/// The functions of a contract by interface and name, and their indexes in a component.
pub(super) type Exports = HashMap<Arc<str>, HashMap<Arc<str>, ComponentExportIndex>>;

/// A component linked to a contract, ready to run. Its runs share nothing.
pub struct Program {
    pub(super) instances: InstancePre<State>,
    pub(super) exports: Exports,
    /// `None` if the component does not export it.
    pub(super) migration: Option<Migration>,
    /// Whether the component exports the state interface of its contract.
    pub(super) has_state: bool,
    pub(super) world: Arc<World>,
    pub(super) service: Arc<Service>,
    pub(super) code: Arc<Loaded>,
    /// The seed of hash tables in functions that only read: the same in every run, so that an answer may be used again.
    /// A function that writes gets one of its call, because a run after a crash must take the same path on any host.
    pub(super) hash_seed: HashSeed,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("service", &self.service).finish_non_exhaustive()
    }
}

/// The factor between a value's JSON and its memory in the host: names and items cost more there. A list of single
/// bytes costs five times this, so such a list may be only a fifth as long.
const MEMORY_PER_ANSWER_BYTE: usize = 8;

/// The minimum of memory that a guest may pass to the host in one call: the values of a whole commit, and some room.
const HANDED_BYTES_MIN: usize = 2 * COMMIT_BYTES_MAX;

impl Program {
    /// Runs `function` of the contract in a fresh instance, which is gone when this returns.
    ///
    /// The guest yields its thread at every tick of the epoch, and continues in the threads for long calls when it has
    /// used up its first slice. A failure is logged here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the guest and frees its slot and memory. The frame is lost with it.
    pub async fn run(
        self: &Arc<Self>,
        function: &Arc<Function>,
        arguments: impl Into<Arc<[Val]>>,
        frame: Frame,
    ) -> Finished {
        let state = State::new(Arc::clone(&self.service), frame);
        self.run_from(state, Some(Arc::clone(function)), arguments.into()).await
    }

    /// Like [`Program::run`], but it reaches only the store. Without a function the component is only started.
    pub(in crate::runtime) async fn run_isolated(
        self: &Arc<Self>,
        function: Option<&Arc<Function>>,
        arguments: impl Into<Arc<[Val]>>,
        frame: IsolatedFrame,
    ) -> Finished {
        self.run_isolated_for(None, function, arguments, frame).await
    }

    /// Like [`Program::run_isolated`], for a caller.
    pub(in crate::runtime) async fn run_isolated_for(
        self: &Arc<Self>,
        identity: Option<Identity>,
        function: Option<&Arc<Function>>,
        arguments: impl Into<Arc<[Val]>>,
        frame: IsolatedFrame,
    ) -> Finished {
        let frame = Frame { identity, ..frame.into_frame() };
        let state = State { isolated: true, ..State::new(Arc::clone(&self.service), frame) };
        self.run_from(state, function.map(Arc::clone), arguments.into()).await
    }

    async fn run_from(
        self: &Arc<Self>,
        mut state: State,
        function: Option<Arc<Function>>,
        arguments: Arc<[Val]>,
    ) -> Finished {
        if function.as_ref().is_some_and(|function| function.reads_only()) {
            state.random.set_hash_seed(self.hash_seed);
        }
        let (program, called) = (Arc::clone(self), function.clone());
        let run = Box::pin(async move { program.run_to_end(state, called.as_deref(), &arguments).await });
        let (result, mut state) = self.code.ticker.run(run).await;
        let log_tail = state.finish_log();
        let uses = state.uses(!log_tail.is_empty());
        let result = result.map_err(|failure| {
            let function = Called(function.as_deref());
            let memory_refused = state.memory.refused();
            let (request, shortage) = (&state.request, state.shortage());
            let ended = Ended { request, function: &function, memory_refused, shortage, log_tail };
            report(&self.service, ended, failure)
        });
        Finished { result, transaction: state.transaction, uses }
    }

    async fn run_to_end(
        &self,
        state: State,
        function: Option<&Function>,
        arguments: &[Val],
    ) -> (Result<Option<Val>, Failure>, State) {
        let _counted = self.service.metrics.count_instance();
        let deadline = state.deadline.into();
        let mut store = self.store(state);
        let run = self.run_in(&mut store, function, arguments);
        let result = tokio::time::timeout_at(deadline, run).await.unwrap_or(Err(Failure::Deadline));
        (result, store.into_data())
    }

    /// The functions of its contract, and those of the state interface if it has one.
    #[must_use]
    pub fn exported_functions(&self) -> Vec<&Arc<Function>> {
        let state = self.state_interface().into_iter().flat_map(|state| state.functions());
        self.world.exports.iter().flat_map(|interface| &interface.functions).chain(state).collect()
    }

    /// The size of the largest memory that a new instance has.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        initial_memory_bytes(self.instances.component())
    }

    /// Whether its service may send requests to outside hosts.
    #[must_use]
    pub fn reaches_out(&self) -> bool {
        !self.service.grants.is_empty()
    }

    fn store(&self, state: State) -> Store<State> {
        let limits = &self.service.limits;
        let fuel = limits.answer_bytes_max.saturating_mul(MEMORY_PER_ANSWER_BYTE).max(HANDED_BYTES_MIN);
        let mut store = Store::new(self.instances.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(fuel);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    async fn run_in(
        &self,
        store: &mut Store<State>,
        function: Option<&Function>,
        arguments: &[Val],
    ) -> Result<Option<Val>, Failure> {
        let index = function.map(|function| self.export(function)).transpose()?;
        let handles_max = self.service.limits.handles_max;
        let failed = |error| Failure::of(error, handles_max);
        let instance = self.instances.instantiate_async(&mut *store).await.map_err(failed)?;
        let (Some(function), Some(index)) = (function, index) else { return Ok(None) };
        let export = instance.get_func(&mut *store, index).expect("the index was looked up in this component");
        let mut result = Val::Bool(false);
        let has_result = function.fallible || function.ok.is_some();
        let results = if has_result { std::slice::from_mut(&mut result) } else { &mut [] };
        export.call_async(&mut *store, arguments, results).await.map_err(failed)?;
        if !has_result {
            return Ok(None);
        }
        let max = self.service.limits.answer_bytes_max;
        if json_bytes(&result, max) > max {
            return Err(over("answer_bytes_max", max, "the answer is larger"));
        }
        Ok(Some(result))
    }

    fn export(&self, function: &Function) -> Result<&ComponentExportIndex, Failure> {
        let interface = self.exports.get(&function.interface);
        interface.and_then(|functions| functions.get(&function.name.wit)).ok_or_else(|| Failure::Trap {
            message: format!("the contract of the component has no {}", Called(Some(function))),
            backtrace: String::new(),
            log_tail: String::new(),
        })
    }
}

/// The purpose of a run, as text for the log.
struct Called<'a>(Option<&'a Function>);

impl std::fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(function) => write!(f, "{}#{}", function.interface, function.name.wit),
            None => f.write_str("its start"),
        }
    }
}
