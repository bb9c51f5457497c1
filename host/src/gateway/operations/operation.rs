//! One compiled operation of a contract: decodes its arguments from a request, and encodes its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use matchit::Params;
use wasmtime::component::Val;

use crate::contract::{Field, Function, Method, Route, Type};
use crate::gateway::request::percent_encoding::{decode_query, decode_segment, pairs};
use crate::gateway::response::error_shape::ErrorShape;
use crate::gateway::response::fault::Fault;
use crate::gateway::response::refusal::Refusal;
use crate::names::{Identity, ServiceName};
use crate::observe::gateway::RouteMetrics;
use crate::value::Codec;

/// An operation that is ready to be called.
#[derive(Debug)]
pub(in crate::gateway) struct Operation {
    pub(in crate::gateway) service: ServiceName,
    pub(in crate::gateway) function: Arc<Function>,
    pub(in crate::gateway) method: Method,
    /// Such as `/carts/{id}`.
    pub(in crate::gateway) pattern: String,
    pub(in crate::gateway) metrics: RouteMetrics,
    /// The status of a success; without a body if `answer` is `None`.
    pub(in crate::gateway) success: StatusCode,
    pub(in crate::gateway) answer: Option<Codec>,
    /// How caches may use the answer of a `GET`.
    pub(in crate::gateway) cache_control: HeaderValue,
    /// Whether that lets them give it without asking the host.
    pub(in crate::gateway) is_fresh_for_a_while: bool,
    errors: Option<ErrorShape>,
    path: Vec<Argument>,
    query: Vec<Argument>,
    body: Option<Argument>,
    /// Length of the last answer: the initial capacity for the next one.
    answer_bytes: AtomicUsize,
}

#[derive(Debug)]
struct Argument {
    /// Its index among the function's parameters.
    position: usize,
    /// The name that HTTP clients see.
    name: Arc<str>,
    codec: Codec,
    optional: bool,
}

/// The arguments of a call while they are collected, in the order of the parameters.
pub(in crate::gateway) type Arguments = Vec<Option<Val>>;

impl Operation {
    /// `None` if the route names a parameter that the function lacks; valid contracts have no such route.
    pub(in crate::gateway) fn new(service: ServiceName, function: Arc<Function>, route: &Route) -> Option<Self> {
        let argument = |position: &usize| {
            let field = function.parameters.get(*position)?;
            Some(Argument::new(*position, field))
        };
        Some(Self {
            service,
            method: route.method,
            pattern: route.path.clone(),
            metrics: RouteMetrics::new(method_name(route.method), &route.path),
            success: StatusCode::from_u16(route.success).unwrap_or(StatusCode::OK),
            answer: function.ok.as_ref().map(Codec::new),
            cache_control: cache_control(route.max_age_s),
            is_fresh_for_a_while: route.max_age_s.is_some(),
            errors: function.err.as_ref().map(ErrorShape::new),
            path: route.path_parameters.iter().map(argument).collect::<Option<_>>()?,
            query: route.query_parameters.iter().map(argument).collect::<Option<_>>()?,
            body: match &route.body_parameter {
                Some(position) => Some(argument(position)?),
                None => None,
            },
            answer_bytes: AtomicUsize::new(256),
            function,
        })
    }

    pub(in crate::gateway) fn writes(&self) -> bool {
        !self.function.reads_only()
    }

    pub(in crate::gateway) fn takes_body(&self) -> bool {
        self.body.is_some()
    }

    /// Checks that `caller` has a role that may call it.
    pub(in crate::gateway) fn admit(&self, caller: Option<&Identity>) -> Result<(), Refusal> {
        let roles = &self.function.roles;
        match caller {
            _ if roles.is_empty() => Ok(()),
            None => Err(Refusal::NoToken),
            Some(identity) if roles.contains(&identity.role) => Ok(()),
            Some(_) => Err(Refusal::Role),
        }
    }

    /// The arguments in the path and the query. All mistakes in them are reported at once.
    pub(in crate::gateway) fn address(&self, path: &Params<'_, '_>, query: Option<&str>) -> Result<Arguments, Refusal> {
        let mut arguments: Arguments = vec![None; self.function.parameters.len()];
        let mut faults = Vec::new();
        for (argument, (_, raw)) in self.path.iter().zip(path.iter()) {
            match decode_segment(raw) {
                Ok(text) => argument.put(&text, &mut arguments, &mut faults),
                Err(error) => faults.push(Fault::parameter(&argument.name, error.to_string())),
            }
        }
        for (name, raw) in pairs(query.unwrap_or_default()) {
            self.query_pair(name, raw, &mut arguments, &mut faults);
        }
        for argument in &self.query {
            argument.fill(&mut arguments, &mut faults);
        }
        if faults.is_empty() { Ok(arguments) } else { Err(Refusal::Faults(faults)) }
    }

