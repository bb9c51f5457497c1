//! The types of a contract, resolved, for the JSON mapping, OpenAPI and the console.
//!
//! Invariant: a type holds no resource, stream or future and is at most `VALUE_DEPTH_MAX` deep; both are refused when
//! the contract is read.

use std::fmt;
use std::sync::Arc;

/// The world name of a component without a contract.
pub(super) const HTTP_WORLD: &str = "wasi:http";

/// A value type of the component model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    List(Arc<Type>),
    /// A list of a fixed length. A `map<k, v>` is refused: the reference toolchains do not have it yet.
    FixedList(Arc<Type>, u32),
    Tuple(Arc<[Type]>),
    Option(Arc<Type>),
    Result {
        ok: Option<Arc<Type>>,
        err: Option<Arc<Type>>,
    },
    Record(Arc<Record>),
    Variant(Arc<Variant>),
    Enum(Arc<Enum>),
    Flags(Arc<Flags>),
}

/// A name in both spellings: kebab-case in WIT, camelCase in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    pub wit: Arc<str>,
    pub json: Arc<str>,
}

impl Name {
    #[must_use]
    pub fn new(wit: &str) -> Self {
        let mut json = String::with_capacity(wit.len());
        for (position, word) in wit.split('-').enumerate() {
            let mut letters = word.chars();
            match letters.next() {
                Some(first) if position > 0 => json.extend(first.to_uppercase().chain(letters)),
                Some(first) => json.extend(first.to_lowercase().chain(letters)),
                None => {}
            }
        }
        Self { wit: wit.into(), json: json.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The type's name in WIT, and the interface that declares it: `money` of `shop:types/types@1.0.0`.
    pub name: Arc<str>,
    pub interface: Arc<str>,
    pub docs: Arc<str>,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: Name,
    pub ty: Type,
    /// The doc comment without the line `opaque`.
    pub docs: Arc<str>,
    /// Whether two implementations of the contract may differ in the value: a generated id, a tracking number. They
    /// still agree on whether there is one.
    pub opaque: bool,
}

impl Field {
    /// A field without a doc comment.
    #[must_use]
    pub fn new(name: Name, ty: Type) -> Self {
        Self { name, ty, docs: "".into(), opaque: false }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    pub name: Arc<str>,
    pub interface: Arc<str>,
    pub docs: Arc<str>,
    pub cases: Vec<Case>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// In JSON too, a case has its WIT name.
    pub name: Arc<str>,
    pub ty: Option<Type>,
    pub docs: Arc<str>,
    /// The HTTP status from its doc comment, if this is a case of an error.
    pub status: Option<u16>,
    /// Whether a call that returns this error keeps its writes.
    pub commits: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enum {
    pub name: Arc<str>,
    pub interface: Arc<str>,
    pub docs: Arc<str>,
    /// The cases of an enum have no payload; cases of an error may have a status, as in a variant.
    pub cases: Vec<Case>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flags {
    pub name: Arc<str>,
    pub interface: Arc<str>,
    pub docs: Arc<str>,
    pub flags: Vec<Name>,
}

/// A function of a contract, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The full name of its interface: `shop:cart/cart@1.0.0`.
    pub interface: Arc<str>,
    pub name: Name,
    /// The doc comment without the line that says how it is reached.
    pub docs: Arc<str>,
    pub parameters: Vec<Field>,
    /// The type of a successful result; `None` for no result or `result<_, e>`.
    pub ok: Option<Type>,
    /// The error type, if the function returns a `result`.
    pub err: Option<Type>,
    /// Whether the WIT result is a `result<…>`; the value is then a `Val::Result`.
    pub fallible: bool,
    pub reach: Reach,
    /// The roles that may call it from outside; if empty, everyone may.
    pub roles: Vec<Arc<str>>,
    /// How many calls of it run at once, unless the manifest says otherwise.
    pub calls_in_flight_max: Option<usize>,
}

impl Function {
    /// A function without parameters and without a result, which only other services call.
    #[cfg(test)]
    pub(crate) fn internal(interface: &str, name: &str) -> Self {
        Self {
            interface: interface.into(),
            name: Name::new(name),
            docs: "".into(),
            parameters: Vec::new(),
            ok: None,
            err: None,
            fallible: false,
            reach: Reach::Internal,
            roles: Vec::new(),
            calls_in_flight_max: None,
        }
    }

    /// Whether a call runs on a snapshot and writes nothing.
    #[must_use]
    pub fn reads_only(&self) -> bool {
        match &self.reach {
            Reach::Http(route) => route.method == Method::Get,
            Reach::Read | Reach::Authenticate | Reach::Export => true,
            Reach::Event { .. } | Reach::Every(_) | Reach::Internal | Reach::Import => false,
        }
    }
}

/// How a function is reached: the line of its doc comment in backticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Http(Route),
    Read,
    Event {
        /// The index of the parameter by which events of the interface are ordered.
        by: Option<usize>,
    },
    Every(std::time::Duration),
    Authenticate,
    Internal,
    /// The host reads the state of the service with it. Only in a [`StateInterface`].
    Export,
    /// The host writes the state of the service with it. Only in a [`StateInterface`].
    Import,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As HTTP writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// As HTTP clients see it: `/accounts/{id}/addresses/{addressId}`.
    pub path: String,
    /// Indices into `Function::parameters`: those in the path, in its order; those in the query; the body's.
    pub path_parameters: Vec<usize>,
    pub query_parameters: Vec<usize>,
    pub body_parameter: Option<usize>,
    /// 200 unless the line says otherwise; 204 for a function without a result.
    pub success: u16,
    /// For how many seconds caches may give the answer without asking the host; `None`: for none.
    pub max_age_s: Option<u64>,
}

impl Route {
    /// The path without the names of its parameters: `/accounts/{}/addresses/{}`. No two functions of one method have
    /// the same shape; if two shapes match a path, a literal segment wins over a parameter.
    #[must_use]
    pub fn shape(&self) -> String {
        let segments = self.path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// One interface that a world imports or exports, with its functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// `shop:cart/cart@1.0.0`.
    pub name: Arc<str>,
    pub functions: Vec<Arc<Function>>,
}

impl Interface {
    /// Whether services call it; otherwise it holds events, which the host delivers.
    #[must_use]
    pub fn is_called(&self) -> bool {
        self.functions.iter().any(|function| !matches!(function.reach, Reach::Event { .. }))
    }
}

/// The interface by which state moves from one implementation of a contract to another. It stands beside the worlds of
/// its package; a component may export it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateInterface {
    /// `shop:cart/state@1.0.0`.
    pub name: Arc<str>,
    /// `(after: option<string>, until: option<string>, limit: u32) -> list<entry>`, where `entry` is a record of
    /// `key: string` and `value`, which is an entity.
    pub export: Arc<Function>,
    /// `(changes: list<change>) -> result<_, string>`, where `change` is a record of `key: string` and `value`, which is
    /// an option of an entity.
    pub import: Arc<Function>,
    /// The type of every entity.
    pub entity: Arc<Variant>,
}

impl StateInterface {
    #[must_use]
    pub fn functions(&self) -> [&Arc<Function>; 2] {
        [&self.export, &self.import]
    }
}

/// The contract of one service: a WIT world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// `shop:cart/cart-service@1.0.0`.
    pub name: Arc<str>,
    pub docs: Arc<str>,
    pub exports: Vec<Interface>,
    /// Without the host's own interfaces (`switchyard:service/…`, `wasi:…`).
    pub imports: Vec<Interface>,
    /// The interface `state` of the world's package, if there is one.
    pub state: Option<StateInterface>,
}

impl World {
    /// The package that declares it, such as `shop:cart@1.0.0`.
    #[must_use]
    pub fn package(&self) -> String {
        let (path, version) =
            self.name.split_once('@').map_or((&*self.name, None), |(path, version)| (path, Some(version)));
        let package = path.split_once('/').map_or(path, |(package, _)| package);
        version.map_or_else(|| package.to_owned(), |version| format!("{package}@{version}"))
    }

    /// An empty world for a component that handles HTTP itself: none of its functions can be called.
    #[must_use]
    pub fn http() -> Self {
        Self { name: HTTP_WORLD.into(), docs: "".into(), exports: Vec::new(), imports: Vec::new(), state: None }
    }
}
