//! Runs recent calls on both releases, one call of each function after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Val;

use super::neighbours::{Inputs, Neighbours};
use super::report::{RehearsalReport, RehearsedFunction};
use crate::call::engine::answer::{Answer, error_case};
use crate::call::routing::recent_calls::RecentCall;
use crate::call::routing::{RoutingTable, Service};
use crate::clock;
use crate::contract::Function;
use crate::limits::{MIRROR_PAGE_ENTITIES, RECENT_CALLS_MS_MAX, REHEARSED_CALL_MS_MAX};
use crate::names::{Digest, RequestId, ServiceName};
use crate::runtime::{Failure, Finished, Frame, Program};
use crate::store::Transaction;
use crate::value::{DifferentPlace, different_places};

/// The reason for calls that did not begin in time.
const NO_TIME: &str = "the time for the rehearsal was over";

/// The statuses of errors that say that nothing is there (RFC 9110): not found, and gone.
const NOTHING_THERE: [u16; 2] = [404, 410];

/// The path of a whole answer.
const WHOLE: &str = "";

/// A release, and the data that it reads.
#[derive(Debug)]
pub struct Side {
    program: Arc<Program>,
    /// `None` only while a call uses it.
    data: Option<Transaction>,
}

/// A release that is proposed for a service, beside the live one.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    pub service: &'a Service,
    pub live: Side,
    pub proposed: Side,
    /// The live releases of all services.
    pub table: Arc<RoutingTable>,
    pub request: RequestId,
}

impl Side {
    /// `data` is a rehearsal on a snapshot, or on the result of a migration.
    #[must_use]
    pub fn new(program: &Arc<Program>, data: Transaction) -> Self {
        Self { program: Arc::clone(program), data: Some(data.only_reading()) }
    }

    /// The function that the release has for `function`, if it takes the same arguments.
    fn function(&self, function: &Function) -> Option<Arc<Function>> {
        let functions = self.program.exported_functions();
        let same = |own: &&Arc<Function>| {
            own.name == function.name && own.interface == function.interface && own.parameters == function.parameters
        };
        functions.into_iter().find(same).filter(|own| own.reads_only()).map(Arc::clone)
    }

    async fn run(&mut self, call: &RecentCall, function: &Arc<Function>, context: &Context) -> Result<Answer, Failure> {
        let Some(transaction) = self.data.take() else { return Err(Failure::Deadline) };
        let inputs = Inputs {
            identity: call.identity.clone(),
            seed: context.seed,
            time_unix_micros: context.time_unix_micros,
            deadline: clock::now() + context.call_max,
            request: context.request.clone(),
        };
        let frame = Frame {
            transaction,
            identity: call.identity.clone(),
            calling_service: call.calling_service.clone(),
            seed: inputs.seed,
            time_unix_micros: inputs.time_unix_micros,
            deadline: inputs.deadline,
            outbound: context.neighbours.calls_of(&context.service, &inputs),
            request: inputs.request.clone(),
        };
        let Finished { result, transaction, .. } = self.program.run(function, Arc::clone(&call.arguments), frame).await;
        self.data = Some(transaction);
        result.map(|result| Answer::of(function, result))
    }
}

/// The same for all calls of a rehearsal.
struct Context {
    service: ServiceName,
    neighbours: Arc<Neighbours>,
    seed: [u8; 32],
    time_unix_micros: u64,
    call_max: Duration,
    request: RequestId,
}

/// The recent calls of one function.
struct Repeated {
    live: Arc<Function>,
    proposed: Arc<Function>,
    calls: std::vec::IntoIter<RecentCall>,
    report: RehearsedFunction,
    is_export: bool,
}

