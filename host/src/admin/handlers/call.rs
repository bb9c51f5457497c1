//! Calls any function of any service for the operator, with its parameters as one JSON object.

use std::sync::Arc;

use super::services::member;
use crate::admin::error::AdminError;
use crate::admin::request::{RequestBody, whole};
use crate::admin::server::Admin;
use crate::call::{Answer, Origin, RootCall};
use crate::contract::{Function, World};
use crate::gateway::{ErrorShape, Fault, Refusal};
use crate::names::{Identity, RequestId};
use crate::release::Holder;
use crate::value::{Codec, Parameters};

impl Admin {
    /// Calls `function` of `service` and returns its result as JSON; nothing if it has no result.
    ///
    /// The component sees a caller with the role `operator`. A deployer may call the functions of its services that only
    /// read.
    pub(in crate::admin) async fn call(
        &self,
        who: &Holder,
        service: &str,
        function: &str,
        body: &mut RequestBody,
        request: &RequestId,
    ) -> Result<Option<Vec<u8>>, AdminError> {
        let routing = self.calls.routing();
        let (service, function) = {
            let found = member(routing.live().backends(), service)?;
            (found.service.name().clone(), find(&found.release.world, function)?)
        };
        let may_call = who.is_admin() || who.may_deploy(&service) && function.reads_only();
        if !may_call {
            let (name, function) = (&who.name, &function.name.wit);
            let may = if who.may_deploy(&service) { ", which may write" } else { "" };
            return Err(AdminError::forbidden(format!(
                "The token {name:?} may not call {function} of {service}{may}."
            )));
        }
        let body = whole(body, self.body_bytes_max, self.body_read_max).await?;
        // No body means an object without members, for functions without parameters.
        let json: &[u8] = if body.is_empty() { b"{}" } else { &body };
        let arguments = Parameters::new(&function.parameters).decode(json).map_err(|error| {
            let fault = Fault { field: Some(error.pointer), parameter: None, detail: error.detail };
            Refusal::Faults(vec![fault])
        })?;
        tracing::info!(%service, function = &*function.name.wit, request = request.as_str(), "the operator calls");
        let identity = Some(Identity::operator());
        let (called, request) = (Arc::clone(&function), request.clone());
        let trace = self.calls.tracer().work("operator call");
        let root = RootCall {
            service,
            function: called,
            arguments,
            identity,
            request,
            key: None,
            span: trace.as_parent(),
            takes_body: false,
        };
        let called = self.calls.call(root, &routing, Origin::HOST).await.map_err(Refusal::from)?;
        Ok(value(&function, &called.answer)?)
    }
}

/// The JSON of the result of `function`, or the problem for its error.
fn value(function: &Function, answer: &Answer) -> Result<Option<Vec<u8>>, Refusal> {
    match (answer, &function.ok, &function.err) {
        (Answer::Ok(Some(value)), Some(ty), _) => {
            let mut json = Vec::new();
            Codec::new(ty).encode(value, &mut json).map_err(|error| Refusal::Answer { detail: error.to_string() })?;
            Ok(Some(json))
        }
        (Answer::Ok(_), _, _) => Ok(None),
        (Answer::Err(error), _, ty) => {
            let shape = ty.as_ref().map(ErrorShape::new);
            let problem = shape.zip(error.as_ref()).and_then(|(shape, error)| shape.problem(error));
            Err(match problem {
                Some(problem) => Refusal::Component(Box::new(problem)),
                None => Refusal::Answer { detail: "the error is no case of its type".into() },
            })
        }
    }
}

/// The function of `world` called `name`: its own name or, if two interfaces have such a function, `interface.name`
/// with the full interface name or its last part.
fn find(world: &World, name: &str) -> Result<Arc<Function>, AdminError> {
    // The version of an interface contains dots; a function name does not.
    let (interface, plain) = match name.rsplit_once('.') {
        Some((interface, plain)) => (Some(interface), plain),
        None => (None, name),
    };
    let functions: Vec<_> = world
        .exports
        .iter()
        .filter(|export| interface.is_none_or(|wanted| *export.name == *wanted || short(&export.name) == wanted))
        .flat_map(|export| &export.functions)
        .filter(|function| *function.name.wit == *plain)
        .collect();
    let full = |function: &&Arc<Function>| format!("{}.{}", short(&function.interface), function.name.wit);
    match functions.as_slice() {
        [function] => Ok(Arc::clone(function)),
        [] => {
            let all: Vec<_> = world.exports.iter().flat_map(|export| &export.functions).collect();
            let names: Vec<_> = all.iter().map(|function| &*function.name.wit).collect();
            Err(AdminError::not_found(format!(
                "{} has no function {name:?}. Its functions: {}.",
                world.name,
                names.join(", ")
            )))
        }
        several => {
            let names: Vec<_> = several.iter().map(full).collect();
            Err(AdminError::not_found(format!(
                "{name:?} matches several functions: {}. Use one of these names.",
                names.join(", ")
            )))
        }
    }
}

/// `cart` of `shop:cart/cart@1.0.0`.
fn short(interface: &str) -> &str {
    let name = interface.rsplit_once('/').map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}
