//! The smoke call: whether a component starts and answers. The types alone do not prove it: some toolchains export
//! functions that trap at once.

use std::sync::Arc;

use wasmtime::component::Val;

use super::program::Program;
use crate::contract::{Function, Type};
use crate::runtime::instance::{Failure, IsolatedFrame, IsolationError};

/// The text argument of smoke calls: it is not an id of anything, and shows its origin in a log.
const TEXT: &str = "smoke";

/// The successful tests of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmokeReport {
    /// The functions that answered, even if with an error of the contract. It may be empty: the contract has nothing to
    /// call, or every call needs other services. Then it is only known that the component starts.
    pub answered: Vec<Arc<Function>>,
    /// The functions that called another service, where a smoke call ends.
    pub called_others: Vec<Arc<Function>>,
}

/// Why a component cannot go live. [`Failure::Slots`] is the host's fault: then try again.
#[derive(Debug, thiserror::Error)]
pub enum SmokeFailure {
    #[error("the component does not start")]
    Start(#[source] Failure),
    #[error("the component does not answer a call of {}#{}", function.interface, function.name.wit)]
    Call { function: Arc<Function>, source: Failure },
}

impl Program {
    /// Starts the component and calls each read-only function of its contract that accepts minimal arguments: zeros,
    /// "smoke", no option, an empty list. `new_frame` creates the frame of each run, best with a read-only transaction,
    /// on any store of the service: nothing is written.
    ///
    /// Linking has already checked that the component exports the contract's functions with the right types.
    ///
    /// # Errors
    ///
    /// [`SmokeFailure`] at the first run without an answer: a trap, a deadline, a limit, a write. It is logged.
    ///
    /// # Cancel safety
    ///
    /// Like [`Program::run`].
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

/// The minimal value of a type; `None` for types whose parts only their author can choose.
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
