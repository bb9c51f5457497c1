//! The table of routes: which operation a path and a method mean.

use std::collections::BTreeMap;

use hyper::Method;
use hyper::header::HeaderValue;
use matchit::{Params, Router};

use super::operation::{Operation, method_name};
use crate::contract;

/// Why the routes do not go together.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    #[error("{method} {path} is the route of two functions: {first} and {second}")]
    Taken { method: &'static str, path: String, first: String, second: String },
    #[error("the route {path} cannot be told from another one")]
    Conflict { path: String, source: matchit::InsertError },
}

/// The routes of all operations.
#[derive(Debug)]
pub(super) struct Routes {
    router: Router<Place>,
}

/// What is at one path.
#[derive(Debug)]
struct Place {
    operations: Vec<Operation>,
    allow: HeaderValue,
}

/// What a request finds.
#[derive(Debug)]
pub(super) enum Found<'r, 'p> {
    Operation(&'r Operation, Params<'r, 'p>),
    /// The path is known, the method is not one of its.
    Method {
        allow: &'r HeaderValue,
    },
    Nothing,
}

impl Routes {
    pub(super) fn new(operations: impl IntoIterator<Item = Operation>) -> Result<Self, RouteError> {
        let mut places: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for operation in operations {
            let place = places.entry(positional(&operation.pattern)).or_default();
            if let Some(other) = place.iter().find(|other| other.method == operation.method) {
                return Err(RouteError::Taken {
                    method: method_name(operation.method),
                    path: operation.pattern,
                    first: other.function.name.wit.to_string(),
                    second: operation.function.name.wit.to_string(),
                });
            }
            place.push(operation);
        }
        let mut router = Router::new();
        for (path, mut operations) in places {
            operations.sort_by_key(|operation| operation.method);
            let allow = allow(operations.iter().map(|operation| operation.method));
            router
                .insert(path.clone(), Place { operations, allow })
                .map_err(|source| RouteError::Conflict { path, source })?;
        }
        Ok(Self { router })
    }

    pub(super) fn find<'r, 'p>(&'r self, method: &Method, path: &'p str) -> Found<'r, 'p> {
        let Ok(found) = self.router.at(path) else { return Found::Nothing };
        let wanted = match *method {
            Method::GET | Method::HEAD => Some(contract::Method::Get),
            Method::POST => Some(contract::Method::Post),
            Method::PUT => Some(contract::Method::Put),
            Method::PATCH => Some(contract::Method::Patch),
            Method::DELETE => Some(contract::Method::Delete),
            _ => None,
        };
        let operation = found.value.operations.iter().find(|operation| Some(operation.method) == wanted);
        match operation {
            Some(operation) => Found::Operation(operation, found.params),
            None => Found::Method { allow: &found.value.allow },
        }
    }
}

/// The path with its parameters named by their position, so that two functions may name them differently.
fn positional(path: &str) -> String {
    let mut positional = String::with_capacity(path.len());
    let mut parameters = 0;
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '{' => {
                inside = true;
                positional.push_str(&format!("{{p{parameters}}}"));
                parameters += 1;
            }
            '}' => inside = false,
            letter if !inside => positional.push(letter),
            _ => {}
        }
    }
    positional
}

/// The value of `Allow` where an operation has each of `methods`.
fn allow(methods: impl Iterator<Item = contract::Method>) -> HeaderValue {
    let mut names = Vec::new();
    for method in methods {
        names.push(method_name(method));
        if method == contract::Method::Get {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    HeaderValue::from_str(&names.join(", ")).expect("names of methods are ASCII")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract::{Field, Function, Method as M, Name, Reach, Route, Type};
    use crate::names::ServiceName;

    fn operation(method: M, path: &str) -> Operation {
        let parameters: Vec<_> = path
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| Field { name: Name::new(name), ty: Type::String, docs: "".into() })
            .collect();
        let route = Route {
            method,
            path: path.into(),
            path_parameters: (0..parameters.len()).collect(),
            query_parameters: vec![],
            body_parameter: None,
            success: 204,
        };
        let function = Function {
            interface: "t:t/t@1.0.0".into(),
            name: Name::new(&format!("{method:?} {path}")),
            docs: "".into(),
            parameters,
            ok: None,
            err: None,
            fallible: false,
            reach: Reach::Http(route.clone()),
            roles: vec![],
        };
        Operation::new(ServiceName::parse("t").expect("a name"), Arc::new(function), &route).expect("it is whole")
    }

    #[test]
    fn a_request_finds_its_operation_or_what_is_there_instead() {
        let routes = Routes::new([
            operation(M::Get, "/items"),
            operation(M::Get, "/items/{sku}"),
            operation(M::Put, "/items/{item}"),
            operation(M::Delete, "/sessions/current"),
            operation(M::Delete, "/carts/{id}/lines/{sku}"),
        ])
        .expect("they go together");
        let check = |method: Method, path: &str, expected: &str| {
            let found = match routes.find(&method, path) {
                Found::Operation(operation, values) => {
                    let values: Vec<_> = values.iter().map(|(_, value)| value).collect();
                    format!("{} {values:?}", operation.function.name.wit)
                }
                Found::Method { allow } => format!("Allow: {}", allow.to_str().expect("ASCII")),
                Found::Nothing => "nothing".into(),
            };
            assert_eq!(found, expected, "{method} {path}");
        };
        check(Method::GET, "/items", "Get /items []");
        check(Method::HEAD, "/items/TEA%2F1", "Get /items/{sku} [\"TEA%2F1\"]");
        check(Method::PUT, "/items/TEA", "Put /items/{item} [\"TEA\"]");
        check(Method::DELETE, "/carts/c-1/lines/TEA", "Delete /carts/{id}/lines/{sku} [\"c-1\", \"TEA\"]");
        check(Method::POST, "/items/TEA", "Allow: GET, HEAD, PUT, OPTIONS");
        check(Method::OPTIONS, "/sessions/current", "Allow: DELETE, OPTIONS");
        check(Method::TRACE, "/items", "Allow: GET, HEAD, OPTIONS");
        for path in ["/", "/items/", "/items//", "/Items", "/items/a/b", "/carts/c-1/lines/", "//items", "*", ""] {
            check(Method::GET, path, "nothing");
        }
    }

    #[test]
    fn one_route_has_one_function() {
        let twice = Routes::new([operation(M::Get, "/items/{sku}"), operation(M::Get, "/items/{id}")]);
        assert!(matches!(twice, Err(RouteError::Taken { method: "GET", .. })));
    }
}
