//! Turns a function of wit-parser and its doc line into a contract function, and collects all mistakes in it.

use std::sync::Arc;

use wit_parser::{FunctionKind, Resolve, TypeDefKind, TypeId};

use super::at_once::at_once_docs;
use super::line::{self, HttpLine, Line, LineReach};
use super::mistake::Fault;
use super::types::{TypeReader, UnsupportedType, once_in_json, unaliased};
use crate::contract::types::{Field, Function, Method, Name, Reach, Route, Type};

/// The result of reading a function.
#[derive(Debug, Default)]
pub(in crate::contract) struct FunctionRead {
    /// `None` if it has a mistake.
    pub(in crate::contract) function: Option<Function>,
    pub(in crate::contract) faults: Vec<Fault>,
    /// Types in it that a contract cannot have.
    pub(in crate::contract) unfit: Vec<UnsupportedType>,
    /// The named type that it returns as its error.
    pub(in crate::contract) error: Option<TypeId>,
}

/// Reads one function of `interface`.
pub(in crate::contract) fn read(
    resolve: &Resolve,
    types: &TypeReader<'_>,
    interface: &Arc<str>,
    function: &wit_parser::Function,
) -> FunctionRead {
    let mut read = FunctionRead::default();
    match function.kind {
        FunctionKind::Freestanding => {}
        FunctionKind::AsyncFreestanding => read.faults.push(Fault::Async),
        // The resource itself is reported already.
        _ => return read,
    }
    let signature = Signature::read(resolve, types, function, &mut read);
    let (docs, at_once) = at_once_docs(function.docs.contents.as_deref().unwrap_or_default());
    let (docs, line) = line::function_docs(&docs);
    let calls_in_flight_max = at_once.unwrap_or_else(|error| {
        read.faults.push(error.into());
        None
    });
    let line = line.unwrap_or_else(|error| {
        read.faults.push(error.into());
        None
    });
    let reached = line.map(|line| signature.reached(line, &mut read.faults));
    let (reach, roles) = reached.unwrap_or_else(|| (Some(Reach::Internal), Vec::new()));
    if calls_in_flight_max.is_some() && reach == Some(Reach::Authenticate) {
        read.faults.push(Fault::AuthenticateAtOnce);
    }
    if read.faults.is_empty()
        && read.unfit.is_empty()
        && let Some(reach) = reach
    {
        let function = signature.into_function(interface, &function.name, docs.into(), reach, roles);
        read.function = Some(Function { calls_in_flight_max, ..function });
    }
    read
}

/// Parameters and result, as far as they are readable.
struct Signature {
    parameters: Vec<(Name, Option<Type>)>,
    has_result: bool,
    fallible: bool,
    ok: Option<Type>,
    err: Option<Type>,
    /// The whole result type, if it is no `result<…>`.
    whole: Option<Type>,
}

impl Signature {
    fn read(
        resolve: &Resolve,
        types: &TypeReader<'_>,
        function: &wit_parser::Function,
        read: &mut FunctionRead,
    ) -> Self {
        let mut get = |ty: &wit_parser::Type| match types.get(ty) {
            Ok(ty) => Some(ty),
            Err(unfit) => {
                read.unfit.push(unfit);
                None
            }
        };
        let parameters: Vec<_> =
            function.params.iter().map(|parameter| (Name::new(&parameter.name), get(&parameter.ty))).collect();
        let result = function.result.as_ref().and_then(&mut get);
        let (fallible, ok, err, whole) = match result {
            Some(Type::Result { ok, err }) => {
                let own = |ty: Option<Arc<Type>>| ty.map(|ty| Type::clone(&ty));
                (true, own(ok), own(err), None)
            }
            other => (false, other.clone(), None, other),
        };
        read.error = function.result.as_ref().and_then(|ty| error_type(resolve, ty));
        if let Err(fault) = once_in_json(parameters.iter().map(|(name, _)| name)) {
            read.faults.push(fault);
        }
        Self { parameters, has_result: function.result.is_some(), fallible, ok, err, whole }
    }

    fn reached(&self, line: Line, faults: &mut Vec<Fault>) -> (Option<Reach>, Vec<Arc<str>>) {
        if !line.roles.is_empty() && !matches!(line.reach, LineReach::Http(_)) {
            faults.push(Fault::RolesWithoutRoute);
        }
        let reach = match line.reach {
            LineReach::Http(line) => self.route(&line, faults).map(Reach::Http),
            LineReach::Read => Some(Reach::Read),
            LineReach::Event { by } => {
                faults.extend(self.has_result.then_some(Fault::EventResult));
                let by = by.map(|name| self.event_key(&name, faults));
                by.is_none_or(|found| found.is_some()).then_some(Reach::Event { by: by.flatten() })
            }
            LineReach::Every(period) => {
                faults.extend((!self.parameters.is_empty()).then_some(Fault::ScheduleParameters));
                Some(Reach::Every(period))
            }
            LineReach::Authenticate => {
                faults.extend((!self.authenticates()).then_some(Fault::AuthenticateShape));
                Some(Reach::Authenticate)
            }
            LineReach::Export => Some(Reach::Export),
            LineReach::Import => Some(Reach::Import),
        };
        (reach, line.roles.into_iter().map(Arc::from).collect())
    }