    fn query_pair(&self, name: &str, raw: &str, arguments: &mut Arguments, faults: &mut Vec<Fault>) {
        let Ok(name) = decode_query(name) else {
            // Reported as it was sent: it is ASCII, including percent signs.
            return faults.push(Fault::parameter(name, "unknown query parameter"));
        };
        let Some(argument) = self.query.iter().find(|argument| *argument.name == *name) else {
            return faults.push(Fault::parameter(&name, "unknown query parameter"));
        };
        if arguments.get(argument.position).is_some_and(Option::is_some) {
            return faults.push(Fault::parameter(&name, "given more than once"));
        }
        match decode_query(raw) {
            Ok(text) => argument.put(&text, arguments, faults),
            Err(error) => {
                faults.push(Fault::parameter(&name, error.to_string()));
            }
        }
    }

    /// All arguments, including the one in the body.
    pub(in crate::gateway) fn complete(&self, mut arguments: Arguments, body: &Bytes) -> Result<Vec<Val>, Refusal> {
        if let Some(argument) = &self.body {
            let value = match (body.is_empty(), argument.optional) {
                (true, true) => Val::Option(None),
                (true, false) => return Err(Refusal::Malformed { what: "A JSON body is needed." }),
                (false, _) => argument
                    .codec
                    .decode(body)
                    .map_err(|error| Refusal::Faults(vec![Fault::field(error.pointer, error.detail)]))?,
            };
            if let Some(place) = arguments.get_mut(argument.position) {
                *place = Some(value);
            }
        }
        arguments
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Refusal::Answer { detail: "a parameter is missing from the route".into() })
    }

    /// The JSON of the function's result; empty if it has none.
    pub(in crate::gateway) fn encode(&self, value: Option<&Val>) -> Result<Vec<u8>, Refusal> {
        let mut json = Vec::new();
        match (&self.answer, value) {
            (Some(codec), Some(value)) => {
                json.reserve(self.answer_bytes.load(Ordering::Relaxed));
                codec.encode(value, &mut json).map_err(|error| Refusal::Answer { detail: error.to_string() })?;
                self.answer_bytes.store(json.len().next_multiple_of(64), Ordering::Relaxed);
            }
            (None, _) => {}
            (Some(_), None) => return Err(Refusal::Answer { detail: "the function returned no value".into() }),
        }
        Ok(json)
    }

    /// The refusal for an error of the function.
    pub(in crate::gateway) fn refusal(&self, error: Option<&Val>) -> Refusal {
        let problem = self.errors.as_ref().zip(error).and_then(|(errors, error)| errors.problem(error));
        match problem {
            Some(problem) => Refusal::Component(Box::new(problem)),
            None => Refusal::Answer { detail: "the error is not a case of its type".into() },
        }
    }
}

/// By default an answer may be stored, and is used again only after the host was asked whether it is still true.
fn cache_control(max_age_s: Option<u64>) -> HeaderValue {
    let max_age = max_age_s.and_then(|seconds| HeaderValue::from_str(&format!("max-age={seconds}")).ok());
    max_age.unwrap_or(HeaderValue::from_static("no-cache"))
}

impl Argument {
    fn new(position: usize, field: &Field) -> Self {
        let optional = matches!(field.ty, Type::Option(_));
        Self { position, name: Arc::clone(&field.name.json), codec: Codec::new(&field.ty), optional }
    }

    fn put(&self, text: &str, arguments: &mut Arguments, faults: &mut Vec<Fault>) {
        match (self.codec.decode_text(text), arguments.get_mut(self.position)) {
            (Ok(value), Some(place)) => *place = Some(value),
            (Ok(_), None) => {}
            (Err(error), place) => {
                // Fill the place, so that the parameter is not also reported as missing.
                if let Some(place) = place {
                    *place = Some(Val::Option(None));
                }
                faults.push(Fault::parameter(&self.name, error.detail));
            }
        }
    }

    fn fill(&self, arguments: &mut Arguments, faults: &mut Vec<Fault>) {
        match arguments.get_mut(self.position) {
            Some(place @ None) if self.optional => *place = Some(Val::Option(None)),
            Some(None) if faults.iter().any(|fault| fault.parameter.as_ref() == Some(&self.name)) => {}
            Some(None) => faults.push(Fault::parameter(&self.name, "missing")),
            Some(Some(_)) | None => {}
        }
    }
}

pub(in crate::gateway) fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}