impl Rehearsal<'_> {
    /// Repeats recent calls of the service until none is left or the time is over, and an export of its state if both
    /// releases have one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the rehearsal, of which nothing remains.
    pub async fn run(mut self) -> RehearsalReport {
        let until = clock::now() + Duration::from_millis(RECENT_CALLS_MS_MAX);
        let deadline = Duration::from_millis(self.service.limits.deadline_ms);
        let context = Context {
            service: self.service.name().clone(),
            neighbours: Neighbours::new(Arc::clone(&self.table)),
            // Nobody sees what a rehearsal makes of it.
            seed: *Digest::of(&clock::unix_micros().to_be_bytes()).bytes(),
            time_unix_micros: clock::unix_micros(),
            call_max: deadline.min(Duration::from_millis(REHEARSED_CALL_MS_MAX)),
            request: self.request.clone(),
        };
        let mut functions = self.functions();
        loop {
            let mut ran = false;
            for function in &mut functions {
                let Some(call) = function.calls.next() else { continue };
                if function.report.failed > 0 {
                    // One failure decides, and more of them take time.
                    continue;
                }
                if is_over(until) {
                    function.report.not_compared.get_or_insert_with(|| NO_TIME.into());
                    continue;
                }
                ran = true;
                self.repeat(function, &call, &context).await;
            }
            if !ran {
                break;
            }
        }
        RehearsalReport { functions: functions.into_iter().map(|function| function.report).collect() }
    }

    /// The functions with recent calls that both releases have.
    fn functions(&self) -> Vec<Repeated> {
        let mut functions: Vec<Repeated> = Vec::new();
        let states = (self.live.program.state_interface(), self.proposed.program.state_interface());
        if let (Some(live), Some(proposed)) = states
            && live.export == proposed.export
        {
            let arguments = [Val::Option(None), Val::Option(None), Val::U32(MIRROR_PAGE_ENTITIES)];
            let function = Arc::clone(&live.export);
            let call = RecentCall { function, arguments: Arc::new(arguments), identity: None, calling_service: None };
            functions.push(Repeated {
                live: Arc::clone(&live.export),
                proposed: Arc::clone(&proposed.export),
                calls: vec![call].into_iter(),
                report: RehearsedFunction::of(&live.export),
                is_export: true,
            });
        }
        let mut calls: Vec<(Arc<Function>, Arc<Function>, Vec<RecentCall>)> = Vec::new();
        for call in self.service.recent.all() {
            let both = self.live.function(&call.function).zip(self.proposed.function(&call.function));
            let Some((live, proposed)) = both else { continue };
            match calls.iter_mut().find(|(known, ..)| known.name == live.name && known.interface == live.interface) {
                Some((_, _, known)) => known.push(call),
                None => calls.push((live, proposed, vec![call])),
            }
        }
        functions.extend(calls.into_iter().map(|(live, proposed, calls)| Repeated {
            report: RehearsedFunction::of(&live),
            live,
            proposed,
            calls: calls.into_iter(),
            is_export: false,
        }));
        functions
    }

    async fn repeat(&mut self, function: &mut Repeated, call: &RecentCall, context: &Context) {
        let live = self.live.run(call, &function.live, context).await;
        if let Err(failure) = &live
            && let Some(reason) = says_nothing(failure)
        {
            function.report.not_compared.get_or_insert(reason);
            return;
        }
        let proposed = self.proposed.run(call, &function.proposed, context).await;
        if let Err(failure) = &proposed
            && let Some(reason) = says_nothing(failure)
        {
            function.report.not_compared.get_or_insert(reason);
            return;
        }
        match (&live, &proposed) {
            (Err(one), Err(other)) if one.cause() == other.cause() => function.report.failed_alike(),
            (_, Err(failure)) => function.report.failed(failure.cause()),
            (Err(_), Ok(_)) => function.report.answered(false, false, whole()),
            (Ok(live), Ok(proposed)) => {
                let places = places(function, live, proposed);
                let is_lost = is_lost(function, live, proposed, &places);
                let had = is_something(live);
                let finds_nothing = !function.is_export && finds_nothing(function, proposed, &places);
                function.report.found_nothing += u32::from(had && finds_nothing);
                function.report.answered(had, had && is_lost, places);
            }
        }
    }
}

fn is_over(until: Instant) -> bool {
    clock::now() >= until
}

/// The reason why a failure says nothing about the release, if it does not.
fn says_nothing(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Nested(error) => Some(error.to_string()),
        failure if failure.is_of_host() => Some(failure.to_string()),
        _ => None,
    }
}

fn whole() -> Vec<DifferentPlace> {
    vec![DifferentPlace { path: WHOLE.into(), is_lost: false }]
}

fn places(function: &Repeated, live: &Answer, proposed: &Answer) -> Vec<DifferentPlace> {
    match (live, proposed) {
        (Answer::Ok(one), Answer::Ok(other)) => {
            different_places(function.live.ok.as_ref(), one.as_ref(), other.as_ref())
        }
        // The texts of errors are for people.
        (Answer::Err(one), Answer::Err(other)) if case(one.as_ref()) == case(other.as_ref()) => Vec::new(),
        _ => whole(),
    }
}

/// The case of an error.
fn case(error: Option<&Val>) -> Option<&str> {
    match error {
        Some(Val::Variant(name, _) | Val::Enum(name)) => Some(name),
        _ => None,
    }
}

/// Whether the live release had something, and the proposed one has not.
fn is_lost(function: &Repeated, live: &Answer, proposed: &Answer, places: &[DifferentPlace]) -> bool {
    match (live, proposed) {
        (Answer::Ok(Some(Val::List(one))), Answer::Ok(Some(Val::List(other)))) if function.is_export => {
            other.len() < one.len()
        }
        (Answer::Ok(_), Answer::Ok(_)) => places.iter().any(|place| place.is_lost),
        (Answer::Ok(_), Answer::Err(_)) => true,
        (Answer::Err(_), _) => false,
    }
}

/// Whether the proposed release finds nothing. The answers differ in `places`.
fn finds_nothing(function: &Repeated, proposed: &Answer, places: &[DifferentPlace]) -> bool {
    match proposed {
        Answer::Ok(_) => places.iter().any(|place| place.is_lost && place.path == WHOLE),
        Answer::Err(error) => {
            let case = error_case(&function.proposed, error.as_ref());
            case.and_then(|case| case.status).is_some_and(|status| NOTHING_THERE.contains(&status))
        }
    }
}

/// Whether an answer has something that can be lost: it is no error, and if it has lists, they are not all empty.
fn is_something(answer: &Answer) -> bool {
    let Answer::Ok(Some(value)) = answer else { return false };
    let (mut lists, mut items) = (false, false);
    count(value, &mut lists, &mut items);
    !matches!(value, Val::Option(None)) && (items || !lists)
}

/// Whether there are lists in `value`, and items in them.
fn count(value: &Val, lists: &mut bool, items: &mut bool) {
    match value {
        Val::List(list) => {
            *lists = true;
            *items |= !list.is_empty();
        }
        Val::Record(fields) => fields.iter().for_each(|(_, value)| count(value, lists, items)),
        Val::Tuple(values) => values.iter().for_each(|value| count(value, lists, items)),
        Val::Option(Some(inner)) | Val::Variant(_, Some(inner)) => count(inner, lists, items),
        _ => {}
    }
}
