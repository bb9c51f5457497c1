//! The OpenAPI 3.1 document of the public operations: what client authors and their tools read.
//!
//! Invariant: the same services give the same document, byte for byte.

#![expect(clippy::indexing_slicing, reason = "what gets a member here is a JSON object, which takes every one")]

mod description;
mod error_members;
mod errors;
mod example;
mod headers;
mod naming;
mod operation;
mod problem;
mod schema;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use self::description::described;
use self::errors::Responses;
use self::operation::Operation;
use self::schema::Schemas;
use super::types::{Function, Reach, Route, World};
use crate::names::ServiceName;

/// The OpenAPI document of `services`, each with the world of its contract.
#[must_use]
pub fn openapi(services: &[(ServiceName, Arc<World>)], title: &str, version: &str) -> Json {
    let operations = operations(services);
    let schemas = Schemas::new(operations.iter().map(|operation| operation.function));
    let authenticates = services.iter().flat_map(|(_, world)| functions(world)).any(|f| f.reach == Reach::Authenticate);

    let mut errors = Responses::default();
    let mut paths: Map<String, Json> = Map::new();
    for operation in &operations {
        let item = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        item[operation.route.method.as_str().to_lowercase()] = operation.document(&schemas, &mut errors, authenticates);
    }
    let tags: Vec<_> = services
        .iter()
        .filter(|(service, _)| operations.iter().any(|operation| operation.service == service))
        .map(|(service, world)| described(json!({ "name": service }), &world.docs))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": components(&schemas, errors, authenticates),
    })
}

fn components(schemas: &Schemas, errors: Responses, authenticates: bool) -> Json {
    let mut components = json!({
        "schemas": schemas.document(),
        "responses": errors.document(),
        "parameters": operation::common_parameters(),
        "headers": headers::definitions(),
    });
    if authenticates {
        components["securitySchemes"] = json!({ "bearer": { "type": "http", "scheme": "bearer" } });
    }
    components
}

/// Every function with a route, in the order of services and contracts.
fn operations(services: &[(ServiceName, Arc<World>)]) -> Vec<Operation<'_>> {
    let mut routed: Vec<(&ServiceName, &Function, &Route)> = Vec::new();
    for (service, world) in services {
        routed.extend(functions(world).filter_map(|function| match &function.reach {
            Reach::Http(route) => Some((service, function, route)),
            _ => None,
        }));
    }
    let ids = naming::distinct(&routed, &[], |(service, function, _), level| match level {
        0 => function.name.json.to_string(),
        1 => naming::camel(&[service.as_str(), &function.name.wit]),
        _ => naming::camel(&[service.as_str(), naming::interface_name(&function.interface), &function.name.wit]),
    });
    // Two paths that differ only in parameter names are one path. The first function names its parameters.
    let mut paths: BTreeMap<String, &str> = BTreeMap::new();
    for (_, _, route) in &routed {
        paths.entry(route.shape()).or_insert(&route.path);
    }
    let operation = |((service, function, route), id): (_, String)| {
        let route: &Route = route;
        let path = paths.get(&route.shape()).copied().unwrap_or(&route.path).to_owned();
        Operation { service, function, route, id, path }
    };
    routed.iter().copied().zip(ids).map(operation).collect()
}

fn functions(world: &World) -> impl Iterator<Item = &Function> {
    world.exports.iter().flat_map(|interface| &interface.functions).map(Arc::as_ref)
}
