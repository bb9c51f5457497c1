//! The smoke call: whether a component starts, and answers. Types alone do not say so: some toolchains export functions
//! that trap at once.

use std::sync::Arc;

use wasmtime::component::Val;

use super::program::Program;
use crate::contract::{Function, Type};
use crate::runtime::instance::{Failure, IsolatedFrame, IsolationError};

/// Text that smoke calls pass: it is no id of anything, and says in a log where it comes from.
const TEXT: &str = "smoke";

/// What was tried of a component, all of it without a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmokeReport {
    /// What answered, be it with an error of the contract. Empty when the contract has nothing to call, or all that was
    /// called needs other services: then the component has started, and no more is known.
    pub answered: Vec<Arc<Function>>,
    /// What called another service, where a smoke call ends.
    pub called_others: Vec<Arc<Function>>,
}

/// Why a component cannot go live. [`Failure::Slots`] is the host's fault: there it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum SmokeFailure {
    #[error("the component does not start")]
    Start(#[source] Failure),
    #[error("the component does not answer a call of {}#{}", function.interface, function.name.wit)]
    Call { function: Arc<Function>, source: Failure },
}

impl Program {
    /// Starts the component and calls each function of its contract that only reads and can be called with next to
    /// nothing: zeros, "smoke", no option, an empty list. `new_frame` makes what each of these runs is given, best with a
    /// transaction that only reads, on any store of the service: nothing is written.
    ///
    /// That the component exports the contract's functions with the contract's types, linking has made sure of.
    ///
    /// # Errors
    ///
    /// [`SmokeFailure`] at the first run that gives no answer: a trap, a deadline, a limit, a write. It is logged.
    ///
    /// # Cancel safety
    ///
    /// As [`Program::run`].
    pub async fn smoke(
        self: &Arc<Self>,
        mut new_frame: impl FnMut() -> IsolatedFrame + Send,
    ) -> Result<SmokeReport, SmokeFailure> {
        let started = self.run_isolated(None, [], new_frame()).await;
        started.result.map_err(SmokeFailure::Start)?;
        let mut report = SmokeReport::default();
        let functions = self.world.exports.iter().flat_map(|interface| &interface.functions);
        for function in functions.filter(|function| function.reads_only()) {
            let arguments: Option<Vec<Val>> = function.parameters.iter().map(|field| nothing(&field.ty)).collect();
            let Some(arguments) = arguments else { continue };
            let finished = self.run_isolated(Some(function), arguments, new_frame()).await;
            match finished.result {
                Ok(_) => report.answered.push(Arc::clone(function)),
                Err(Failure::Nested(error)) if error.0.is::<IsolationError>() => {
                    report.called_others.push(Arc::clone(function));
                }
                Err(source) => return Err(SmokeFailure::Call { function: Arc::clone(function), source }),
            }
        }
        Ok(report)
    }
}

/// The least value of a type; nothing where that would be made of parts, which only its author can choose.
fn nothing(ty: &Type) -> Option<Val> {
    Some(match ty {
        Type::Bool => Val::Bool(false),
        Type::S8 => Val::S8(0),
        Type::U8 => Val::U8(0),
        Type::S16 => Val::S16(0),
        Type::U16 => Val::U16(0),
        Type::S32 => Val::S32(0),
        Type::U32 => Val::U32(0),
        Type::S64 => Val::S64(0),
        Type::U64 => Val::U64(0),
        Type::F32 => Val::Float32(0.0),
        Type::F64 => Val::Float64(0.0),
        Type::Char => Val::Char('s'),
        Type::String => Val::String(TEXT.into()),
        Type::Option(_) => Val::Option(None),
        Type::List(_) => Val::List(Vec::new()),
        Type::Flags(_) => Val::Flags(Vec::new()),
        Type::Enum(of) => Val::Enum(of.cases.first()?.name.to_string()),
        Type::FixedList(..) | Type::Tuple(_) | Type::Result { .. } | Type::Record(_) | Type::Variant(_) => return None,
    })
}
