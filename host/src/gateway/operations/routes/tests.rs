use std::sync::Arc;

use super::*;
use crate::contract::{Field, Function, Method as M, Name, Reach, Route, Type};
use crate::names::ServiceName;

fn operation(method: M, path: &str) -> Operation {
    let parameters: Vec<_> = path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| Field::new(Name::new(name), Type::String))
        .collect();
    let route = Route {
        method,
        path: path.into(),
        path_parameters: (0..parameters.len()).collect(),
        query_parameters: vec![],
        body_parameter: None,
        success: 204,
        max_age_s: None,
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
        calls_in_flight_max: None,
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
            RouteMatch::Operation(operation, values) => {
                let values: Vec<_> = values.iter().map(|(_, value)| value).collect();
                format!("{} {values:?}", operation.function.name.wit)
            }
            RouteMatch::Method { allow } => format!("Allow: {}", allow.to_str().expect("ASCII")),
            RouteMatch::Nothing => "nothing".into(),
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
