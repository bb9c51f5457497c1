//! The route table: maps a path and a method to an operation.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hyper::Method;
use hyper::header::HeaderValue;
use matchit::{Params, Router};

use super::operation::{Operation, method_name};
use crate::contract;

/// Why the routes conflict.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    #[error("{method} {path} is the route of two functions: {first} and {second}")]
    Taken { method: &'static str, path: String, first: String, second: String },
    #[error("the route {path} cannot be told from another one")]
    Conflict { path: String, source: matchit::InsertError },
}

/// The routes of all operations.
#[derive(Debug)]
pub(in crate::gateway) struct Routes {
    router: Router<PathOperations>,
}

/// The operations at one path.
#[derive(Debug)]
struct PathOperations {
    operations: Vec<Operation>,
    allow: HeaderValue,
}

/// The match for a request.
#[derive(Debug)]
pub(in crate::gateway) enum RouteMatch<'r, 'p> {
    Operation(&'r Operation, Params<'r, 'p>),
    /// The path is known, but it does not have this method.
    Method {
        allow: &'r HeaderValue,
    },
    Nothing,
}

impl Routes {
    pub(in crate::gateway) fn new(operations: impl IntoIterator<Item = Operation>) -> Result<Self, RouteError> {
        let mut paths: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for operation in operations {
            let operations = paths.entry(positional(&operation.pattern)).or_default();
            if let Some(other) = operations.iter().find(|other| other.method == operation.method) {
                return Err(RouteError::Taken {
                    method: method_name(operation.method),
                    path: operation.pattern,
                    first: other.function.name.wit.to_string(),
                    second: operation.function.name.wit.to_string(),
                });
            }
            operations.push(operation);
        }
        let mut router = Router::new();
        for (path, mut operations) in paths {
            operations.sort_by_key(|operation| operation.method);
            let allow = allow(operations.iter().map(|operation| operation.method));
            router
                .insert(path.clone(), PathOperations { operations, allow })
                .map_err(|source| RouteError::Conflict { path, source })?;
        }
        Ok(Self { router })
    }

    pub(in crate::gateway) fn find<'r, 'p>(&'r self, method: &Method, path: &'p str) -> RouteMatch<'r, 'p> {
        let Ok(found) = self.router.at(path) else { return RouteMatch::Nothing };
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
            Some(operation) => RouteMatch::Operation(operation, found.params),
            None => RouteMatch::Method { allow: &found.value.allow },
        }
    }
}

/// The path with its parameters named by position, because two functions may name them differently.
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

/// The value of `Allow` for a path with an operation for each of `methods`.
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