    fn route(&self, line: &HttpLine, faults: &mut Vec<Fault>) -> Option<Route> {
        let before = faults.len();
        let mut taken = Vec::new();
        let path_parameters = self.placed(line.path_parameters(), "path", &mut taken, faults);
        let query_parameters = self.placed(line.query.iter().map(String::as_str), "query", &mut taken, faults);
        let left: Vec<usize> = (0..self.parameters.len()).filter(|index| !taken.contains(index)).collect();
        let names = || {
            let left = self.parameters.iter().enumerate().filter(|(index, _)| left.contains(index));
            left.map(|(_, (name, _))| name.wit.to_string()).collect()
        };
        // An unknown name leaves its parameter unused: report that as one mistake, not two.
        if faults.len() == before && line.method == Method::Get && !left.is_empty() {
            faults.push(Fault::BodyOfGet { parameters: names() });
        } else if faults.len() == before && left.len() > 1 {
            faults.push(Fault::SeveralBodies { parameters: names() });
        }
        let success = match (line.success, &self.ok) {
            (Some(204), Some(_)) => {
                faults.push(Fault::AnswerWithoutBody);
                204
            }
            (Some(code), _) => code,
            (None, Some(_)) => 200,
            (None, None) => 204,
        };
        (faults.len() == before).then(|| Route {
            method: line.method,
            path: line.json_path(),
            path_parameters,
            query_parameters,
            body_parameter: left.first().copied(),
            success,
            max_age_s: line.max_age.map(|age| age.as_secs()),
        })
    }

    /// Finds the parameters called `names`: each at most once in the whole route, each of a type that fits into a URL.
    fn placed<'n>(
        &self,
        names: impl Iterator<Item = &'n str>,
        part: &'static str,
        taken: &mut Vec<usize>,
        faults: &mut Vec<Fault>,
    ) -> Vec<usize> {
        let mut placed = Vec::new();
        for name in names {
            let Some(index) = self.parameters.iter().position(|(parameter, _)| *parameter.wit == *name) else {
                let parameters = self.parameters.iter().map(|(name, _)| name.wit.to_string()).collect();
                faults.push(Fault::NoParameter { name: name.into(), part, parameters });
                continue;
            };
            if taken.contains(&index) {
                faults.push(Fault::ParameterTwice { name: name.into() });
                continue;
            }
            let ty = self.parameters.get(index).and_then(|(_, ty)| ty.as_ref());
            if let Some(ty) = ty.filter(|ty| !fits_url(ty, part == "query")) {
                faults.push(Fault::NotText { name: name.into(), part, ty: ty.to_string() });
            }
            taken.push(index);
            placed.push(index);
        }
        placed
    }

    /// The index of the parameter by which events are ordered.
    fn event_key(&self, name: &str, faults: &mut Vec<Fault>) -> Option<usize> {
        let Some(index) = self.parameters.iter().position(|(parameter, _)| *parameter.wit == *name) else {
            let parameters = self.parameters.iter().map(|(name, _)| name.wit.to_string()).collect();
            faults.push(Fault::NoEventKey { name: name.into(), parameters });
            return None;
        };
        let ty = self.parameters.get(index).and_then(|(_, ty)| ty.as_ref());
        if let Some(ty) = ty.filter(|ty| !fits_url(ty, false)) {
            faults.push(Fault::EventKeyType { name: name.into(), ty: ty.to_string() });
        }
        Some(index)
    }

    fn authenticates(&self) -> bool {
        let string = matches!(self.parameters.as_slice(), [(_, Some(Type::String))]);
        let identity = match &self.whole {
            Some(Type::Option(inner)) => match inner.as_ref() {
                Type::Record(record) => is_identity(&record.fields),
                _ => false,
            },
            _ => false,
        };
        string && identity
    }

    fn into_function(
        self,
        interface: &Arc<str>,
        name: &str,
        docs: Arc<str>,
        reach: Reach,
        roles: Vec<Arc<str>>,
    ) -> Function {
        let parameters = self.parameters.into_iter().filter_map(|(name, ty)| Some(Field::new(name, ty?))).collect();
        Function {
            interface: Arc::clone(interface),
            name: Name::new(name),
            docs,
            parameters,
            ok: self.ok,
            err: self.err,
            fallible: self.fallible,
            reach,
            roles,
            calls_in_flight_max: None,
        }
    }
}

/// Whether a path segment can hold a value of the type (`optional`: a query value).
fn fits_url(ty: &Type, optional: bool) -> bool {
    match ty {
        Type::Option(inner) => optional && fits_url(inner, false),
        Type::Bool | Type::Char | Type::String | Type::Enum(_) | Type::F32 | Type::F64 => true,
        Type::S8 | Type::U8 | Type::S16 | Type::U16 | Type::S32 | Type::U32 | Type::S64 | Type::U64 => true,
        Type::List(_) | Type::FixedList(..) | Type::Tuple(_) | Type::Result { .. } => false,
        Type::Record(_) | Type::Variant(_) | Type::Flags(_) => false,
    }
}

/// Whether a record has `id: string`, `role: string`, perhaps `session: option<string>`, and nothing else.
fn is_identity(fields: &[Field]) -> bool {
    let has = |name: &str, ty: &Type| fields.iter().any(|field| *field.name.wit == *name && field.ty == *ty);
    let session = has("session", &Type::Option(Arc::new(Type::String)));
    has("id", &Type::String) && has("role", &Type::String) && fields.len() == 2 + usize::from(session)
}

/// The named error type of a `result<…, e>`.
fn error_type(resolve: &Resolve, result: &wit_parser::Type) -> Option<TypeId> {
    let wit_parser::Type::Id(id) = result else { return None };
    match &resolve.types.get(unaliased(resolve, *id))?.kind {
        TypeDefKind::Result(result) => match result.err? {
            wit_parser::Type::Id(id) => Some(unaliased(resolve, id)),
            _ => None,
        },
        _ => None,
    }
}
