//! The mistakes in a contract: what is wrong, where, and the correction.
//!
//! All mistakes of a folder are reported at once.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::line_error::LineError;
use super::state::StateFault;
use crate::limits::VALUE_DEPTH_MAX;

/// A name counts as a misspelling of another from this similarity on (Jaro-Winkler, 0 to 1).
const LIKENESS_MIN: f64 = 0.8;

/// Why the contracts cannot be used. None of them is then used.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    #[error("cannot read the contracts in {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} has no WIT package: put each package into its own folder below it", path.display())]
    Empty { path: PathBuf },
    /// The text is not WIT, or a name in it is unknown. Each text includes its location.
    #[error("{}", texts.join("\n"))]
    Wit { texts: Vec<String> },
    #[error("{}", listed(mistakes))]
    Mistakes { mistakes: Vec<Mistake> },
}

fn listed(mistakes: &[Mistake]) -> String {
    let texts: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

/// One mistake in a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// File and line; `None` if the mistake has no single location.
    at: Option<String>,
    /// The element with the mistake: `shop:cart/cart@1.0.0 · checkout`.
    place: String,
    fault: Fault,
}

impl Mistake {
    pub(in crate::contract) fn new(at: Option<String>, place: String, fault: Fault) -> Self {
        Self { at, place, fault }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        let Self { place, fault, .. } = self;
        write!(f, "{place}: {fault}\n    write instead: {}", fault.instead())
    }
}

