//! Smoke calls: whether a component starts, and whether its functions answer. The types alone do not prove it: some
//! toolchains export functions that trap at once, or fix the random numbers when they build.
//!
//! Every function of the contract is called with generated arguments on an empty store. A refusal is an answer. A trap,
//! a call that does not end, a limit or a forbidden write is a failure of the component, because the arguments are valid.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::Val;

use super::arguments::{CHOICES, Choice, arguments};
use super::program::Program;
use crate::clock;
use crate::contract::Function;
use crate::names::Identity;
use crate::runtime::instance::{Failure, IsolatedFrame, IsolationError};
use crate::value::opaque_texts;

/// So many calls of one function may miss their deadline. Each takes long.
const DEADLINES_MAX: u32 = 2;

/// The caller of functions that only some roles may call.
const CALLER: &str = "smoke";

/// Why a function was not called.
const NO_TIME: &str = "the time for the rehearsal was over";
const TOO_LARGE: &str = "its arguments are too large to be generated";

/// The smoke calls of one function.
#[derive(Debug)]
pub struct SmokedFunction {
    pub function: Arc<Function>,
    /// The calls with an answer, even if it is an error of the contract.
    pub answered: u32,
    /// The calls that ended where they called another service, or emitted an event.
    pub called_others: u32,
    pub failed: u32,
    /// Whether the call with minimal arguments failed.
    pub failed_minimal: bool,
    /// The first failure.
    pub failure: Option<Failure>,
    /// Why it was not called at all.
    pub not_called: Option<String>,
    /// Whether two calls with different random numbers gave the same generated ids.
    pub repeats_ids: bool,
    deadlines: u32,
    used: Vec<Vec<Val>>,
    compared_ids: bool,
}

/// The smoke calls of a component that starts.
#[derive(Debug, Default)]
pub struct SmokeReport {
    pub functions: Vec<SmokedFunction>,
}

impl SmokedFunction {
    fn new(function: &Arc<Function>) -> Self {
        Self {
            function: Arc::clone(function),
            answered: 0,
            called_others: 0,
            failed: 0,
            failed_minimal: false,
            failure: None,
            not_called: None,
            repeats_ids: false,
            deadlines: 0,
            used: Vec::new(),
            compared_ids: false,
        }
    }

    /// Whether it cannot be relied on: it failed for every generated argument, or it only reads and failed for the
    /// simplest one.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.fails_always() || self.failed_minimal && self.function.reads_only()
    }

    /// Whether no call got as far as an answer, or as another service.
    #[must_use]
    pub fn fails_always(&self) -> bool {
        self.failed > 0 && self.answered + self.called_others == 0
    }

    fn is_done(&self) -> bool {
        self.deadlines >= DEADLINES_MAX || self.deadlines > 0 && self.function.reads_only()
    }
}

impl Program {
    /// Starts the component and calls every function of its contract with generated arguments, on the stores of the
    /// frames that `new_frame` creates. Nothing of these calls must be kept, and every frame has randomness of its own.
    ///
    /// Every function is called once before one is called again. No call begins after `until`, except those that are
    /// needed to know whether a function always fails.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the component does not start. It is logged, as every failure of a call is.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
    pub async fn smoke(
        self: &Arc<Self>,
        new_frame: &mut (dyn FnMut() -> IsolatedFrame + Send),
        until: Instant,
    ) -> Result<SmokeReport, Failure> {
        let started = self.run_isolated(None, [], new_frame()).await;
        started.result?;
        let functions = self.world.exports.iter().flat_map(|interface| &interface.functions);
        let mut functions: Vec<_> = functions.map(SmokedFunction::new).collect();
        for choice in CHOICES {
            for smoked in &mut functions {
                let has_time = clock::now() < until;
                if has_time || smoked.fails_always() {
                    self.smoke_once(smoked, choice, has_time, new_frame).await;
                } else if smoked.used.is_empty() {
                    smoked.not_called.get_or_insert_with(|| NO_TIME.into());
                }
            }
        }
        Ok(SmokeReport { functions })
    }

    /// Calls one function with all generated arguments.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
    pub async fn smoke_function(
        self: &Arc<Self>,
        function: &Arc<Function>,
        new_frame: &mut (dyn FnMut() -> IsolatedFrame + Send),
    ) -> SmokedFunction {
        let mut smoked = SmokedFunction::new(function);
        for choice in CHOICES {
            self.smoke_once(&mut smoked, choice, false, new_frame).await;
        }
        smoked
    }

    async fn smoke_once(
        self: &Arc<Self>,
        smoked: &mut SmokedFunction,
        choice: Choice,
        compares_ids: bool,
        new_frame: &mut (dyn FnMut() -> IsolatedFrame + Send),
    ) {
        if smoked.is_done() {
            return;
        }
        let Some(arguments) = arguments(&smoked.function.parameters, choice) else {
            smoked.not_called.get_or_insert_with(|| TOO_LARGE.into());
            return;
        };
        if smoked.used.contains(&arguments) {
            return;
        }
        smoked.used.push(arguments.clone());
        let function = Arc::clone(&smoked.function);
        match self.smoke_call(&function, &arguments, new_frame()).await {
            Ok(result) => {
                smoked.answered += 1;
                let ids = generated_ids(&function, result.as_ref(), &arguments);
                if compares_ids && !smoked.compared_ids && !ids.is_empty() && !function.reads_only() {
                    smoked.compared_ids = true;
                    let again = self.smoke_call(&function, &arguments, new_frame()).await;
                    let again = again.map(|result| generated_ids(&function, result.as_ref(), &arguments));
                    smoked.repeats_ids = again.is_ok_and(|again| again == ids);
                }
            }
            Err(Failure::Nested(error)) if error.0.is::<IsolationError>() => smoked.called_others += 1,
            Err(failure) if failure.is_of_host() => {
                smoked.not_called.get_or_insert_with(|| failure.to_string());
            }
            Err(failure) => {
                smoked.failed += 1;
                smoked.failed_minimal |= choice == Choice::Minimal;
                smoked.deadlines += u32::from(matches!(failure, Failure::Deadline));
                smoked.failure.get_or_insert(failure);
            }
        }
    }

    async fn smoke_call(
        self: &Arc<Self>,
        function: &Arc<Function>,
        arguments: &[Val],
        frame: IsolatedFrame,
    ) -> Result<Option<Val>, Failure> {
        let transaction = if function.reads_only() { frame.transaction.only_reading() } else { frame.transaction };
        let role = function.roles.first();
        let identity = role.map(|role| Identity { id: CALLER.into(), role: Arc::clone(role), session: None });
        let frame = IsolatedFrame { transaction, ..frame };
        self.run_isolated_for(identity, Some(function), arguments, frame).await.result
    }
}

/// The texts of a successful answer that the component generated, according to its contract.
fn generated_ids(function: &Function, result: Option<&Val>, arguments: &[Val]) -> Vec<String> {
    let payload = match result {
        Some(Val::Result(Ok(payload))) if function.fallible => payload.as_deref(),
        Some(Val::Result(Err(_))) if function.fallible => return Vec::new(),
        plain => plain,
    };
    let mut ids = Vec::new();
    opaque_texts(function.ok.as_ref(), payload, &mut |text| {
        let is_given = arguments.iter().any(|argument| matches!(argument, Val::String(given) if given == text));
        if !text.is_empty() && !is_given {
            ids.push(text.to_owned());
        }
    });
    ids
}