/// The kind of mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::contract) enum Fault {
    #[error("{0}")]
    Line(#[from] LineError),
    #[error("{0}")]
    State(#[from] StateFault),

    #[error("`{name}` stands in the {part}, but is no parameter of the function")]
    NoParameter { name: String, part: &'static str, parameters: Vec<String> },
    #[error("the parameter `{name}` stands twice in the route")]
    ParameterTwice { name: String },
    #[error("the parameter `{name}` stands in the {part}, where `{ty}` cannot be written")]
    NotText { name: String, part: &'static str, ty: String },
    #[error("the body would be {}: a request has one body", names(parameters))]
    SeveralBodies { parameters: Vec<String> },
    #[error("{} neither in the path nor in the query, and GET has no body", stand(parameters))]
    BodyOfGet { parameters: Vec<String> },
    #[error("the route answers 204, which has no body, but the function returns a value")]
    AnswerWithoutBody,
    #[error("the line has roles, but the function has no route, so no client can call it")]
    RolesWithoutRoute,
    #[error("`{route}` is the route of {other} too")]
    RouteTwice { route: String, other: String },
    #[error("`{route}` is what the host answers itself")]
    RouteOfHost { route: String },

    #[error("it is mounted at `{mount}`, over the route `{route}` of {other}")]
    MountOverRoute { mount: String, route: String, other: String },

    #[error("an event returns nothing to its emitter, but the function has a result")]
    EventResult,
    #[error("events are ordered by `{name}`, which is no parameter of the function")]
    NoEventKey { name: String, parameters: Vec<String> },
    #[error("events are ordered by `{name}`, which is `{ty}`")]
    EventKeyType { name: String, ty: String },
    #[error("a schedule passes no arguments, but the function has parameters")]
    ScheduleParameters,
    #[error("the host cannot ask this function who a caller is")]
    AuthenticateShape,
    #[error("the calls of `authenticate` have slots of their own")]
    AuthenticateAtOnce,
    #[error("{other} carries `authenticate` too")]
    AuthenticateTwice { other: String },

    #[error("the status is never sent: no function returns the type as its error")]
    StatusOfNoError,
    #[error("the case has no status, though others of this error have one, and `{function}` sends it to clients")]
    NoStatus { function: String },
    #[error("the payload of an error that `{function}` sends to clients is `{ty}`")]
    ErrorPayload { function: String, ty: String },
    #[error("its payload's field `{field}` hides a member of every problem document")]
    ErrorMember { field: String },

    #[error("a resource lives in one component's memory and cannot be sent to another, or as JSON")]
    Resource,
    #[error("{kind} cannot be kept, sent again or sent as JSON")]
    NoValue { kind: &'static str },
    #[error("the reference toolchains do not support maps yet")]
    Map,
    #[error("the function is async; calls between services already wait without blocking others")]
    Async,
    #[error("the type is nested deeper than {VALUE_DEPTH_MAX} types")]
    TooDeep,
    #[error("`{first}` and `{second}` are both `{json}` in JSON")]
    JsonNameTwice { first: String, second: String, json: String },

    #[error("the world has the {what} `{name}` outside of a named interface")]
    NotInInterface { what: &'static str, name: String },
    #[error("the world exports `{interface}`, which the host does not call in a contract")]
    HostExport { interface: String },
    #[error("the world imports `{interface}`, which the host does not offer")]
    HostImport { interface: String },
    #[error("{other} exports `{interface}` too, and {importer} calls it: the host cannot tell which one is meant")]
    ExportTwice { interface: String, other: String, importer: String },
}

fn names(parameters: &[String]) -> String {
    let quoted: Vec<_> = parameters.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}

/// The most similar of the `known` names, if it is similar enough.
fn nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k str> {
    let likeness = |known: &'k String| (strsim::jaro_winkler(name, known), known.as_str());
    let nearest = known.iter().map(likeness).max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest.filter(|(likeness, _)| *likeness >= LIKENESS_MIN).map(|(_, known)| known)
}

fn stand(parameters: &[String]) -> String {
    let verb = if parameters.len() == 1 { "stands" } else { "stand" };
    format!("{} {verb}", names(parameters))
}

impl Fault {
    /// The correction, after "write instead:".
    fn instead(&self) -> String {
        match self {
            Self::Line(error) => error.instead(),
            Self::State(fault) => fault.instead().into(),
            Self::NoParameter { parameters, .. } if parameters.is_empty() => {
                "the route without it, or give the function that parameter".into()
            }
            Self::NoParameter { parameters, .. } => format!("the WIT name of a parameter: {}", names(parameters)),
            Self::ParameterTwice { .. } => "the parameter only once, in the path or in the query".into(),
            Self::NotText { part: "path", .. } => "a string, number, bool, char or enum, or move it to the body".into(),
            Self::NotText { .. } => {
                "a string, number, bool, char or enum, or an option of one, or move it to the body".into()
            }
            Self::SeveralBodies { .. } => {
                "all but one into the path (`/{name}`) or the query (`?name`), or one record that holds them".into()
            }
            Self::BodyOfGet { parameters } => {
                format!("`?{}` behind the path, or use POST", parameters.join("&"))
            }
            Self::AnswerWithoutBody => "`-> 200`, or no result but the error: `result<_, …>`".into(),
            Self::RolesWithoutRoute => "the line without `for …`".into(),
            Self::RouteTwice { .. } => "another path or method for one of them".into(),
            Self::RouteOfHost { .. } => "another path".into(),
            Self::MountOverRoute { .. } => "another `mount` in its section of the manifest".into(),
            Self::EventResult => "the function without `-> …`".into(),
            Self::NoEventKey { name, parameters } => match nearest(name, parameters) {
                Some(nearest) => format!("`event by {nearest}`"),
                None if parameters.is_empty() => "`event` alone".into(),
                None => format!("the WIT name of a parameter: {}", names(parameters)),
            },
            Self::EventKeyType { .. } => {
                "a parameter that is a string, number, bool, char or enum, or `event` alone".into()
            }
            Self::ScheduleParameters => "`func()`, and read what it needs from the store".into(),
            Self::AuthenticateShape => "`func(token: string) -> option<identity>`, where `identity` is a record of \
                                        `id: string`, `role: string` and, if need be, `session: option<string>`"
                .into(),
            Self::AuthenticateAtOnce => "the doc comment without `at most …`".into(),
            Self::AuthenticateTwice { .. } => "`authenticate` on only one function of all services".into(),
            Self::StatusOfNoError => {
                "it on the cases of the variant or enum `e` of a `result<…, e>`, or leave it out".into()
            }
            Self::NoStatus { .. } => "its status in backticks, alone on a line of its doc comment: `` `409` ``".into(),
            Self::ErrorPayload { .. } => {
                "`string` (the `detail` for clients), or a record, whose fields become members of the problem document"
                    .into()
            }
            Self::ErrorMember { .. } => "another name for the field".into(),
            Self::Resource => "an id (`string`) that functions of the interface take".into(),
            Self::NoValue { .. } => "`list<…>`, in pages where it may be long".into(),
            Self::Map => "`list<tuple<k, v>>`".into(),
            Self::Async => "`func` without `async`".into(),
            Self::TooDeep => "an id instead of the nested value".into(),
            Self::JsonNameTwice { .. } => "names that differ in more than hyphens".into(),
            Self::NotInInterface { .. } => {
                "the item in an interface of the package, and import or export that interface".into()
            }
            Self::HostExport { .. } => {
                "the world without it; a service that handles HTTP itself has a `mount` and no contract".into()
            }
            Self::HostImport { .. } => "one of the interfaces that docs/contract.md lists, or none".into(),
            Self::ExportTwice { .. } => "two different interfaces, or use the contract for one service only".into(),
        }
    }
}
